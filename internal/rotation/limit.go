// SPDX-License-Identifier: MPL-2.0

package rotation

import "time"

// Limit is an end that is known ahead. The zero Limit: nobody says when.
type Limit struct {
	From time.Time `json:"from,omitzero"` // when the span began
	Ends time.Time `json:"ends,omitzero"`
	// Due is when something must be done about it: at 80 to 90 % of the span,
	// rolled once.
	Due time.Time `json:"due,omitzero"`
	// Fixed: a refresh does not move the end, so only a login does.
	Fixed bool `json:"fixed,omitempty"`
}

// until returns the limit that ends then; the zero Limit if ends is zero. roll
// is uniform in [0, 1).
func until(from, ends time.Time, roll float64) Limit {
	if ends.IsZero() {
		return Limit{}
	}
	from, ends = wall(from), wall(ends)
	if !(roll > 0) { // NaN included
		roll = 0
	}
	tenth := max(ends.Sub(from), 0) / 10
	return Limit{From: from, Ends: ends, Due: from.Add(8*tenth + time.Duration(min(roll, 1)*float64(tenth)))}
}

// follow returns the limit of a refresh token after one more refresh. ends is
// what the answer says, zero if nothing; kept tells that the token is still the
// same. A server that counts whole seconds moves a fixed end to and fro a
// little, so only half of the time since then regained counts as moved.
func (l Limit) follow(now, ends time.Time, kept bool, roll float64) Limit {
	switch {
	case ends.IsZero() && kept && !l.Ends.IsZero():
		l.Fixed = true
		return l
	case ends.IsZero() || l.Ends.IsZero():
		return until(now, ends, roll)
	}
	next := until(now, ends, roll)
	if moved := next.Ends.Sub(l.Ends); moved > 0 && moved >= wall(now).Sub(l.From)/2 {
		return next
	}
	next.From, next.Fixed = l.From, true
	if l.Due.Before(next.Due) {
		next.Due = l.Due
	}
	return next
}

func (l Limit) due(now time.Time) bool  { return !l.Due.IsZero() && !wall(now).Before(l.Due) }
func (l Limit) over(now time.Time) bool { return !l.Ends.IsZero() && !wall(now).Before(l.Ends) }

// wall drops the monotonic reading, which means nothing to another node, and the
// zone, which storage would change.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }

// earliest returns the first of the instants that are set, or zero.
func earliest(instants ...time.Time) (first time.Time) {
	for _, t := range instants {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
