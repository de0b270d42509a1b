// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetry(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		kind := Stopped
		w.does(func(context.Context, string) Outcome { return Outcome{Kind: kind} })
		for _, key := range []string{"a", "b", "c"} {
			w.Put(w.dueJob(key, "h"))
		}
		w.Start()
		time.Sleep(hour)
		require.ElementsMatch(t, []string{"a", "b", "c"}, w.took())
		require.Equal(t, 3, w.Snapshot().Stopped)

		kind = Refused
		w.Retry("", func(key Key) bool { return key != k("c") })
		synctest.Wait()
		time.Sleep(time.Second)
		require.ElementsMatch(t, []string{"a", "b"}, w.took())
		w.Retry("other", func(key Key) bool { return key == k("a") })
		time.Sleep(time.Second)
		require.Equal(t, []string{"a"}, w.took(), "at once, not after its backoff")
		require.Equal(t, 1, w.host("other").Jobs)
		require.Equal(t, 2, w.host("h").Jobs)
		require.Equal(t, 1, w.Snapshot().Stopped)
	})
}

// What has not failed is left where it is; one that moves to another host asks there.
func TestRetryLeavesAloneWhatHasNotFailed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(context.Context, string) Outcome { return Outcome{Kind: Renewed} })
		job := w.dueJob("a", "h")
		job.Due, job.Expires = w.now().Add(hour), w.now().Add(2*hour)
		w.Put(job)
		w.Start()
		before, _ := w.Look(k("a"))
		w.Retry("other", func(Key) bool { return true })
		time.Sleep(time.Minute)
		after, _ := w.Look(k("a"))
		require.Equal(t, before.Next.Round(time.Second), after.Next.Round(time.Second))
		require.Empty(t, w.took())
		require.Equal(t, 1, w.host("other").Jobs)
	})
}

// A change that comes while a key runs ends what comes of the run, too.
func TestRetryWhileRunning(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(context.Context, string) Outcome { time.Sleep(10 * time.Second); return Outcome{Kind: Stopped} })
		w.Put(w.dueJob("a", "h"))
		w.Start()
		time.Sleep(5 * time.Second)
		w.Retry("other", func(Key) bool { return true })
		time.Sleep(7 * time.Second)
		require.Equal(t, []string{"a", "a"}, w.took())
		require.Equal(t, 1, w.host("other").Jobs)
		time.Sleep(hour)
		require.Empty(t, w.took())
	})
}

func TestExerciseLater(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(context.Context, string) Outcome { return Outcome{Kind: Stopped} })
		now := w.now()
		w.Put(Job{Key: k("sooner"), Host: "h", Issued: now, Due: now.Add(hour), Expires: now.Add(2 * hour)})
		w.Put(Job{Key: k("later"), Host: "h", Issued: now, Due: now.Add(hour), Expires: now.Add(2 * hour)})
		w.Put(Job{Key: k("asleep"), Host: "h", Issued: now, Due: now.Add(hour), Expires: now.Add(2 * hour), Policy: OnDemand})
		w.Start()
		w.UseBy(k("unknown"), now)
		w.UseBy(k("sooner"), now.Add(time.Minute))
		w.UseBy(k("later"), now.Add(3*hour))
		w.UseBy(k("asleep"), now.Add(time.Minute))
		time.Sleep(time.Minute + time.Second)
		require.ElementsMatch(t, []string{"sooner", "asleep"}, w.took())
		time.Sleep(hour)
		require.Equal(t, []string{"later"}, w.took())
	})
}

// What sent nothing says nothing about the host, whatever it says about the key.
func TestSilence(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{BreakerAfter: 3})
		w.does(func(context.Context, string) Outcome { return Outcome{Kind: Failed, Code: "down"} })
		for _, key := range []string{"a", "b", "c"} {
			w.Put(w.dueJob(key, "h"))
		}
		w.Start()
		time.Sleep(time.Second)
		require.Equal(t, "open", w.host("h").Breaker)
		w.does(func(context.Context, string) Outcome {
			return Outcome{Kind: Stopped, Code: "nothing to send", Silent: true}
		})
		time.Sleep(20 * time.Second)
		require.NotEmpty(t, w.took())
		require.Equal(t, "open", w.host("h").Breaker)
		require.Equal(t, "down", w.host("h").Code)
	})
}

// An operator who has fixed something need not wait for the next probe.
func TestProbe(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{BreakerAfter: 1})
		down := func() {
			w.does(func(context.Context, string) Outcome { return Outcome{Kind: Failed, Code: "down"} })
			w.Put(w.dueJob("a", "h"))
			synctest.Wait()
			w.took()
			require.Equal(t, "open", w.host("h").Breaker)
			w.does(func(context.Context, string) Outcome { return Outcome{Kind: Stopped} })
		}
		w.Start()
		w.Probe("unknown")
		for _, fix := range []func(){
			func() { w.Retry("", func(Key) bool { return true }) },
			func() { w.Retry("h", func(Key) bool { return true }) },
			func() {
				w.Probe("h")
				release, err := w.Foreground(t.Context(), "h")
				require.NoError(t, err)
				release(Outcome{Kind: Renewed})
			},
		} {
			down()
			_, err := w.Foreground(t.Context(), "h")
			require.Error(t, err)
			fix()
			synctest.Wait()
			require.Equal(t, "closed", w.host("h").Breaker)
		}
	})
}
