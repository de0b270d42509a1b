// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const hour = time.Hour

// world is a scheduler whose Run does as a test says, under a wall clock that a
// test can step and a machine that it can put to sleep.
type world struct {
	t *testing.T
	*Scheduler

	shift  atomic.Int64 // of the wall clock; read under the scheduler's lock, so not under mu
	mu     sync.Mutex   // guards what follows
	run    func(ctx context.Context, key string) Outcome
	starts []start
	busy   map[string]int
}

type start struct {
	key string
	at  time.Time // real, whatever the wall clock says
}

// newWorld must be called in a bubble. The scheduler is not started.
func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{t: t, busy: map[string]int{}}
	w.run = func(context.Context, string) Outcome { return Outcome{Kind: Failed} }
	o.Run = w.once
	w.Scheduler = New(o)
	began := time.Now()
	w.time.read = func() (time.Time, time.Duration) { return w.now(), time.Since(began) }
	w.time.last.Store(&moment{wall: w.now()})
	t.Cleanup(func() {
		if err := w.Stop(context.Background()); err != nil {
			t.Error("Stop:", err)
		}
	})
	return w
}

// now is what the wall clock shows.
func (w *world) now() time.Time {
	return time.Now().Add(time.Duration(w.shift.Load())).Round(0)
}

func (w *world) step(by time.Duration) { w.shift.Add(int64(by)) }

// k is the key of a name.
func k(name string) Key { return Key{Role: name, Token: "token of " + name} }

func (w *world) once(ctx context.Context, of Key, _ uint64) Outcome {
	key := of.Role
	w.mu.Lock()
	w.starts = append(w.starts, start{key, time.Now()})
	w.busy[key]++
	if w.busy[key] > 1 {
		w.t.Errorf("%s: %d Runs at once", key, w.busy[key])
	}
	run := w.run
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy[key]--
	}()
	return run(ctx, key)
}

func (w *world) does(run func(ctx context.Context, key string) Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run = run
}

// always has each Run end at once with the outcome.
func (w *world) always(outcome Outcome) {
	w.does(func(context.Context, string) Outcome { return outcome })
}

// renews has each Run take so long and put a token that lives an hour.
func (w *world) renews(latency time.Duration, host string) {
	w.does(func(ctx context.Context, key string) Outcome {
		nap(ctx, latency)
		w.Put(w.job(key, host, hour))
		return Outcome{Kind: Renewed}
	})
}

// job is for a token issued now, due at seven tenths of its life.
func (w *world) job(key, host string, life time.Duration) Job {
	now := w.now()
	return Job{Key: k(key), Host: host, Issued: now, Due: now.Add(life / 10 * 7), Expires: now.Add(life)}
}

// dueJob is for a token of an hour's life that is due now.
func (w *world) dueJob(key, host string) Job {
	now := w.now()
	return Job{Key: k(key), Host: host, Issued: now.Add(-hour / 10 * 7), Due: now, Expires: now.Add(hour / 10 * 3)}
}

// took returns the keys of the Runs since it was last called.
func (w *world) took() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := make([]string, 0, len(w.starts))
	for _, start := range w.starts {
		keys = append(keys, start.key)
	}
	w.starts = nil
	return keys
}

func (w *world) look(key string) JobStatus {
	w.t.Helper()
	status, known := w.Look(k(key))
	require.True(w.t, known, key)
	return status
}

// host returns the status of one host, which must exist.
func (w *world) host(name string) HostStatus {
	w.t.Helper()
	for _, h := range w.Snapshot().Hosts {
		if h.Host == name {
			return h
		}
	}
	w.t.Fatal("no host", name)
	return HostStatus{}
}

// inBubble runs a test under simulated time.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// nap is a server that takes its time; false: it was not waited for.
func nap(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
