// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const year = 365 * 24 * hour

// TestClockSteps: whatever the wall clock does, each key is renewed within its
// life of real time and 60 s, and no second sees a storm.
func TestClockSteps(t *testing.T) {
	const keys = 3000
	for _, steps := range [][]time.Duration{
		{hour}, {-hour}, {24 * hour}, {-24 * hour}, {10 * year}, {-10 * year},
		{hour, -hour}, {-24 * hour, 24 * hour}, {10 * year, -10 * year}, {-10 * year, 10 * year},
	} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				w.renews(100*time.Millisecond, "h")
				w.Start()
				began := time.Now()
				for i := range keys {
					job := w.job(fmt.Sprint(i), "h", hour)
					job.Policy = KeepWarm
					job.Due = job.Issued.Add(36*time.Minute + time.Duration(i)*12*time.Minute/keys)
					w.Put(job)
				}
				for _, by := range steps {
					time.Sleep(20 * time.Minute)
					w.step(by)
				}
				time.Sleep(2*hour - time.Since(began))
				synctest.Wait()
				last, second, perSecond := map[string]time.Time{}, map[int64]int{}, 0
				for _, start := range w.starts {
					from, known := last[start.key]
					if !known {
						from = began
					}
					if gap := start.at.Sub(from); gap > 49*time.Minute {
						t.Errorf("%s was left alone for %v", start.key, gap)
					}
					last[start.key] = start.at
					second[start.at.Unix()]++
					perSecond = max(perSecond, second[start.at.Unix()])
				}
				require.Len(t, last, keys)
				require.Less(t, perSecond, 2*keys/30, "renewals in one second")
				require.Less(t, len(w.starts), 5*keys)
				w.took()
			})
		})
	}
}

// TestSuspend: the machine sleeps for hours; what has fallen due is noticed within 30 s
// of its waking, and done within a minute.
func TestSuspend(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.renews(100*time.Millisecond, "h")
		w.Start()
		for i := range 500 {
			w.Put(w.job(fmt.Sprint(i), "h", hour))
		}
		time.Sleep(time.Minute)
		w.step(5 * hour) // monotonic time stands still meanwhile
		time.Sleep(time.Minute)
		require.Len(t, w.took(), 500)
		w.step(10 * year)
		time.Sleep(time.Minute)
		require.Len(t, w.took(), 500, "nobody could read meanwhile: that makes no role idle")
		require.Zero(t, w.Snapshot().Idle)
	})
}

// TestAWildClock is no longer believed at some time, but does not stop the scheduler.
func TestAWildClock(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.renews(0, "h")
		w.Start()
		w.Put(w.job("a", "h", hour))
		for range 100 {
			w.step(30 * year)
			time.Sleep(time.Minute)
			w.step(-30 * year)
			time.Sleep(time.Minute)
		}
		w.took()
		w.Touch(k("a"))
		time.Sleep(42 * time.Minute)
		require.Equal(t, []string{"a"}, w.took())
	})
}

func TestMoment(t *testing.T) {
	m := moment{wall: time.Unix(1_000_000_000, 0), mono: hour, at: 5 * hour}
	for _, tc := range []struct {
		wall, mono, at time.Duration
		leapt          bool
	}{
		{0, 0, 0, false},
		{time.Second, time.Second, time.Second, false},
		{time.Minute, 0, time.Minute, false},
		{time.Minute + 1, 0, time.Minute + 1, true},
		{-hour, time.Second, time.Second, false},
		{hour, 2 * hour, 2 * hour, false}, // set back by an hour
		{100 * year, time.Second, farthest, true},
		{0, -time.Second, 0, false}, // monotonic clocks do not, but two goroutines may overtake each other
	} {
		next, leapt := m.next(m.wall.Add(tc.wall), m.mono+tc.mono)
		require.Equal(t, 5*hour+tc.at, next.at, "%+v", tc)
		require.Equal(t, tc.leapt, leapt, "%+v", tc)
	}
	wild := moment{wall: m.wall, at: maxLeap + 1}
	next, leapt := wild.next(m.wall.Add(year), time.Second)
	require.Equal(t, wild.at+time.Second, next.at)
	require.False(t, leapt)

	require.Equal(t, 4*hour, m.instant(m.wall.Add(-hour)))
	require.Equal(t, 5*hour+farthest, m.instant(m.wall.Add(200*year)))
	require.Equal(t, 6*hour, m.after(m.wall, m.wall.Add(hour)))
	require.Equal(t, 6*hour, m.after(m.wall.Add(10*year), m.wall.Add(10*year+hour)), "issued in the future")
	require.Equal(t, 4*hour, m.after(m.wall.Add(-2*hour), m.wall.Add(-hour)))
	require.Equal(t, m.wall.Add(hour), m.when(6*hour))
	require.True(t, m.when(never).IsZero())
}
