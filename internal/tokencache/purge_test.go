// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestPurge(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.stored = newToken(8, hour, "v1")
		c.Purge()
		mustGet(t, c, w, v1, 8)
		w.counts(2, 1, 1)
	})
}

// What a flight loaded before the purge may be outdated: nobody gets it, be it
// the flight's starter or those who joined.
func TestPurgeDuringALoad(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		src := w.source()
		open := make(gate)
		var loads int
		src.Load = func(ctx context.Context) (*token, bool, error) {
			loads++
			if loads == 1 {
				old := newToken(8, hour, "v1")
				return old, true, open.wait(ctx, nil)
			}
			return newToken(9, hour, "v1"), true, nil
		}
		var readers []*later
		for range 20 {
			readers = append(readers, async(func() (Answer[*token], error) { return c.Get(context.Background(), "k", v1, src) }))
		}
		synctest.Wait()
		c.Purge()
		close(open)
		for _, r := range readers {
			a, err := r.get()
			wantToken(t, a, err, 9)
		}
		if kept, ok := c.Peek("k"); !ok || kept.id != 9 {
			t.Errorf("in memory: %v", kept)
		}
	})
}

// A token that was minted meanwhile is not: it stays.
func TestPurgeDuringAMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.change(func() { w.mint = open.wait })
		r := get(c, w, v1)
		synctest.Wait()
		c.Purge()
		close(open)
		a, err := r.get()
		wantToken(t, a, err, 1)
		mustGet(t, c, w, v1, 1)
		w.counts(1, 1, 1)
	})
}
