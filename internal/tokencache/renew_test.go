// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func isToken(id int) func(*token) bool { return func(t *token) bool { return t.id == id } }

func TestRenewReplacesAFreshToken(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 2)
		if !a.Minted || a.State != Fresh || a.Stale != nil {
			t.Errorf("answer %+v", a)
		}
		if w.held[1].id != 1 {
			t.Error("Mint was not given the current record")
		}
		mustGet(t, c, w, v1, 2)
		w.counts(2, 2, 2)
	})
}

// A token is rejected somewhere, and everybody reports it, some later than others.
func TestRenewStorm(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.mint = func(context.Context, *token) error { time.Sleep(time.Second); return nil }
		var reports []*later
		for range 200 {
			reports = append(reports, renew(c, w, v1, isToken(1)))
			time.Sleep(10 * time.Millisecond)
		}
		for _, r := range reports {
			a, err := r.get()
			wantToken(t, a, err, 2)
		}
		w.counts(2, 2, 2) // who comes late is answered from memory
	})
}

// Nor does a server that hands out the same token again cost an exchange a report.
func TestRenewStormWithoutANewToken(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.mint = func(_ context.Context, t *token) error { time.Sleep(time.Second); t.id = 1; return nil }
		var reports []*later
		for range 50 {
			reports = append(reports, renew(c, w, v1, isToken(1)))
		}
		for _, r := range reports {
			a, err := r.get()
			wantToken(t, a, err, 1)
		}
		w.counts(2, 2, 2)
	})
}

func TestRenewFindsANewerToken(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.stored = newToken(9, hour, "v1")
		var asked []int // unguarded: a reader's wanted is never asked twice at a time
		a, err := renew(c, w, v1, func(held *token) bool {
			asked = append(asked, held.id)
			return held.id == 1
		}).get()
		wantToken(t, a, err, 9)
		if a.Minted || asked[0] != 1 || asked[len(asked)-1] != 9 {
			t.Errorf("answer %+v, asked about %v", a, asked)
		}
		w.counts(2, 1, 1)
	})
}

// wanted has no say over a record that is no answer.
func TestRenewOfAnUnusableToken(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		never := func(*token) bool { return false }
		a, err := renew(c, w, v1, never).get()
		wantToken(t, a, err, 1)
		time.Sleep(hour)
		a, err = renew(c, w, v1, never).get()
		wantToken(t, a, err, 2)
		w.fp = "v2"
		a, err = renew(c, w, Need{Fingerprint: "v2"}, never).get()
		wantToken(t, a, err, 3)
		a, err = renew(c, w, Need{Fingerprint: "v2"}, never).get()
		wantToken(t, a, err, 3)
		w.counts(3, 3, 3)
	})
}

func TestRenewFails(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		mustGet(t, c, w, v1, 1)
		w.mint = down
		for attempt := 1; attempt <= 3; attempt++ { // each clears what is remembered
			a, err := renew(c, w, v1, nil).get()
			wantToken(t, a, err, 1)
			if a.Stale != errDown {
				t.Errorf("Stale = %v", a.Stale)
			}
			if m, ok := c.Failure("k"); !ok || m.Attempt != attempt {
				t.Errorf("remembered %+v, want attempt %d", m, attempt)
			}
		}
		w.counts(4, 4, 1)
		w.mint = nil
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 5)

		w.ready = func() error { return errReadOnly }
		if _, err = renew(c, w, v1, nil).get(); err != errReadOnly {
			t.Errorf("error %v, want the very one of Ready", err)
		}
	})
}

// Renew clears what is remembered even if it does not come as far as a mint.
func TestRenewClearsAFailure(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		w.mint = down
		_, err := get(c, w, v1).get()
		wantErr(t, err, errDown)
		w.ready = func() error { return errReadOnly }
		if _, err = renew(c, w, v1, nil).get(); err != errReadOnly {
			t.Errorf("error %v, want the very one of Ready", err)
		}
		w.ready, w.mint = nil, nil
		mustGet(t, c, w, v1, 2)
	})
}

func TestRenewJoinsAMint(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		open := make(gate)
		w.mint = open.wait
		reader := get(c, w, v1)
		synctest.Wait()
		one, two := renew(c, w, v1, nil), renew(c, w, v1, isToken(0))
		synctest.Wait()
		close(open)
		for _, r := range []*later{reader, one, two} {
			a, err := r.get()
			wantToken(t, a, err, 1)
		}
		w.counts(1, 1, 1)
	})
}

// A flight that ends without an exchange is no renewal.
func TestRenewJoinsALook(t *testing.T) {
	for name, tc := range map[string]struct {
		wanted func(*token) bool
		id     int
		mints  int
	}{
		"whatever it is": {nil, 1, 1},
		"it is bad":      {isToken(7), 1, 1},
		"it is another":  {isToken(6), 7, 0},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
				w.stored = newToken(7, hour, "v1")
				open := make(gate)
				w.load = func(ctx context.Context) error { return open.wait(ctx, nil) }
				reader := get(c, w, v1)
				synctest.Wait()
				r := renew(c, w, v1, tc.wanted)
				synctest.Wait()
				close(open)
				a, err := reader.get()
				wantToken(t, a, err, 7)
				a, err = r.get()
				wantToken(t, a, err, tc.id)
				w.counts(1+tc.mints, tc.mints, tc.mints)
			})
		})
	}
}

// A reader's flight that ends at a remembered failure does not answer a renewal.
func TestRenewJoinsARememberedFailure(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		mustGet(t, c, w, v1, 1)
		time.Sleep(hour)
		w.mint = down
		_, err := get(c, w, v1).get()
		wantErr(t, err, errDown)
		c.hot.Remove("k") // so that the next reader looks into storage
		open := make(gate)
		w.load = func(ctx context.Context) error { return open.wait(ctx, nil) }
		reader := get(c, w, v1)
		synctest.Wait()
		m, _ := c.failures.Peek("k")
		r := renew(c, w, v1, nil)
		synctest.Wait()
		c.failures.Add("k", m) // as if the reader's flight had looked before
		w.mint = nil
		close(open)
		_, err = reader.get()
		wantErr(t, err, errDown)
		a, err := r.get()
		wantToken(t, a, err, 3)
	})
}
