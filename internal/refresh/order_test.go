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

// TestOrderInAHost: waiting readers, then what is still good by its expiry, then
// what has expired by its last read; and what expires in the queue changes places.
func TestOrderInAHost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{FirstLimit: 1, Cap: 4, Reserve: 1})
		w.does(func(context.Context, string) Outcome { time.Sleep(10 * time.Second); return Outcome{Kind: Stopped} })
		w.Start()
		now := w.now()
		put := func(key string, expiresIn, read time.Duration) {
			w.Put(Job{Key: k(key), Host: "h", Issued: now.Add(-2 * hour), Due: now.Add(-time.Minute), Expires: now.Add(expiresIn), Read: now.Add(-read)})
			synctest.Wait()
		}
		put("running", hour, 0)
		require.Equal(t, []string{"running"}, w.took())
		put("dead, read long ago", -time.Minute, 3*hour)
		put("good for 30 min", 30*time.Minute, 0)
		put("dead, read lately", -time.Hour, time.Minute)
		put("good for 20 min", 20*time.Minute, 0)
		put("dead, read just now", -time.Minute, 4*hour)
		put("dies in the queue", 5*time.Second, 2*hour)
		w.Touch(k("dead, read just now"))

		hold, err := w.Foreground(t.Context(), "h") // the reserve
		require.NoError(t, err)
		var reader bool // has been admitted
		go func() {
			release, err := w.Foreground(context.Background(), "h")
			if err != nil {
				t.Error(err)
				return
			}
			reader = true
			time.Sleep(time.Second)
			release(Outcome{Kind: Renewed})
		}()
		synctest.Wait()
		require.Equal(t, 1, w.host("h").Readers)
		time.Sleep(10 * time.Second)
		require.Empty(t, w.took(), "the reader has the slot")
		require.True(t, reader)
		hold(Outcome{Kind: Renewed})
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{
			"good for 20 min", "good for 30 min", "dead, read just now", "dead, read lately", "dies in the queue", "dead, read long ago",
		}, w.took())
	})
}

// TestTurns: hosts are served in turn, whoever came first with how many.
func TestTurns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{Cap: 4}) // one slot a host
		var order []string
		w.does(func(_ context.Context, key string) Outcome {
			w.mu.Lock()
			order = append(order, key[:1])
			w.mu.Unlock()
			time.Sleep(time.Second)
			return Outcome{Kind: Stopped}
		})
		for _, host := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			for i := range 10 {
				w.Put(w.dueJob(fmt.Sprint(host, i), host))
			}
		}
		w.Start()
		for round := range 10 {
			time.Sleep(2 * time.Second) // eight hosts through four slots
			synctest.Wait()
			w.mu.Lock()
			seen := map[string]int{}
			for _, host := range order {
				seen[host]++
			}
			w.mu.Unlock()
			for host, n := range seen {
				require.InDelta(t, round+1, n, 1, "host %s, round %d", host, round)
			}
		}
		require.Len(t, order, 80)
	})
}

// TestDeadHostsLeaveRoom: four hosts hang, each with more than it can ever take;
// a fifth is served at once.
func TestDeadHostsLeaveRoom(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{FirstLimit: 64})
		w.does(func(ctx context.Context, key string) Outcome {
			if key[:4] == "dead" {
				<-ctx.Done()
				return Outcome{Kind: Throttled}
			}
			return Outcome{Kind: Stopped}
		})
		w.Start()
		for i := range 400 {
			w.Put(w.dueJob(fmt.Sprint("dead0/", i), "dead0"))
		}
		require.Len(t, w.took(), 64)
		for i := range 1200 {
			w.Put(w.dueJob(fmt.Sprint("dead/", i), fmt.Sprint("dead", i%3+1)))
		}
		synctest.Wait()
		status := w.Snapshot()
		require.LessOrEqual(t, status.Running, 256-256/4)
		for _, h := range status.Hosts {
			require.LessOrEqual(t, h.InFlight, 64)
			require.Greater(t, h.InFlight, 16)
		}
		w.took()
		for i := range 100 {
			w.Put(w.dueJob(fmt.Sprint("good", i), "good"))
		}
		require.Len(t, w.took(), 100)
	})
}

// TestABreakerOpensAndCloses: twenty failures in a row, a probe each 15 s, then one
// by one, then faster.
func TestABreakerOpensAndCloses(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.always(Outcome{Kind: Failed, Code: "unreachable"})
		w.Start()
		for i := range 1000 {
			w.Put(w.dueJob(fmt.Sprint(i), "h"))
		}
		require.Less(t, len(w.took()), 20+8)
		require.Equal(t, "open", w.host("h").Breaker)
		require.Equal(t, "unreachable", w.host("h").Code)
		require.Equal(t, w.now().Add(15*time.Second), w.host("h").NextProbe)
		time.Sleep(10 * time.Minute)
		require.Len(t, w.took(), 40)

		_, err := w.Foreground(t.Context(), "h")
		refused, ok := errors.AsType[*OpenError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, w.now().Add(15*time.Second), refused.Until)
		require.Equal(t, "unreachable", refused.Code)
		require.Contains(t, refused.Error(), "times in a row, last with unreachable; it is asked next at 2000-01-01T00:10:15Z")

		w.renews(time.Second, "h")
		time.Sleep(15 * time.Second) // the probe
		require.Len(t, w.took(), 1)
		for i := range 7 {
			time.Sleep(time.Second)
			require.NotEmpty(t, w.took())
			require.LessOrEqual(t, w.host("h").Limit, 1<<i)
		}
		time.Sleep(2 * time.Minute)
		require.Zero(t, w.Snapshot().Due)
		require.Empty(t, w.host("h").Code)
	})
}
