// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestReady(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.remember = func(error, int) time.Duration { return hour }
		w.ready = func() error { return errReadOnly }
		for range 3 {
			if _, err := get(c, w, v1).get(); err != errReadOnly {
				t.Fatalf("error %v, want the very one of Ready", err)
			}
		}
		w.counts(3, 0, 0)
		if m, ok := c.Failure("k"); ok {
			t.Errorf("remembered: %v", m)
		}

		// A stored token needs no right to write, while it is good enough.
		w.stored = newToken(5, hour, "v1")
		mustGet(t, c, w, v1, 5)
		time.Sleep(hour - 10*time.Second)
		if _, err := get(c, w, v1).get(); err != errReadOnly {
			t.Errorf("error %v, want the very one of Ready: another node can do better", err)
		}
		w.ready = nil
		mustGet(t, c, w, v1, 1)
	})
}

// A reader may come so late that it sees only the end of such a flight.
func TestReadyWithAModestReaderWhoCameLate(t *testing.T) {
	f := &flight[*token]{revision: "t1"}
	f.outcome = outcome[*token]{slot: &slot[*token]{record: newToken(1, hour, "v1")}, kind: unready, err: errReadOnly}
	if _, settled, _ := refused(f, joined, order[*token]{need: v1}); settled {
		t.Error("refused for a mint that this reader does not need")
	}
	if _, settled, err := refused(f, joined, order[*token]{need: Need{Fingerprint: "v2"}}); !settled || err != errReadOnly {
		t.Errorf("%v, %v", settled, err)
	}
}

// Readers with different needs share a flight that cannot mint.
func TestReadyWithAMoreModestReader(t *testing.T) {
	story(t, Options{}, func(t *testing.T, c *Cache[*token], w *world) {
		w.stored = newToken(5, hour, "v1")
		open := make(gate)
		w.load = func(ctx context.Context) error { return open.wait(ctx, nil) }
		w.ready = func() error { return errReadOnly }
		greedy := v1
		greedy.MinTTL = 2 * hour
		one := get(c, w, greedy)
		synctest.Wait()
		two := get(c, w, v1)
		synctest.Wait()
		close(open)
		if _, err := one.get(); err != errReadOnly {
			t.Errorf("error %v", err)
		}
		a, err := two.get()
		wantToken(t, a, err, 5)
	})
}
