// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"testing"
	"time"
)

func TestMinTTLFor(t *testing.T) {
	for _, c := range []struct {
		minTTL, raise, life, want time.Duration
	}{
		{0, 0, time.Hour, 30 * time.Second},
		{0, time.Second, time.Hour, 30 * time.Second}, // a reader can only raise it
		{0, 10 * time.Minute, time.Hour, 10 * time.Minute},
		{5 * time.Second, time.Second, time.Hour, 5 * time.Second},
		{0, time.Hour, time.Hour, 54 * time.Minute},
		{0, 59 * time.Minute, time.Hour, 54 * time.Minute},
		{2 * time.Hour, 2 * time.Hour, time.Hour, 54 * time.Minute},
		{0, time.Second, 0, 0},
	} {
		if got := (Need{MinTTL: c.minTTL, CallerMinTTL: c.raise}).MinTTLFor(c.life); got != c.want {
			t.Errorf("MinTTL %v, CallerMinTTL %v, life %v: %v, want %v", c.minTTL, c.raise, c.life, got, c.want)
		}
	}
}
