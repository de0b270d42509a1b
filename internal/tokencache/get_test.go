// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestManyFirstReadersCostOneMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.mint = open.wait
		var readers []*later
		for range 200 {
			readers = append(readers, get(c, w, v1))
		}
		synctest.Wait()
		close(open)
		for _, r := range readers {
			a, err := r.get()
			wantToken(t, a, err, 1)
			if !a.Minted || a.State != Fresh || a.Stale != nil || a.Unsaved {
				t.Errorf("answer %+v", a)
			}
		}
		w.counts(1, 1, 1)
		if a := mustGet(t, c, w, v1, 1); a.Minted {
			t.Error("a later reader is told that its token was just minted")
		}
		w.counts(1, 1, 1)
	})
}

func TestEmptyKey(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		_, err := c.Get(t.Context(), "", v1, w.source())
		wantErr(t, err, ErrEmptyKey)
		_, err = c.Renew(t.Context(), "", v1, w.source(), nil)
		wantErr(t, err, ErrEmptyKey)
		w.counts(0, 0, 0)
	})
}

// Through the whole life of one token: when it is answered as what, and when the
// next one is minted, to the nanosecond.
func TestLifeOfAToken(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		for _, step := range []struct {
			wait   time.Duration
			minTTL time.Duration
			state  State
			id     int
		}{
			{42*time.Minute - 1, 0, Fresh, 1},
			{1, 0, Due, 1},
			{17*time.Minute + 30*time.Second, time.Nanosecond, Due, 1},
			{0, 0, Due, 1},
			{1, time.Nanosecond, Due, 1},
			{0, 0, Fresh, 2}, // less than 30 s remained of the first
			{0, hour, Fresh, 2},
			{1, hour, Fresh, 3},
		} {
			time.Sleep(step.wait)
			need := v1
			need.MinTTL = step.minTTL
			if a := mustGet(t, c, w, need, step.id); a.State != step.state {
				t.Errorf("%+v: state %v", step, a.State)
			}
		}
		w.counts(3, 3, 3)
	})
}

func TestChangedDefinition(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.fp = "v2"
		mustGet(t, c, w, Need{Fingerprint: "v2"}, 2)
		if w.held[1] == nil || w.held[1].id != 1 {
			t.Errorf("Mint was given %v, want the old record", w.held[1])
		}
		w.counts(2, 2, 2)
	})
}

func TestDefinitionChangesDuringAMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.mint = open.wait
		old := get(c, w, v1)
		synctest.Wait()
		w2 := newWorld(t)
		w2.fp, w2.mints = "v2", 10
		w2.stored = &token{id: 1, fp: "v1"}
		newer := []*later{get(c, w2, Need{Fingerprint: "v2"}), get(c, w2, Need{Fingerprint: "v2"})}
		synctest.Wait()
		w2.counts(0, 10, 0) // one mint a key
		close(open)
		a, err := old.get()
		wantToken(t, a, err, 1)
		for _, r := range newer {
			a, err = r.get()
			wantToken(t, a, err, 11)
		}
		w2.counts(1, 11, 1)
		if w2.held[0].id != 1 {
			t.Error("the second mint was not given the first one's record")
		}
	})
}

func TestMintOfAnotherDefinition(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.fp = "v2"
		_, err := get(c, w, v1).get()
		wantErr(t, err, ErrChanged)
		w.counts(1, 1, 1) // stored all the same, and not tried again
		mustGet(t, c, w, Need{Fingerprint: "v2"}, 1)
	})
}

func TestLifeShorterThanNeeded(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.mint, w.life = open.wait, time.Minute
		need := v1
		need.MinTTL = hour
		readers := []*later{get(c, w, need), get(c, w, need)}
		synctest.Wait()
		close(open)
		for _, r := range readers {
			a, err := r.get()
			wantToken(t, a, err, 1)
			if a.State != Fresh || !a.Minted {
				t.Errorf("answer %+v", a)
			}
		}
		mustGet(t, c, w, v1, 1)
		mustGet(t, c, w, need, 2)
	})
}

func TestTokenExpiredBeforeItCame(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.life = time.Second
		w.remember = func(error, int) time.Duration { return time.Minute }
		w.mint = func(context.Context, *token) error { time.Sleep(time.Second); return nil }
		_, err := get(c, w, v1).get()
		wantErr(t, err, ErrExpired)
		_, err = get(c, w, v1).get()
		wantErr(t, err, ErrExpired)
		w.counts(1, 1, 1) // stored for its refresh token; no storm
		time.Sleep(time.Minute)
		w.mint = func(context.Context, *token) error { time.Sleep(time.Second - 1); return nil }
		mustGet(t, c, w, v1, 2)
		if w.held[1].id != 1 {
			t.Error("the expired record was not given to Mint")
		}
	})
}

// The last nanosecond passes between the end of a flight and its reader's turn.
func TestTokenExpiresOnItsWayToTheReader(t *testing.T) {
	s := &slot[*token]{record: newToken(1, 0, "v1")}
	for _, place := range []place{starter, joined} {
		a, ok, err := accepted(s, place, order[*token]{need: v1})
		if err != ErrExpired || !ok {
			t.Errorf("place %d: %+v, %v, %v", place, a, ok, err)
		}
	}
}

func TestUseOnce(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.once, w.life = true, 0
		w.mint = func(context.Context, *token) error { time.Sleep(time.Second); return nil }
		var readers []*later
		for range 8 {
			readers = append(readers, get(c, w, v1))
		}
		seen := map[int]bool{}
		for _, r := range readers {
			a, err := r.get()
			if err != nil || seen[a.Record.id] || !a.Minted || a.State != Fresh {
				t.Errorf("answer %+v, %v; seen before: %v", a, err, seen[a.Record.id])
				continue
			}
			seen[a.Record.id] = true
		}
		w.counts(8, 8, 8)
		for i, held := range w.held[1:] {
			if held == nil || held.id != i+1 {
				t.Errorf("mint %d was given %v", i+2, held)
			}
		}
		if _, ok := memory(c, "k"); !ok {
			t.Error("not in memory")
		}

		// It is no fallback either.
		w.mint = func(context.Context, *token) error { return errDown }
		w.life = hour
		if a, err := get(c, w, v1).get(); err == nil {
			t.Errorf("served again: %+v", a)
		}
		if a, err := renew(c, w, v1, func(*token) bool { return false }).get(); err == nil {
			t.Errorf("served again: %+v", a)
		}
	})
}

func TestEvictionThenLoad(t *testing.T) {
	story(t, Options{Hot: 2}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		for i := range 3 {
			other := newWorld(t)
			if _, err := c.Get(t.Context(), fmt.Sprint(i), v1, other.source()); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := memory(c, "k"); ok {
			t.Fatal("nothing was evicted")
		}
		mustGet(t, c, w, v1, 1)
		w.counts(2, 1, 1)
		mustGet(t, c, w, v1, 1)
		w.counts(2, 1, 1)
	})
}

func TestStorageKnowsANewerRecord(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		time.Sleep(hour)
		w.stored = newToken(7, hour, "v1") // another node was faster
		mustGet(t, c, w, v1, 7)
		w.counts(2, 1, 1)
		if r, ok := memory(c, "k"); !ok || r.id != 7 {
			t.Errorf("in memory: %v", r)
		}
	})
}

func TestStorageLostTheRecord(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		time.Sleep(hour)
		w.stored = nil
		mustGet(t, c, w, v1, 2)
		if w.held[1] != nil {
			t.Errorf("Mint was given %v, which is deleted", w.held[1])
		}
	})
}

// What storage has lost is not served for want of a better one.
func TestStorageLostTheRecordAndTheServerIsDown(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		mustGet(t, c, w, v1, 1)
		time.Sleep(hour - 20*time.Second)
		w.stored, w.mint = nil, down
		for range 2 {
			a, err := get(c, w, v1).get()
			if !errors.Is(err, errDown) {
				t.Errorf("answer %+v, %v", a, err)
			}
		}
		w.counts(2, 2, 1)
	})
}
