// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdleIsLetGoAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.renews(0, "h")
		w.Start()
		w.Put(w.job("a", "h", hour))
		w.Put(w.job("read", "h", hour))
		for range 30 {
			w.Touch(k("read"))
			time.Sleep(hour)
		}
		runs := map[string]int{}
		for _, key := range w.took() {
			runs[key]++
		}
		require.Equal(t, 34, runs["a"], "24 h at one each 42 min")
		require.Equal(t, 42, runs["read"])
		require.True(t, w.look("a").Idle)
		require.Equal(t, "asleep", w.look("a").State)
		require.Equal(t, 1, w.Snapshot().Idle)
		last, known := w.LastRead(k("a"))
		require.True(t, known)
		require.Equal(t, w.now().Add(-30*hour), last)
		time.Sleep(100 * hour)
		require.NotContains(t, w.took(), "a")

		w.Touch(k("a"))
		require.False(t, w.look("a").Idle)
		time.Sleep(30*time.Second + 1)
		require.Contains(t, w.took(), "a", "a read brings it back")
		time.Sleep(24 * hour)
		require.Contains(t, w.took(), "a")
		time.Sleep(3 * hour)
		require.True(t, w.look("a").Idle)
		job := w.job("a", "h", hour) // a foreground renewal does, too
		job.Read = w.now()
		w.Put(job)
		time.Sleep(42 * time.Minute)
		require.Contains(t, w.took(), "a")
	})
}

func TestKeepWarm(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.always(Outcome{Kind: Failed})
		w.Start()
		job := w.dueJob("a", "h")
		job.Policy, job.Read = KeepWarm, w.now().Add(-1000*hour)
		w.Put(job)
		require.Equal(t, []string{"a"}, w.took())
		job.Key, job.Policy = k("b"), Auto
		w.Put(job)
		require.Empty(t, w.took())
		require.True(t, w.look("b").Idle)
	})
}

// TestExercise: a refresh token is used before it lapses, though nobody reads and
// whatever the policy; and the role stays idle.
func TestExercise(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		put := func(key string) {
			job := w.job(key, "h", hour)
			job.UseBy = w.now().Add(10 * 24 * hour)
			if key == "on demand" {
				job.Policy = OnDemand
			}
			w.Put(job)
		}
		w.does(func(_ context.Context, key string) Outcome { put(key); return Outcome{Kind: Renewed} })
		w.Start()
		put("idle")
		put("on demand")
		time.Sleep(26 * hour)
		w.took()
		require.True(t, w.look("idle").Idle)
		require.Equal(t, "waiting", w.look("idle").State)
		time.Sleep(8 * 24 * hour)
		require.Empty(t, w.took())
		time.Sleep(2 * 24 * hour)
		require.ElementsMatch(t, []string{"idle", "on demand"}, w.took())
		time.Sleep(hour)
		require.True(t, w.look("idle").Idle)
		require.Empty(t, w.took())
		w.Touch(k("on demand"))
		w.Touch(k("idle"))
		time.Sleep(time.Minute)
		require.Equal(t, []string{"idle"}, w.took())
	})
}

// TestReadsOfWhatRuns: a read during the Run of an idle key counts.
func TestReadsOfWhatRuns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.renews(10*time.Second, "h")
		w.Start()
		job := w.job("a", "h", hour)
		job.Read, job.UseBy = w.now().Add(-100*hour), w.now().Add(2*hour)
		w.Put(job)
		time.Sleep(hour)
		require.Empty(t, w.took())
		require.True(t, w.look("a").Idle)
		time.Sleep(hour + time.Second)
		require.Equal(t, "running", w.look("a").State)
		w.Touch(k("a"))
		require.False(t, w.look("a").Idle)
		synctest.Wait()
		w.took()
		time.Sleep(hour)
		require.Equal(t, []string{"a"}, w.took())
	})
}

func TestTouchAllocatesNothing(t *testing.T) {
	s := New(Options{})
	now := time.Now()
	s.Put(Job{Key: k("a"), Issued: now, Due: now.Add(hour), Expires: now.Add(2 * hour)})
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { s.Touch(k("a")); s.Touch(k("unknown")) }), 0.0)
	require.NoError(t, s.Stop(t.Context()))
}
