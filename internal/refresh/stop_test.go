// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStop(t *testing.T) {
	t.Run("cancels and waits", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.does(func(ctx context.Context, _ string) Outcome {
				<-ctx.Done()
				time.Sleep(time.Second)
				return Outcome{Kind: Failed}
			})
			w.Start()
			w.Start()
			for i := range 20 {
				w.Put(w.dueJob(fmt.Sprint(i), "h"))
			}
			require.Len(t, w.took(), 8)
			began := time.Now()
			require.NoError(t, w.Stop(t.Context()))
			require.Equal(t, time.Second, time.Since(began))
			w.Start()
			w.Put(w.dueJob("late", "h"))
			w.Touch(k("1"))
			w.Remove(k("1"))
			w.Nudge()
			time.Sleep(hour)
			require.Empty(t, w.took())
		})
	})
	t.Run("gives up", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.does(func(context.Context, string) Outcome { time.Sleep(time.Minute); return Outcome{} })
			w.Start()
			w.Put(w.dueJob("a", "h"))
			w.took()
			began := time.Now()
			require.ErrorIs(t, w.Stop(t.Context()), context.DeadlineExceeded)
			require.Equal(t, 2*time.Second, time.Since(began))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, w.Stop(ctx), context.Canceled)
			time.Sleep(time.Minute)
			require.NoError(t, w.Stop(t.Context()))
		})
	})
	t.Run("before Start", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			require.NoError(t, w.Stop(t.Context()))
			w.Start()
		})
	})
	t.Run("during Fill", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, Options{Fill: func(ctx context.Context, _ func(Job)) error { <-ctx.Done(); return ctx.Err() }})
			w.Start()
			synctest.Wait()
			require.NoError(t, w.Stop(t.Context()))
		})
	})
}

func TestRunLimit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(ctx context.Context, _ string) Outcome { <-ctx.Done(); return Outcome{Kind: Throttled} })
		w.Start()
		w.Put(w.dueJob("a", "h"))
		require.Equal(t, "running", func() string { w.took(); return w.look("a").State }())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, "waiting", w.look("a").State)
		require.Equal(t, 4, w.host("h").Limit)
	})
}
