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

func TestForegroundReserve(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.does(func(ctx context.Context, _ string) Outcome { nap(ctx, 30*time.Second); return Outcome{Kind: Failed} })
		w.Start()
		for i := range 100 {
			w.Put(w.dueJob(fmt.Sprint(i), "h"))
		}
		require.Len(t, w.took(), 8)
		var releases []func(Outcome)
		for range 16 { // the reserve's quarter, though the host's own slots are taken
			release, err := w.Foreground(t.Context(), "h")
			require.NoError(t, err)
			releases = append(releases, release)
		}
		require.Equal(t, 16, w.host("h").Foreground)
		require.Equal(t, 16, w.Snapshot().Foreground)

		began := time.Now()
		_, err := w.Foreground(t.Context(), "h")
		require.ErrorIs(t, err, ErrBusy)
		require.Equal(t, 15*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = w.Foreground(ctx, "h")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, w.host("h").Readers)

		other, err := w.Foreground(t.Context(), "other")
		require.NoError(t, err)
		other(Outcome{Kind: Renewed})
		other(Outcome{Kind: Renewed}) // twice is once
		require.Equal(t, 16, w.Snapshot().Foreground)
		for _, release := range releases {
			release(Outcome{Kind: Refused, Code: "invalid_client"})
		}
		require.Zero(t, w.Snapshot().Foreground)
		require.Equal(t, "invalid_client", w.host("h").Code)
		require.Len(t, w.Snapshot().Hosts, 1)
	})
}

func TestForegroundFeedsTheBreaker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for range 20 {
			release, err := w.Foreground(t.Context(), "h")
			require.NoError(t, err)
			release(Outcome{Kind: Throttled, Code: "timeout"})
		}
		_, err := w.Foreground(t.Context(), "h")
		require.ErrorContains(t, err, "h has failed 20 times in a row, last with timeout")
		time.Sleep(15 * time.Second)
		probe, err := w.Foreground(t.Context(), "h")
		require.NoError(t, err, "a reader may be the probe")
		_, err = w.Foreground(t.Context(), "h")
		require.Error(t, err)
		probe(Outcome{Kind: Renewed})
		again, err := w.Foreground(t.Context(), "h")
		require.NoError(t, err)
		again(Outcome{Kind: Renewed})
		require.Empty(t, w.Snapshot().Hosts)
	})
}

// TestForegroundInARun: an exchange of a Run has its slot already.
func TestForegroundInARun(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{FirstLimit: 1, Cap: 1, Reserve: 1})
		hold, err := w.Foreground(t.Context(), "h")
		require.NoError(t, err)
		w.does(func(ctx context.Context, key string) Outcome {
			release, err := w.Foreground(context.WithoutCancel(ctx), "h")
			if err != nil {
				t.Error(err)
			}
			release(Outcome{Kind: Failed}) // counts once: as the Run's outcome
			w.Put(w.job(key, "h", hour))
			return Outcome{Kind: Renewed}
		})
		w.Start()
		w.Put(w.dueJob("a", "h"))
		require.Len(t, w.took(), 1)
		require.Zero(t, w.host("h").Failures)
		hold(Outcome{Kind: Unneeded})
	})
}

func TestForegroundAndStop(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{FirstLimit: 1, Cap: 1, Reserve: 1})
		var releases []func(Outcome)
		for range 2 {
			release, err := w.Foreground(t.Context(), "h")
			require.NoError(t, err)
			releases = append(releases, release)
		}
		waiting := make(chan error)
		go func() {
			_, err := w.Foreground(context.Background(), "h")
			waiting <- err
		}()
		synctest.Wait()
		require.NoError(t, w.Stop(t.Context()), "readers are not the scheduler's to wait for")
		require.ErrorIs(t, <-waiting, ErrStopped)
		_, err := w.Foreground(t.Context(), "h")
		require.ErrorIs(t, err, ErrStopped)
		for _, release := range releases {
			release(Outcome{Kind: Renewed})
		}
	})
}
