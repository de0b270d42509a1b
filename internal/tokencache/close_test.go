// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestClose(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		began := time.Now()
		c.Close(context.Background())
		c.Close(context.Background())
		if !time.Now().Equal(began) {
			t.Error("waited for nothing")
		}
		mustGet(t, c, w, v1, 1) // memory still answers
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 1)
		wantErr(t, a.Stale, ErrClosed)
		_, err = c.Get(t.Context(), "other", v1, w.source())
		wantErr(t, err, ErrClosed)
		w.counts(1, 1, 1)
	})
}

func TestCloseLetsAMintFinish(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		began := time.Now()
		w.change(func() { w.mint = func(context.Context, *token) error { time.Sleep(time.Second); return nil } })
		r := get(c, w, v1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		c.Close(ctx)
		if got := time.Since(began); got != time.Second {
			t.Errorf("closed after %v, want 1s", got)
		}
		a, err := r.get()
		wantToken(t, a, err, 1)
		if w.storedID() != 1 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}

func TestCloseCancelsAMint(t *testing.T) {
	for name, heeds := range map[string]bool{"heeding": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				w.remember = func(error, int) time.Duration { return hour }
				began := time.Now()
				w.mint = func(ctx context.Context, tok *token) error {
					if !heeds {
						time.Sleep(10 * time.Second)
						return nil
					}
					err := make(gate).wait(ctx, tok)
					if got := time.Since(began); got != 2*time.Second {
						t.Errorf("cancelled after %v, want 2s", got)
					}
					return err
				}
				one, two := get(c, w, v1), renew(c, w, v1, nil)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				c.Close(ctx)
				if got := time.Since(began); got != 2*time.Second {
					t.Errorf("closed after %v, want 2s", got)
				}
				for _, r := range []*later{one, two} {
					_, err := r.get()
					wantErr(t, err, ErrClosed)
				}
				if got := time.Since(began); got != 2*time.Second {
					t.Errorf("readers were answered after %v, want 2s", got)
				}
				if m, ok := c.Failure("k"); ok {
					t.Errorf("remembered: %v", m)
				}
			})
		})
	}
}

// What is not saved when the cache closes is tried once more.
func TestCloseSavesOnceMore(t *testing.T) {
	for name, tc := range map[string]struct {
		save   func(context.Context, *token) error
		after  time.Duration
		stored int
	}{
		"and succeeds": {nil, 0, 1},
		"and fails":    {noStorage, 0, 0},
		"in vain":      {make(gate).wait, 2 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				if name == "in vain" {
					tc.save = make(gate).wait // of this bubble
				}
				w.change(func() { w.save = noStorage })
				mustGet(t, c, w, v1, 1)
				time.Sleep(10 * time.Second)
				began := time.Now()
				w.change(func() { w.save = tc.save })
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				c.Close(ctx)
				if got := time.Since(began); got != tc.after {
					t.Errorf("closed after %v, want %v", got, tc.after)
				}
				time.Sleep(hour)
				if w.storedID() != tc.stored {
					t.Errorf("stored: token %d, want %d", w.storedID(), tc.stored)
				}
				w.counts(1, 1, 4)
			})
		})
	}
}

// A mint that ends while the cache closes has its result tried twice.
func TestCloseSavesOnceMoreWhatComesLate(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.mint = func(context.Context, *token) error { time.Sleep(time.Second); return nil }
		first := true
		w.save = func(context.Context, *token) error {
			defer func() { first = false }()
			if first {
				return errStorage
			}
			return nil
		}
		r := get(c, w, v1)
		synctest.Wait()
		began := time.Now()
		c.Close(t.Context())
		a, err := r.get()
		wantToken(t, a, err, 1)
		if w.storedID() != 1 || time.Since(began) != time.Second {
			t.Errorf("stored: token %d, after %v", w.storedID(), time.Since(began))
		}
	})
}

// Nothing begins after the end.
func TestCloseAtOnce(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.save = noStorage
		mustGet(t, c, w, v1, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		u := c.unsaved["k"]
		c.Close(ctx)
		if f, _ := c.take("k", u); f != nil {
			t.Error("a save may still begin")
		}
	})
}

// A background save that waits for its turn ends with the cache, too.
func TestCloseWhileASaveWaitsForAMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 1)
		w.change(func() { w.mint = func(context.Context, *token) error { time.Sleep(20 * time.Second); return errDown } })
		r := renew(c, w, v1, nil)
		time.Sleep(2 * time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		c.Close(ctx)
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("closed after %v, want 2s", got)
		}
		a, err := r.get()
		wantToken(t, a, err, 1)
		wantErr(t, a.Stale, ErrClosed)
	})
}
