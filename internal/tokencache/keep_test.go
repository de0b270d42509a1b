// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What is written before a mint must not come back after a deletion: the
// deletion waits for a write that runs, and ends those that have not begun.
func TestKeep(t *testing.T) {
	store := func(w *world, open gate) func(context.Context, *token) error {
		return func(ctx context.Context, held *token) error {
			if err := open.wait(ctx, held); err != nil {
				return err
			}
			w.change(func() { w.stored = newToken(99, hour, v1.Fingerprint) })
			return nil
		}
	}
	t.Run("before a deletion", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			open, hang := make(gate), make(gate)
			w.keep, w.mint = store(w, open), hang.wait
			first := get(c, w, v1)
			synctest.Wait()
			changed := make(chan error)
			go func() { changed <- c.Change(context.Background(), "k", w.remove) }()
			synctest.Wait()
			close(open)
			if err := <-changed; err != nil {
				t.Fatal(err)
			}
			_, err := first.get()
			wantErr(t, err, ErrForgotten)
			if w.stored != nil {
				t.Error("a deleted record is back in storage")
			}
		})
	})
	t.Run("after a deletion", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			f := newFlight[*token](t.Context())
			f.forgotten = true
			wantErr(t, c.fenced(f)(func(context.Context) error { t.Error("written"); return nil }), ErrForgotten)
		})
	})
	t.Run("and a failure", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			w.keep = func(context.Context, *token) error { return errStorage }
			_, err := get(c, w, v1).get()
			wantErr(t, err, errStorage)
			w.counts(1, 1, 0)
		})
	})
	t.Run("while all are forgotten", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			open, hang := make(gate), make(gate)
			w.keep, w.mint = store(w, open), hang.wait
			first := get(c, w, v1)
			synctest.Wait()
			all := func(string) bool { return true }
			c.ForgetIf(all)
			settled := make(chan error)
			go func() { settled <- c.Settle(context.Background(), all) }()
			synctest.Wait()
			select {
			case <-settled:
				t.Error("settled while a write runs")
			default:
			}
			close(open)
			if err := <-settled; err != nil {
				t.Fatal(err)
			}
			_, err := first.get()
			wantErr(t, err, ErrForgotten)
		})
	})
}

// What storage does not have must not get lost by a deletion that fails.
func TestAFailedChangeLosesNothing(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.save = noStorage
		mustGet(t, c, w, v1, 1)
		wantErr(t, c.Change(t.Context(), "k", func(context.Context) error { return errStorage }), errStorage)
		if r, ok := memory(c, "k"); !ok || r.id != 1 {
			t.Fatalf("in memory: %v, %v", r, ok)
		}
		w.change(func() { w.save = nil })
		time.Sleep(hour)
		synctest.Wait()
		if w.stored == nil || w.stored.id != 1 {
			t.Errorf("stored: %v", w.stored)
		}
		w.change(func() { w.save = noStorage })
		if _, err := c.Renew(t.Context(), "k", v1, w.source(), nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Change(t.Context(), "k", w.remove); err != nil {
			t.Fatal(err)
		}
		if _, ok := memory(c, "k"); ok {
			t.Error("a deletion that succeeded has left a record")
		}
	})
}

// Another node's later record wins, and is what the reader gets.
func TestASupersededRecordIsNotServed(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.save = func(context.Context, *token) error {
			w.change(func() { w.stored, w.save = newToken(9, hour, v1.Fingerprint), nil })
			return ErrSuperseded
		}
		_, err := get(c, w, v1).get()
		wantErr(t, err, ErrForgotten)
		mustGet(t, c, w, v1, 9)
		w.counts(2, 1, 1)
	})
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) { // likewise, when the save is repeated
		w.save = noStorage
		mustGet(t, c, w, v1, 1)
		w.change(func() {
			w.stored = newToken(9, hour, v1.Fingerprint)
			w.save = func(context.Context, *token) error { return ErrSuperseded }
		})
		time.Sleep(time.Minute)
		mustGet(t, c, w, v1, 9)
	})
}

func TestQuiet(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		c.Quiet(t.Context(), "k")
		open := make(gate)
		w.mint = open.wait
		first := get(c, w, v1)
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Quiet(short, "k")
		close(open)
		c.Quiet(t.Context(), "k")
		w.counts(1, 1, 1)
		_, err := first.get()
		wantErr(t, err, nil)
	})
}
