// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunsAtTheDueInstant(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.renews(time.Second, "h")
		w.Start()
		w.Put(w.job("a", "h", hour))
		time.Sleep(42*time.Minute - 1)
		require.Empty(t, w.took())
		require.Equal(t, "waiting", w.look("a").State)
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{"a"}, w.took())
		require.Equal(t, "running", w.look("a").State)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "waiting", w.look("a").State)
		require.Equal(t, w.now().Add(42*time.Minute), w.look("a").Next)
		time.Sleep(42 * time.Minute)
		require.Equal(t, []string{"a"}, w.took())
	})
}

func TestPutReplacesAndRemoveForgets(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.always(Outcome{Kind: Refused})
		w.Start()
		w.Put(w.job("a", "h", hour))
		w.Put(w.job("a", "h", 2*hour))
		w.Put(w.job("b", "h", hour))
		w.Put(Job{Host: "h"}) // no key
		w.Remove(k("b"))
		w.Remove(k("unknown"))
		time.Sleep(84*time.Minute - 1)
		require.Empty(t, w.took())
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{"a"}, w.took())
		_, known := w.Look(k("b"))
		require.False(t, known)
		w.Remove(k("a"))
		require.Zero(t, w.Snapshot().Jobs)
		require.Empty(t, w.Snapshot().Hosts, "a host without jobs is forgotten")
	})
}

func TestWhatEndsUnscheduled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Start()
		onDemand, short, bare := w.job("on demand", "h", hour), w.job("short", "h", 45*time.Second-1), w.job("bare", "h", hour)
		onDemand.Policy, short.Policy, bare.Issued = OnDemand, KeepWarm, time.Time{}
		noDue := w.job("no due", "h", hour)
		noDue.Due = time.Time{}
		for _, job := range []Job{onDemand, short, bare, noDue} {
			w.Put(job)
			w.Touch(job.Key)
		}
		w.Put(w.job("long", "h", 45*time.Second))
		time.Sleep(10 * time.Hour)
		for _, key := range w.took() {
			require.Equal(t, "long", key)
		}
		require.Equal(t, 4, w.Snapshot().Asleep)
		require.Zero(t, w.Snapshot().Idle)
	})
}

// TestOutcomes pins when each outcome has the key run again, with nothing put
// meanwhile: at once it never does.
func TestOutcomes(t *testing.T) {
	for _, tc := range []struct {
		outcome  Outcome
		from, to time.Duration // 0: not within a day
		state    string
	}{
		{Outcome{Kind: Failed}, 7500 * time.Millisecond, 15 * time.Second, "waiting"},
		{Outcome{Kind: Throttled}, 7500 * time.Millisecond, 15 * time.Second, "waiting"},
		{Outcome{Kind: Throttled, RetryAfter: 90 * time.Second}, 90 * time.Second, 90 * time.Second, "waiting"},
		{Outcome{Kind: Failed, RetryAfter: time.Millisecond}, time.Second, time.Second, "waiting"},
		{Outcome{Kind: Failed, RetryAfter: 20 * hour}, hour, hour, "waiting"},
		{Outcome{Kind: Renewed}, 7500 * time.Millisecond, 15 * time.Second, "waiting"}, // the same token again
		{Outcome{Kind: Unneeded}, 7500 * time.Millisecond, 15 * time.Second, "waiting"},
		{Outcome{Kind: Refused}, 5 * time.Minute, 5 * time.Minute, "waiting"},
		{Outcome{Kind: Refused, RetryAfter: 25 * time.Minute}, 25 * time.Minute, 25 * time.Minute, "waiting"},
		{Outcome{Kind: Stopped}, 0, 0, "stopped"},
	} {
		t.Run(fmt.Sprint(tc.outcome.Kind, tc.outcome.RetryAfter), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				w.always(tc.outcome)
				w.Start()
				w.Put(w.dueJob("a", "h"))
				require.Equal(t, []string{"a"}, w.took())
				require.Equal(t, tc.state, w.look("a").State)
				require.Equal(t, 1, w.look("a").Failures)
				require.Equal(t, w.now(), w.look("a").Since)
				if tc.to == 0 {
					time.Sleep(24 * hour)
					w.Touch(k("a"))
					time.Sleep(hour)
					require.Empty(t, w.took())
					w.Put(w.dueJob("a", "h")) // something has changed
					require.Equal(t, []string{"a"}, w.took())
					return
				}
				next := w.look("a").Next.Sub(w.now())
				require.GreaterOrEqual(t, next, tc.from)
				require.LessOrEqual(t, next, tc.to)
				time.Sleep(next - 1)
				require.Empty(t, w.took())
				time.Sleep(time.Nanosecond)
				require.Equal(t, []string{"a"}, w.took())
				require.Equal(t, 2, w.look("a").Failures)
			})
		})
	}
}

func TestGoneIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.always(Outcome{Kind: Gone})
		w.Start()
		w.Put(w.dueJob("a", "h"))
		w.took()
		_, known := w.Look(k("a"))
		require.False(t, known)
		require.Zero(t, w.Snapshot().Jobs)
	})
}

// TestPutDuringRun: what was put meanwhile counts from the end of the Run,
// however that ends; and a Remove does not open the door to a second Run.
func TestPutDuringRun(t *testing.T) {
	for _, outcome := range []Outcome{{Kind: Failed}, {Kind: Stopped}, {Kind: Refused}, {Kind: Gone}} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.does(func(context.Context, string) Outcome { time.Sleep(10 * time.Second); return outcome })
			w.Start()
			w.Put(w.dueJob("a", "h"))
			time.Sleep(time.Second)
			w.Remove(k("a"))
			_, known := w.Look(k("a"))
			require.False(t, known)
			w.Put(w.dueJob("a", "other"))
			require.Equal(t, []string{"a"}, w.took())
			time.Sleep(10 * time.Second)
			require.Equal(t, []string{"a"}, w.took(), outcome.Kind)
			require.Equal(t, "running", w.look("a").State)
			require.Equal(t, 1, w.host("other").InFlight)
			w.Remove(k("a"))
			time.Sleep(10 * time.Second)
			synctest.Wait()
			require.Zero(t, w.Snapshot().Jobs)
		})
	}
}

// TestPutDuringRunEndsBackoff: a failure that belongs to what was replaced is no
// failure of what replaces it.
func TestPutDuringRunEndsBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(ctx context.Context, _ string) Outcome { nap(ctx, time.Second); return Outcome{Kind: Refused} })
		w.Start()
		w.Put(w.dueJob("a", "h"))
		time.Sleep(5*time.Minute + time.Second + 1)
		require.Len(t, w.took(), 2)
		require.Equal(t, 1, w.look("a").Failures)
		w.Put(w.job("a", "h", hour))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Zero(t, w.look("a").Failures)
		time.Sleep(40 * time.Minute)
		require.Empty(t, w.took())
	})
}

// TestTheSameTokenAgain: a server that answers with the token that it gave before
// is asked less and less, though each answer is put.
func TestTheSameTokenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		job := w.dueJob("a", "h")
		job.Expires = w.now().Add(10 * hour)
		w.does(func(context.Context, string) Outcome { w.Put(job); return Outcome{Kind: Renewed} })
		w.Start()
		w.Put(job)
		time.Sleep(hour)
		tries := len(w.took())
		require.Less(t, tries, 30)
		require.Greater(t, tries, 10)
	})
}

func TestPanicTouchesNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var reported []string
		w := newWorld(t, Options{Panicked: func(key Key, kind string, stack []byte) {
			reported = append(reported, key.Role, kind)
			require.NotContains(t, string(stack), "a secret")
			panic("the report, too")
		}})
		w.does(func(_ context.Context, key string) Outcome {
			switch key {
			case "bad":
				panic("a secret")
			case "exits":
				runtime.Goexit()
			}
			w.Put(w.job(key, "h", hour))
			return Outcome{Kind: Renewed}
		})
		w.Start()
		w.Put(w.dueJob("bad", "h"))
		w.Put(w.dueJob("exits", "h"))
		w.Put(w.dueJob("good", "h"))
		require.ElementsMatch(t, []string{"bad", "good", "exits"}, w.took())
		require.Equal(t, []string{"bad", "string"}, reported)
		require.Equal(t, 1, w.Snapshot().Panics)
		for _, key := range []string{"bad", "exits"} {
			require.Equal(t, "waiting", w.look(key).State)
			require.Equal(t, "panic", w.look(key).Code)
		}
		require.Zero(t, w.look("good").Failures)
		require.Zero(t, w.host("h").InFlight)
		time.Sleep(15 * time.Second)
		require.ElementsMatch(t, []string{"bad", "exits"}, w.took())
	})
}
