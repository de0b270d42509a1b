// SPDX-License-Identifier: MPL-2.0

package tokencache

import "time"

// State is what a token is worth to one reader at one instant.
type State int

const (
	// Expired: nothing usable for this reader.
	Expired State = iota
	// Due: usable, and its renewal instant has passed.
	Due
	// Fresh: usable, and nothing needs to be done about it yet.
	Fresh
)

// String names the state, for log lines and tests.
func (s State) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Due:
		return "due"
	default:
		return "expired"
	}
}

// Life is the span of one token, in wall-clock instants: it is stored, and read
// by other nodes. RenewAt is computed once, at issue (see the function RenewAt);
// the zero RenewAt means that nothing renews this token ahead of its expiry.
type Life struct{ Issued, RenewAt, Expires time.Time }

// State is a pure function of now. A token is Expired for a reader when less
// than minTTL remains, and for everybody when nothing remains; it is Due from
// RenewAt on, that instant included.
func (l Life) State(now time.Time, minTTL time.Duration) State {
	remaining := l.Remaining(now)
	switch {
	case remaining <= 0 || remaining < minTTL:
		return Expired
	case !l.RenewAt.IsZero() && !wall(now).Before(l.RenewAt):
		return Due
	default:
		return Fresh
	}
}

// Remaining is the time left until expiry; zero or less when there is none.
func (l Life) Remaining(now time.Time) time.Duration { return l.Expires.Sub(wall(now)) }

// span is the whole life.
func (l Life) span() time.Duration { return wall(l.Expires).Sub(l.Issued) }

// wall drops the monotonic reading. Monotonic clocks stop while a machine
// sleeps and mean nothing to another node; a token expires by the wall clock.
func wall(t time.Time) time.Time { return t.Round(0) }

// RenewAt spreads renewals over 60 to 80 % of a token's life. Roll it once, at
// issue, and store the result: jitter rolled again at every check is no jitter.
// roll is uniform in [0,1).
func RenewAt(issued, expires time.Time, roll float64) time.Time {
	fifth := max(Life{Issued: issued, Expires: expires}.span(), 0) / 5
	if !(roll > 0) { // NaN included
		roll = 0
	}
	offset := 3*fifth + time.Duration(min(roll, 1)*float64(fifth))
	return wall(issued).Add(offset)
}

const longestMinTTL = 30 * time.Second

// DefaultMinTTL is the remaining life below which a token is replaced before it
// is handed out, where the reader says nothing else: 30 s, or 10 % of a short life.
func DefaultMinTTL(life time.Duration) time.Duration {
	return max(0, min(longestMinTTL, life/10))
}
