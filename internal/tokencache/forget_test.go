// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestForget(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		c.Forget("k")
		if r, ok := memory(c, "k"); ok {
			t.Errorf("in memory: %v", r)
		}
		mustGet(t, c, w, v1, 1) // storage still has it
		w.counts(2, 1, 1)

		w.remember = func(error, int) time.Duration { return hour }
		w.change(func() { w.mint = down })
		c.Forget("k")
		w.stored = nil
		_, err := get(c, w, v1).get()
		wantErr(t, err, errDown)
		w.change(func() { w.mint = nil })
		c.Forget("k")
		mustGet(t, c, w, v1, 3)
	})
}

func TestForgetDropsWhatIsUnsaved(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 1)
		c.Forget("k")
		time.Sleep(hour)
		w.counts(1, 1, 1)
		if _, ok := memory(c, "k"); ok {
			t.Error("still in memory")
		}
	})
}

// A mint on its way must not put its result back, whether it heeds its context or not.
func TestForgetDuringAMint(t *testing.T) {
	for name, heeds := range map[string]bool{"heeding": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				w.remember = func(error, int) time.Duration { return hour }
				open := make(gate)
				w.mint = func(ctx context.Context, tok *token) error {
					if heeds {
						return open.wait(ctx, tok)
					}
					return open.wait(context.Background(), tok)
				}
				one, two := get(c, w, v1), get(c, w, v1)
				synctest.Wait()
				c.Forget("k")
				w2 := newWorld(t)
				w2.mints = 10
				newer := get(c, w2, v1)
				synctest.Wait()
				if !heeds {
					w2.counts(0, 10, 0) // one mint a key
					close(open)
				}
				for _, r := range []*later{one, two} {
					if _, err := r.get(); err != ErrForgotten {
						t.Errorf("error %v", err)
					}
				}
				a, err := newer.get()
				wantToken(t, a, err, 11)
				w.counts(1, 1, 0)
				if r, ok := memory(c, "k"); !ok || r.id != 11 {
					t.Errorf("in memory: %v", r)
				}
			})
		})
	}
}

// Before anything was sent there is nothing to lose: the reader begins anew.
func TestForgetDuringALoad(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.stored = newToken(7, hour, "v1")
		open := make(gate)
		first := true
		w.load = func(ctx context.Context) error {
			if first {
				first = false
				return open.wait(ctx, nil)
			}
			return nil
		}
		r := get(c, w, v1)
		synctest.Wait()
		c.Forget("k")
		w.change(func() { w.stored = nil })
		a, err := r.get()
		wantToken(t, a, err, 1)
		w.counts(2, 1, 1)
	})
}

// Nor does anybody get what was forgotten while it was looked up, or is about to
// be replaced.
func TestForgottenIsNotServed(t *testing.T) {
	t.Run("from a load", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			w.stored = newToken(7, hour, "v1")
			open := make(gate)
			src := w.source()
			src.Load = func(context.Context) (*token, bool, error) {
				<-open
				r, has, err := w.loadToken(context.Background())
				if r != nil {
					c.Forget("k")
					w.change(func() { w.stored = nil })
				}
				return r, has, err
			}
			var readers []*later
			for range 20 {
				readers = append(readers, async(func() (Answer[*token], error) { return c.Get(context.Background(), "k", v1, src) }))
			}
			synctest.Wait()
			close(open)
			for _, r := range readers {
				a, err := r.get()
				wantToken(t, a, err, 1)
			}
		})
	})
	t.Run("when patience ends", func(t *testing.T) {
		story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
			w.stored = newToken(7, hour, "v1")
			w.mint = func(context.Context, *token) error { time.Sleep(20 * time.Second); return nil }
			r := get(c, w, Need{Fingerprint: "v1", MinTTL: 2 * hour})
			synctest.Wait()
			c.Forget("k")
			if a, err := r.get(); err != ErrInProgress {
				t.Errorf("answer %+v, %v", a, err)
			}
		})
	})
}

// Forget, Settle, delete: what was deleted stays deleted.
func TestForgetDuringASave(t *testing.T) {
	mine := func(key string) bool { return key == "k" }
	for name, background := range map[string]bool{"of a mint": false, "in the background": true} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				if background {
					w.change(func() { w.save = noStorage })
					mustGet(t, c, w, v1, 1)
				}
				open := make(gate)
				w.change(func() { w.save = open.wait })
				var r *later
				if background {
					time.Sleep(time.Second)
				} else {
					r = get(c, w, v1)
				}
				synctest.Wait()
				c.Forget("k")

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				wantErr(t, c.Settle(ctx, mine), context.DeadlineExceeded)
				if err := c.Settle(ctx, func(key string) bool { return key != "k" }); err != nil {
					t.Errorf("waited for a stranger: %v", err)
				}
				settled := make(chan error)
				go func() { settled <- c.Settle(t.Context(), mine) }()
				synctest.Wait()
				close(open)
				if err := <-settled; err != nil {
					t.Fatal(err)
				}
				w.mu.Lock()
				w.stored = nil
				w.mu.Unlock()
				if r != nil {
					_, err := r.get()
					wantErr(t, err, ErrForgotten)
				}
				time.Sleep(hour)
				if w.storedID() != 0 {
					t.Errorf("token %d is back", w.storedID())
				}
				if _, ok := memory(c, "k"); ok {
					t.Error("back in memory")
				}
			})
		})
	}
}

// The owner of the key was deleted: Save knows, at the last moment.
func TestSaveSaysForgotten(t *testing.T) {
	gone := func(context.Context, *token) error { return fmt.Errorf("no such role: %w", ErrForgotten) }
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = gone })
		_, err := get(c, w, v1).get()
		wantErr(t, err, ErrForgotten)
		if _, ok := memory(c, "k"); ok {
			t.Error("in memory")
		}
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 2)
		w.change(func() { w.save = gone })
		time.Sleep(time.Second)
		synctest.Wait()
		if _, ok := memory(c, "k"); ok {
			t.Error("in memory")
		}
		time.Sleep(hour)
		w.counts(2, 2, 3)
	})
}

func TestForgetIf(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		worlds := map[string]*world{}
		ask := func(key string) (Answer[*token], error) {
			if worlds[key] == nil {
				worlds[key] = newWorld(t)
				worlds[key].remember = func(error, int) time.Duration { return hour }
			}
			return c.Get(context.Background(), key, v1, worlds[key].source())
		}
		for _, key := range []string{"a/hot", "b/hot"} {
			a, err := ask(key)
			wantToken(t, a, err, 1)
		}
		flying := map[string]*later{}
		for _, key := range []string{"a/unsaved", "b/unsaved", "a/failed", "b/failed", "a/flying", "b/flying"} {
			worlds[key] = newWorld(t)
			worlds[key].remember = func(error, int) time.Duration { return hour }
			switch _, kind, _ := strings.Cut(key, "/"); kind {
			case "unsaved":
				worlds[key].save = noStorage
				a, err := ask(key)
				wantToken(t, a, err, 1)
			case "failed":
				worlds[key].mint = down
				_, err := ask(key)
				wantErr(t, err, errDown)
			case "flying":
				worlds[key].mint = func(ctx context.Context, _ *token) error {
					select {
					case <-time.After(time.Second):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				flying[key] = async(func() (Answer[*token], error) { return ask(key) })
				synctest.Wait()
			}
		}
		c.ForgetIf(func(key string) bool { return strings.HasPrefix(key, "a/") })

		_, err := flying["a/flying"].get()
		wantErr(t, err, ErrForgotten)
		a, err := flying["b/flying"].get()
		wantToken(t, a, err, 1)
		for key, want := range map[string]bool{"a/hot": false, "b/hot": true, "a/unsaved": false, "b/unsaved": true, "a/flying": false, "b/flying": true} {
			if _, ok := memory(c, key); ok != want {
				t.Errorf("%s in memory: %v", key, ok)
			}
		}
		for key, want := range map[string]bool{"a/failed": false, "b/failed": true} {
			if _, ok := c.Failure(key); ok != want {
				t.Errorf("%s remembered: %v", key, ok)
			}
		}
	})
}
