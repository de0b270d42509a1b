// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func (w *world) remove(context.Context) error {
	w.change(func() { w.stored = nil })
	return nil
}

func TestChange(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		if err := c.Change(t.Context(), "k", w.remove); err != nil {
			t.Fatal(err)
		}
		mustGet(t, c, w, v1, 2)
		if w.held[1] != nil {
			t.Error("the deleted record was given to Mint")
		}
		wantErr(t, c.Change(t.Context(), "", w.remove), ErrEmptyKey)
		wantErr(t, c.Change(t.Context(), "k", func(context.Context) error { return errStorage }), errStorage)
		wantErr(t, c.Change(t.Context(), "k", func(context.Context) error { panic("a secret") }), ErrPanic)
		mustGet(t, c, w, v1, 2)
		c.Close(t.Context())
		wantErr(t, c.Change(t.Context(), "k", w.remove), ErrClosed)
	})
}

// A save that runs cannot be stopped. The deletion waits for it, and readers
// wait for the deletion.
func TestChangeDuringASave(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.save = open.wait
		first := get(c, w, v1)
		synctest.Wait()
		changed := make(chan error)
		go func() { changed <- c.Change(context.Background(), "k", w.remove) }()
		synctest.Wait()
		second := get(c, w, v1)
		synctest.Wait()
		w.counts(1, 1, 1)
		close(open)
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		_, err := first.get()
		wantErr(t, err, ErrForgotten)
		a, err := second.get()
		wantToken(t, a, err, 2)
		if w.held[1] != nil {
			t.Error("the deleted record was given to Mint")
		}
		if w.storedID() != 2 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}

// Readers see nothing of a key between the beginning and the end of its change.
func TestReadersWaitForAChange(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		var r *later
		err := c.Change(t.Context(), "k", func(context.Context) error {
			r = get(c, w, v1)
			synctest.Wait()
			w.counts(1, 1, 1)
			w.stored = newToken(7, hour, "v1")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.get()
		wantToken(t, a, err, 7)
	})
}

// Changes of one key happen one after the other; who gives up is passed over.
func TestChangesQueue(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.save = open.wait
		first := get(c, w, v1)
		synctest.Wait()
		var order []int
		var done []chan error
		for i := range 4 {
			ctx, cancel := context.WithTimeout(context.Background(), hour)
			if i == 1 {
				ctx, cancel = context.WithTimeout(context.Background(), time.Second)
			}
			defer cancel()
			ch := make(chan error, 1)
			done = append(done, ch)
			go func() {
				ch <- c.Change(ctx, "k", func(context.Context) error {
					order = append(order, i)
					time.Sleep(time.Second)
					return nil
				})
			}()
			synctest.Wait()
		}
		wantErr(t, <-done[1], context.DeadlineExceeded)
		close(open)
		_, err := first.get()
		wantErr(t, err, ErrForgotten)
		for _, i := range []int{0, 2, 3} {
			if err := <-done[i]; err != nil {
				t.Error(err)
			}
		}
		if len(order) != 3 || order[0] != 0 || order[1] != 2 || order[2] != 3 {
			t.Errorf("order %v", order)
		}
	})
}

func TestCloseWhileAChangeWaits(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.mint = func(context.Context, *token) error { time.Sleep(20 * time.Second); return nil }
		r := get(c, w, v1)
		synctest.Wait()
		changed := make(chan error)
		go func() { changed <- c.Change(context.Background(), "k", w.remove) }()
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		c.Close(ctx)
		wantErr(t, <-changed, ErrClosed)
		_, err := r.get()
		wantErr(t, err, ErrClosed)
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("ended after %v, want 2s", got)
		}
	})
}
