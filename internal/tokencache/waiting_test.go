// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestUsableTokenIsAnsweredDuringAnExchange(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		open := make(gate)
		w.mint = open.wait
		r := renew(c, w, v1, nil)
		synctest.Wait()
		began := time.Now()
		mustGet(t, c, w, v1, 1)
		if !time.Now().Equal(began) {
			t.Error("the reader waited")
		}

		// As well if memory has lost it since: the flight knows what storage said.
		c.hot.Remove("k")
		mustGet(t, c, w, v1, 1)
		if !time.Now().Equal(began) {
			t.Error("the reader waited")
		}
		close(open)
		a, err := r.get()
		wantToken(t, a, err, 2)
	})
}

func TestReaderLeaves(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.mint = open.wait
		type key struct{}
		ctx, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		w.save = func(ctx context.Context, _ *token) error {
			if ctx.Value(key{}) != "kept" {
				t.Error("the first reader's values are lost")
			}
			return ctx.Err()
		}
		first := async(func() (Answer[*token], error) { return c.Get(ctx, "k", v1, w.source()) })
		synctest.Wait()
		second := get(c, w, v1)
		synctest.Wait()
		leave()
		_, err := first.get()
		wantErr(t, err, context.Canceled)
		close(open)
		a, err := second.get()
		wantToken(t, a, err, 1)
		w.counts(1, 1, 1)

		_, err = c.Get(ctx, "other", v1, w.source())
		wantErr(t, err, context.Canceled)
		synctest.Wait()
		w.counts(1, 1, 1) // who has left already starts nothing
	})
}

func TestPatience(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		began := time.Now()
		w.mint = func(context.Context, *token) error { time.Sleep(20 * time.Second); return nil }
		first := get(c, w, v1)
		time.Sleep(time.Second)
		second := get(c, w, v1)
		for i, r := range []*later{first, second} {
			_, err := r.get()
			wantErr(t, err, ErrInProgress)
			if waited, want := r.at.Sub(began), time.Duration(15+i)*time.Second; waited != want {
				t.Errorf("answered after %v, want %v", waited, want)
			}
		}
		a, err := get(c, w, v1).get() // the exchange goes on
		wantToken(t, a, err, 1)
		if got := time.Since(began); got != 20*time.Second {
			t.Errorf("answered after %v, want 20s", got)
		}
		w.counts(1, 1, 1)

		// What is left of a token is worth more than an error.
		time.Sleep(hour - 49*time.Second) // 29 s remain
		began = time.Now()
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1)
		if a.Stale != ErrInProgress || a.Minted {
			t.Errorf("answer %+v", a)
		}
		if got := time.Since(began); got != 15*time.Second {
			t.Errorf("answered after %v, want 15s", got)
		}
	})
}

// The token that still works need not be in the bounded memory.
func TestPatienceWithAnEvictedToken(t *testing.T) {
	story(t, Options{Hot: 1}, func(t *testing.T, c *Cache[*token], w *world) {
		greedy := Need{Fingerprint: "v1", MinTTL: 2 * hour}
		w.stored = newToken(7, hour, "v1")
		w.mint = func(context.Context, *token) error { time.Sleep(20 * time.Second); return nil }
		r := get(c, w, greedy)
		synctest.Wait()
		_, err := c.Get(t.Context(), "other", v1, newWorld(t).source())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := memory(c, "k"); ok {
			t.Fatal("not evicted")
		}
		a, err := r.get()
		wantToken(t, a, err, 7)
		wantErr(t, a.Stale, ErrInProgress)
	})
}

// Nor does a reader have to have found it itself.
func TestPatienceBehindABackgroundSave(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.save = noStorage
		mustGet(t, c, w, v1, 1)
		w.change(func() { w.save = make(gate).wait })
		time.Sleep(2 * time.Second)
		a, err := get(c, w, Need{Fingerprint: "v1", MinTTL: 2 * hour}).get()
		wantToken(t, a, err, 1)
		wantErr(t, a.Stale, ErrInProgress)
		w.change(func() { w.save = nil })
	})
}

func TestLimit(t *testing.T) {
	story(t, Options{Patience: hour}, func(t *testing.T, c *Cache[*token], w *world) {
		began := time.Now()
		w.mint = make(gate).wait
		_, err := get(c, w, v1).get()
		wantErr(t, err, context.DeadlineExceeded)
		if got := time.Since(began); got != 30*time.Second {
			t.Errorf("the exchange was given %v", got)
		}
		w.load = func(ctx context.Context) error { return make(gate).wait(ctx, nil) }
		_, err = get(c, w, v1).get()
		wantErr(t, err, context.DeadlineExceeded)
		if got := time.Since(began); got != 60*time.Second {
			t.Errorf("storage was given %v", got)
		}

		// A token that comes at the last moment still has its time to be saved.
		w.load = nil
		w.mint = func(context.Context, *token) error { time.Sleep(30*time.Second - 1); return nil }
		w.save = func(ctx context.Context, t *token) error { time.Sleep(2 * time.Second); return ctx.Err() }
		mustGet(t, c, w, v1, 2)
		w.save = make(gate).wait
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 3)
		if !a.Unsaved {
			t.Error("a save that never ends counts as done")
		}
		w.change(func() { w.save = nil })
	})
}

func TestStrangersDoNotWait(t *testing.T) {
	var hang gate // for ever: only the limit ends it
	for name, arm := range map[string]func(w *world){
		"load": func(w *world) { w.load = func(ctx context.Context) error { return hang.wait(ctx, nil) } },
		"mint": func(w *world) { w.mint = hang.wait },
		"save": func(w *world) { w.save = hang.wait },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				arm(w)
				slow := get(c, w, v1)
				synctest.Wait()
				began := time.Now()
				for i := range 100 {
					other := newWorld(t)
					a, err := c.Get(t.Context(), fmt.Sprint("other", i), v1, other.source())
					wantToken(t, a, err, 1)
				}
				if !time.Now().Equal(began) {
					t.Error("a stranger waited")
				}
				_, err := slow.get()
				wantErr(t, err, ErrInProgress)
				w.change(func() { w.save = nil })
			})
		})
	}
}
