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
		w.Retry("", func(key string) bool { return key != "c" })
		synctest.Wait()
		time.Sleep(time.Second)
		require.ElementsMatch(t, []string{"a", "b"}, w.took())
		w.Retry("other", func(key string) bool { return key == "a" })
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
		before, _ := w.Look("a")
		w.Retry("other", func(string) bool { return true })
		time.Sleep(time.Minute)
		after, _ := w.Look("a")
		require.Equal(t, before.Next.Round(time.Second), after.Next.Round(time.Second))
		require.Empty(t, w.took())
		require.Equal(t, 1, w.host("other").Jobs)
	})
}
