// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFill: Start does not wait for Fill. Fill is called again after an error or a
// panic. Jobs that are known already stay as they are. Jobs that are due are spread.
func TestFill(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var w *world
		tries := 0
		fill := func(ctx context.Context, put func(Job)) error {
			tries++
			nap(ctx, 10*time.Second)
			for i := range 300 {
				if tries < 3 && i == 200 {
					break
				}
				put(w.dueJob(fmt.Sprint(i), "h"))
			}
			switch tries {
			case 1:
				panic("a secret")
			case 2:
				return errors.New("storage")
			}
			put(w.dueJob("known", "h"))
			return nil
		}
		w = newWorld(t, Options{Fill: fill})
		w.renews(0, "h")
		began := time.Now()
		w.Start()
		require.Zero(t, time.Since(began))
		w.Put(w.job("known", "h", 10*hour))
		require.False(t, w.Snapshot().Filled)

		time.Sleep(10 * time.Second)
		require.Less(t, len(w.took()), 100, "all at once")
		time.Sleep(15 * time.Second)
		require.NotEmpty(t, w.took())
		time.Sleep(15*time.Second + 15*time.Second + 1)
		synctest.Wait()
		w.took()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, 3, tries)
		require.True(t, w.Snapshot().Filled)
		require.Equal(t, 301, w.Snapshot().Jobs)
		require.Equal(t, 1, w.Snapshot().Panics)
		require.NotContains(t, w.took(), "known")
	})
}

// TestNudgeAndHeartbeat: while nothing is due the scheduler looks at its clock twice a
// minute, and that is all; a nudge has it look now.
func TestNudgeAndHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		require.Zero(t, w.Snapshot().Heartbeat)
		w.Start()
		synctest.Wait()
		began := w.now()
		require.Equal(t, began, w.Snapshot().Heartbeat)
		time.Sleep(29 * time.Second)
		w.Nudge()
		w.Nudge()
		synctest.Wait()
		require.Equal(t, began.Add(29*time.Second), w.Snapshot().Heartbeat)
		time.Sleep(45 * time.Second)
		synctest.Wait()
		require.Equal(t, began.Add(59*time.Second), w.Snapshot().Heartbeat)
	})
}
