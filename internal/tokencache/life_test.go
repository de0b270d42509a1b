// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

var noon = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

func TestLifeState(t *testing.T) {
	life := Life{Issued: noon, RenewAt: noon.Add(42 * time.Minute), Expires: noon.Add(hour)}
	never := Life{Issued: noon, Expires: noon.Add(hour)}
	for _, tc := range []struct {
		name   string
		life   Life
		at     time.Duration // after noon
		minTTL time.Duration
		want   State
	}{
		{"issued", life, 0, 30 * time.Second, Fresh},
		{"before issue, by a clock behind the issuer's", life, -time.Minute, 30 * time.Second, Fresh},
		{"1 ns before renewal", life, 42*time.Minute - 1, 0, Fresh},
		{"at renewal", life, 42 * time.Minute, 0, Due},
		{"1 ns after renewal", life, 42*time.Minute + 1, 0, Due},
		{"min_ttl remains", life, hour - 30*time.Second, 30 * time.Second, Due},
		{"1 ns less than min_ttl remains", life, hour - 30*time.Second + 1, 30 * time.Second, Expired},
		{"1 ns remains", life, hour - 1, 0, Due},
		{"at expiry", life, hour, 0, Expired},
		{"at expiry, with a negative min_ttl", life, hour, -time.Minute, Expired},
		{"1 ns after expiry", life, hour + 1, 0, Expired},
		{"min_ttl is the whole life", life, 0, hour, Fresh},
		{"min_ttl is more than the whole life", life, 0, hour + 1, Expired},
		{"no renewal, 1 ns before expiry", never, hour - 1, 0, Fresh},
		{"no renewal, at expiry", never, hour, 0, Expired},
		{"no life at all", Life{}, 0, 0, Expired},
	} {
		if got := tc.life.State(noon.Add(tc.at), tc.minTTL); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if got := life.Remaining(noon.Add(hour + time.Second)); got != -time.Second {
		t.Errorf("remaining = %v, want -1s", got)
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{Fresh: "fresh", Due: "due", Expired: "expired"} {
		if s.String() != want {
			t.Errorf("%d is %q, want %q", s, s, want)
		}
	}
}

func TestDefaultMinTTL(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		24 * hour:            30 * time.Second,
		300 * time.Second:    30 * time.Second,
		300*time.Second - 10: 30*time.Second - 1,
		time.Minute:          6 * time.Second,
		10:                   1,
		9:                    0,
		0:                    0,
		-hour:                0,
	} {
		if got := DefaultMinTTL(life); got != want {
			t.Errorf("DefaultMinTTL(%v) = %v, want %v", life, got, want)
		}
	}
}

func TestRenewAt(t *testing.T) {
	for _, tc := range []struct {
		life time.Duration
		roll float64
		want time.Duration
	}{
		{hour, 0, 36 * time.Minute},
		{hour, 0.5, 42 * time.Minute},
		{hour, 1, 48 * time.Minute},
		{hour, -3, 36 * time.Minute},
		{hour, 7, 48 * time.Minute},
		{hour, math.NaN(), 36 * time.Minute},
		{0, 0.5, 0},
		{-hour, 0.5, 0},
	} {
		if got := RenewAt(noon, noon.Add(tc.life), tc.roll).Sub(noon); got != tc.want {
			t.Errorf("RenewAt(%v, %v) = %v, want %v", tc.life, tc.roll, got, tc.want)
		}
	}
}

func TestRenewAtIsSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var low, high int
	for range 10_000 {
		life := time.Duration(1 + rng.Int64N(int64(400*24*hour)))
		share := float64(RenewAt(noon, noon.Add(life), rng.Float64()).Sub(noon)) / float64(life)
		if slack := 5 / float64(life); share < 0.60-slack || share > 0.80+slack {
			t.Fatalf("life %v: renewed at %v of it", life, share)
		}
		if share < 0.65 {
			low++
		}
		if share > 0.75 {
			high++
		}
	}
	if low < 2300 || low > 2700 || high < 2300 || high > 2700 {
		t.Errorf("not uniform: %d in the first quarter, %d in the last, of 10,000", low, high)
	}
}

// drift moves a time's monotonic reading alone, as the sleep of a machine does.
func drift(t time.Time, d time.Duration) time.Time {
	moved := t
	// The second word of a Time is its monotonic reading, if it has one.
	(*[2]int64)(unsafe.Pointer(&moved))[1] += int64(d)
	return moved
}

// A record made by this process still carries a monotonic reading; it is stored
// and compared by the wall clock alone.
func TestRenewAtIsWallClock(t *testing.T) {
	issued := time.Now()
	at := RenewAt(issued, issued.Add(hour), 0)
	if at != at.Round(0) {
		t.Errorf("%v carries a monotonic reading", at)
	}
	life := Life{Issued: issued, RenewAt: issued.Add(time.Minute), Expires: issued.Add(hour)}
	slept := drift(issued.Add(time.Minute), -30*time.Second)
	if slept.Sub(issued) != 30*time.Second {
		t.Fatalf("the test's clock does not drift: %v", slept.Sub(issued))
	}
	if got := life.State(slept, 0); got != Due {
		t.Errorf("state = %v, want due", got)
	}
	if got, want := life.Remaining(slept), hour-time.Minute; got != want {
		t.Errorf("remaining = %v, want %v", got, want)
	}
	life.Expires = drift(life.Expires, hour)
	if got := life.span(); got != hour {
		t.Errorf("span = %v, want an hour", got)
	}
}
