// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func noStorage(context.Context, *token) error { return errStorage }

func TestNobodyIsAnsweredBeforeTheSave(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.change(func() { w.save = open.wait })
		one, two := get(c, w, v1), get(c, w, v1)
		synctest.Wait()
		w.counts(1, 1, 1)
		for _, r := range []*later{one, two} {
			select {
			case <-r.done:
				t.Fatal("answered before the token was saved")
			default:
			}
		}
		if r, ok := memory(c, "k"); ok {
			t.Fatalf("in memory before it was saved: %v", r)
		}
		close(open)
		for _, r := range []*later{one, two} {
			a, err := r.get()
			wantToken(t, a, err, 1)
		}
	})
}

func TestSaveFailsThenHeals(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		var tries []time.Duration
		began := time.Now()
		heal := began.Add(200 * time.Second)
		w.save = func(_ context.Context, tok *token) error {
			if tok.id != 1 {
				t.Errorf("saved token %d", tok.id)
			}
			tries = append(tries, time.Since(began))
			if time.Now().Before(heal) {
				return errStorage
			}
			return nil
		}
		for range 2 {
			if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
				t.Error("the reader is not told")
			}
		}
		time.Sleep(199 * time.Second)
		if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
			t.Error("the reader is not told")
		}
		time.Sleep(2 * time.Second)
		if a := mustGet(t, c, w, v1, 1); a.Unsaved {
			t.Error("still unsaved")
		}
		time.Sleep(10 * time.Minute)
		var want []time.Duration
		for _, s := range []int{0, 1, 5, 20, 80, 140, 200} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if !slices.Equal(tries, want) {
			t.Errorf("saved at %v, want %v", tries, want)
		}
		if w.storedID() != 1 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}

func TestUnsavedIsNeverEvicted(t *testing.T) {
	story(t, Options{Hot: 1}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 1)
		for i := range 20 {
			other := newWorld(t)
			if _, err := c.Get(t.Context(), fmt.Sprint(i), v1, other.source()); err != nil {
				t.Fatal(err)
			}
		}
		if r, ok := memory(c, "k"); !ok || r.id != 1 {
			t.Errorf("in memory: %v", r)
		}
		if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
			t.Error("the reader is not told")
		}
		w.counts(1, 1, 1) // storage knows less than memory: it is not asked

		w.change(func() { w.save = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		if w.storedID() != 1 {
			t.Errorf("stored: token %d", w.storedID())
		}
		if _, ok := memory(c, "k"); ok {
			t.Error("saved, and yet not evicted")
		}
	})
}

func TestUnsavedIsSupersededByItsSuccessor(t *testing.T) {
	for name, heals := range map[string]bool{"which is saved": true, "which is not": false} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				w.change(func() { w.save = noStorage })
				w.life = 30 * time.Second
				mustGet(t, c, w, v1, 1)
				time.Sleep(30 * time.Second)
				if heals {
					w.change(func() { w.save = nil })
				}
				var saves int
				w.change(func() { saves, w.life = w.saves, hour })
				a, err := get(c, w, v1).get()
				wantToken(t, a, err, 2)
				if a.Unsaved == heals {
					t.Errorf("Unsaved = %v", a.Unsaved)
				}
				if w.held[1] == nil || w.held[1].id != 1 {
					t.Errorf("Mint was given %v, want the unsaved record", w.held[1])
				}
				w.change(func() {
					w.save = func(_ context.Context, tok *token) error {
						if tok.id != 2 {
							t.Errorf("token %d is saved after its successor", tok.id)
						}
						return nil
					}
				})
				time.Sleep(10 * time.Minute)
				if w.storedID() != 2 {
					t.Errorf("stored: token %d", w.storedID())
				}
				w.counts(1, 2, saves+map[bool]int{true: 1, false: 2}[heals])
			})
		})
	}
}

// A failed mint takes nothing away.
func TestUnsavedOutlivesAFailedMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 1)
		w.change(func() { w.mint = down })
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 1)
		if a.Stale != errDown || !a.Unsaved {
			t.Errorf("answer %+v", a)
		}
		w.change(func() { w.save = nil })
		time.Sleep(time.Minute)
		if w.storedID() != 1 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}

// A background save and a mint of one key take turns (the world checks it), and
// the reader who waits for its turn gets what it came for.
func TestBackgroundSaveAndMintTakeTurns(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save = noStorage })
		mustGet(t, c, w, v1, 1)
		open := make(gate)
		w.change(func() { w.save = open.wait })
		time.Sleep(time.Second)
		synctest.Wait()
		w.counts(1, 1, 2) // the background save runs
		mustGet(t, c, w, v1, 1)
		r := renew(c, w, v1, nil)
		synctest.Wait()
		w.counts(1, 1, 2)
		close(open)
		a, err := r.get()
		wantToken(t, a, err, 2)
		w.counts(2, 2, 3)

		// The other way round.
		w.change(func() { w.save = noStorage })
		a, err = renew(c, w, v1, nil).get()
		wantToken(t, a, err, 3)
		open = make(gate)
		w.change(func() { w.mint = open.wait })
		w.change(func() { w.save = nil })
		r = renew(c, w, v1, nil)
		time.Sleep(5 * time.Second)
		w.counts(3, 4, 4) // the background save waits
		close(open)
		a, err = r.get()
		wantToken(t, a, err, 4)
		time.Sleep(hour)
		if w.storedID() != 4 {
			t.Errorf("stored: token %d", w.storedID())
		}
		w.counts(3, 4, 5)
	})
}

func TestUnsavedUseOnce(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.change(func() { w.save, w.once = noStorage, true })
		if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
			t.Error("the reader is not told")
		}
		mustGet(t, c, w, v1, 2)
		if w.held[1] == nil || w.held[1].id != 1 {
			t.Errorf("Mint was given %v", w.held[1])
		}
		w.change(func() { w.save = nil })
		time.Sleep(time.Minute)
		if w.storedID() != 2 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}

// The node lost its right to write while the server answered.
func TestUnsavedOnANodeThatMayNotWriteAnyMore(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		readOnly := false
		w.ready = func() error {
			if readOnly {
				return errReadOnly
			}
			return nil
		}
		w.change(func() { w.save = func(context.Context, *token) error { readOnly = true; return errReadOnly } })
		if a := mustGet(t, c, w, v1, 1); !a.Unsaved {
			t.Error("the reader is not told")
		}
		time.Sleep(30 * time.Minute)
		mustGet(t, c, w, v1, 1)
		w.change(func() { w.save = nil })
		time.Sleep(time.Minute)
		if w.storedID() != 1 {
			t.Errorf("stored: token %d", w.storedID())
		}
	})
}
