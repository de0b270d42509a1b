// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestPanics(t *testing.T) {
	boom := func() { panic("a secret") }
	for name, arm := range map[string]func(w *world){
		"load":   func(w *world) { w.load = func(context.Context) error { boom(); return nil } },
		"ready":  func(w *world) { w.ready = func() error { boom(); return nil } },
		"mint":   func(w *world) { w.mint = func(context.Context, *token) error { boom(); return nil } },
		"goexit": func(w *world) { w.mint = func(context.Context, *token) error { runtime.Goexit(); return nil } },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				arm(w)
				const want = "internal error while obtaining the token (recovered panic)"
				one, two := get(c, w, v1), get(c, w, v1)
				_, err := one.get()
				if err != ErrPanic || err.Error() != want {
					t.Errorf("error %v, want %v and nothing else", err, want)
				}
				_, err = two.get()
				if err != ErrPanic || err.Error() != want {
					t.Errorf("error %v, want %v and nothing else", err, want)
				}
				w.behaviour = newWorld(t).behaviour
				w.mints = 10
				mustGet(t, c, w, v1, 11) // the key is free
			})
		})
	}
}

func TestPanicsThatCostNothing(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.save = func(context.Context, *token) error { panic("a secret") }
		if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
			t.Error("a save that panics counts as done")
		}
		w.change(func() { w.save = nil })
		a, err := renew(c, w, v1, func(*token) bool { panic("a secret") }).get()
		if err != ErrPanic {
			t.Errorf("%+v, %v", a, err)
		}
		c.hot.Remove("k") // now wanted is asked in the flight
		w.load = func(context.Context) error { time.Sleep(time.Second); return nil }
		r := renew(c, w, v1, func(*token) bool { panic("a secret") })
		synctest.Wait()
		joined := renew(c, w, v1, func(*token) bool { panic("a secret") })
		for _, r := range []*later{r, joined} {
			if a, err := r.get(); err != ErrPanic {
				t.Errorf("%+v, %v", a, err)
			}
		}
		w.load = nil
		w.mint = func(context.Context, *token) error { return errDown }
		w.remember = func(error, int) time.Duration { panic("a secret") }
		c.Forget("k")
		w.stored = nil
		_, err = get(c, w, v1).get()
		wantErr(t, err, errDown)
		w.mint = nil
		mustGet(t, c, w, v1, 3)
	})
}

func TestNilRecords(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		src := w.source()
		src.Mint = func(context.Context, *token, bool, Fenced) (*token, error) { return nil, nil }
		_, err := c.Get(t.Context(), "k", v1, src)
		wantErr(t, err, ErrPanic)
		w.counts(1, 0, 0)
		src.Load = func(context.Context) (*token, bool, error) { return nil, true, nil }
		_, err = c.Get(t.Context(), "k", v1, src)
		wantErr(t, err, ErrPanic)
		mustGet(t, c, w, v1, 1)
	})
}
