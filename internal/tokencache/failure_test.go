// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func down(context.Context, *token) error { return errDown }

func TestRememberedFailure(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		var attempts []int
		w.remember = func(err error, attempt int) time.Duration {
			wantErr(t, err, errDown)
			attempts = append(attempts, attempt)
			return time.Duration(attempt) * time.Minute
		}
		w.mint = down
		began := time.Now()
		if _, err := get(c, w, v1).get(); err != errDown {
			t.Fatalf("error %v, want Mint's", err)
		}
		for range 100 {
			_, err := get(c, w, v1).get()
			m, ok := errors.AsType[*RememberedError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			wantErr(t, err, errDown)
			if m.Attempt != 1 || !m.Since.Equal(began) || !m.Until.Equal(began.Add(time.Minute)) {
				t.Fatalf("remembered %+v", m)
			}
			if text := err.Error(); !strings.Contains(text, errDown.Error()) || !strings.Contains(text, m.Until.UTC().Format(time.RFC3339)) {
				t.Fatalf("text %q", text)
			}
		}
		w.counts(1, 1, 0) // neither server nor storage was asked again

		time.Sleep(time.Minute - 1)
		_, err := get(c, w, v1).get()
		wantErr(t, err, errDown)
		w.counts(1, 1, 0)
		time.Sleep(time.Nanosecond)
		if _, err = get(c, w, v1).get(); err != errDown {
			t.Fatalf("error %v, want that of a new mint", err)
		}
		w.counts(2, 2, 0)
		if m, ok := c.Failure("k"); !ok || m.Attempt != 2 || !m.Since.Equal(began) || m.Until.Sub(began) != 3*time.Minute {
			t.Errorf("remembered %+v", m)
		}

		time.Sleep(2 * time.Minute)
		w.mint = nil
		mustGet(t, c, w, v1, 3)
		if m, ok := c.Failure("k"); ok {
			t.Errorf("still remembered: %v", m)
		}
		w.mint = down
		time.Sleep(hour)
		_, err = get(c, w, v1).get()
		wantErr(t, err, errDown)
		if want := []int{1, 2, 1}; len(attempts) != 3 || attempts[1] != want[1] || attempts[2] != want[2] {
			t.Errorf("attempts %v, want %v", attempts, want)
		}
	})
}

func TestAChangeOfRevisionClearsAFailure(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		w.mint = down
		for range 2 {
			_, err := get(c, w, v1).get()
			wantErr(t, err, errDown)
			c.retryNow("k")
		}
		if m, _ := c.Failure("k"); m.Attempt != 2 {
			t.Errorf("attempt %d, want 2", m.Attempt)
		}
		changed := Need{Fingerprint: "v1", Revision: "t2"}
		if _, err := get(c, w, changed).get(); err != errDown {
			t.Errorf("error %v, want that of a new mint", err)
		}
		w.counts(3, 3, 0)
		if m, _ := c.Failure("k"); m.Attempt != 1 {
			t.Errorf("attempt %d, want 1", m.Attempt)
		}
		w.mint = nil
		mustGet(t, c, w, v1, 4)
	})
}

// A reader who joins a mint by another revision does not inherit its failure.
func TestFailureOfAnotherRevision(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		open := make(gate)
		w.mint = func(ctx context.Context, _ *token) error { _ = open.wait(ctx, nil); return errDown }
		old := get(c, w, v1)
		synctest.Wait()
		same := get(c, w, v1)
		w2 := newWorld(t)
		w2.mints = 10
		newer := get(c, w2, Need{Fingerprint: "v1", Revision: "t2"})
		synctest.Wait()
		close(open)
		for _, r := range []*later{old, same} {
			if _, err := r.get(); err != errDown {
				t.Errorf("error %v", err)
			}
		}
		a, err := newer.get()
		wantToken(t, a, err, 11)
		w.counts(1, 1, 0)
	})
}

func TestFailureWithATokenThatStillWorks(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.remember = func(error, int) time.Duration { return 20 * time.Second }
		w.mint = down
		time.Sleep(hour - 29*time.Second)
		a, err := get(c, w, v1).get()
		wantToken(t, a, err, 1)
		if a.Stale != errDown || a.State != Due {
			t.Errorf("answer %+v", a)
		}
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1)
		if _, ok := errors.AsType[*RememberedError](a.Stale); !ok {
			t.Errorf("answer %+v", a)
		}
		w.counts(2, 2, 1)

		// A changed definition must not be served what the old one shaped.
		_, err = get(c, w, Need{Fingerprint: "v2", Revision: "t1"}).get()
		wantErr(t, err, errDown)
		w.counts(2, 2, 1)

		// Memory may have lost the token; storage has it.
		c.hot.Remove("k")
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1)
		if _, ok := errors.AsType[*RememberedError](a.Stale); !ok {
			t.Errorf("answer %+v", a)
		}
		w.counts(3, 2, 1)

		time.Sleep(20 * time.Second)
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1)
		w.counts(4, 3, 1)
		time.Sleep(9*time.Second - 1)
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1) // 1 ns remains
		time.Sleep(time.Nanosecond)
		_, err = get(c, w, v1).get()
		wantErr(t, err, errDown)
	})
}

func TestDueTellsOfAFailedRenewal(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		mustGet(t, c, w, v1, 1)
		w.mint = down
		a, err := renew(c, w, v1, nil).get()
		wantToken(t, a, err, 1)
		if a.Stale != errDown || a.State != Fresh {
			t.Errorf("answer %+v", a)
		}
		mustGet(t, c, w, v1, 1) // fresh: nothing to tell
		time.Sleep(42 * time.Minute)
		a, err = get(c, w, v1).get()
		wantToken(t, a, err, 1)
		wantErr(t, a.Stale, errDown)
		mustGet(t, c, w, Need{Fingerprint: "v1", Revision: "t2"}, 1) // the reason may have gone

		w.mint = nil
		a, err = renew(c, w, v1, nil).get()
		wantToken(t, a, err, 3)
		time.Sleep(42 * time.Minute)
		mustGet(t, c, w, v1, 3)
	})
}

func TestLoadErrorsAreNotRemembered(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		w.load = func(context.Context) error { return errStorage }
		for range 2 {
			if _, err := get(c, w, v1).get(); err != errStorage {
				t.Fatalf("error %v", err)
			}
		}
		w.counts(2, 0, 0)
		w.load = nil
		mustGet(t, c, w, v1, 1)

		w.load = func(context.Context) error { return errStorage }
		time.Sleep(hour - time.Second)
		a, err := get(c, w, v1).get()
		wantToken(t, a, err, 1)
		wantErr(t, a.Stale, errStorage)
	})
}

func TestForgetWhileAFailureIsNoted(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.mint = down
		w.remember = func(error, int) time.Duration { c.Forget("k"); return hour }
		_, err := get(c, w, v1).get()
		wantErr(t, err, errDown)
		if m, ok := c.Failure("k"); ok {
			t.Errorf("remembered: %v", m)
		}
	})
}

// A flight that ends at the failure of one revision does not answer for another.
func TestRememberedFailureOfAnotherRevision(t *testing.T) {
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
		old := get(c, w, v1)
		synctest.Wait()
		w2 := newWorld(t)
		w2.mints = 10
		newer := get(c, w2, Need{Fingerprint: "v1", Revision: "t2"})
		synctest.Wait()
		close(open)
		_, err = old.get()
		wantErr(t, err, errDown)
		a, err := newer.get()
		wantToken(t, a, err, 11)
	})
}

func TestFailuresAreBounded(t *testing.T) {
	story(t, Options{Hot: 2}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		w.mint = down
		for _, key := range []string{"a", "b", "c", "a"} {
			if _, err := c.Get(t.Context(), key, v1, w.source()); err != errDown {
				t.Fatalf("%s: error %v, want that of a mint", key, err)
			}
		}
		w.counts(4, 4, 0)
	})
}

// A source may leave out what it has no use for.
func TestSourceWithoutReadyAndRemember(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		src := w.source()
		src.Ready, src.Remember = nil, nil
		w.mint = down
		for range 2 {
			if _, err := c.Get(t.Context(), "k", v1, src); err != errDown {
				t.Fatalf("error %v", err)
			}
		}
		w.counts(2, 2, 0)
	})
}
