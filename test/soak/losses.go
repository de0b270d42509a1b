// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// inFlight is how long before its arrival at the provider a request may have been sent: the kill of its sender lies before it then.
const inFlight = 500 * time.Millisecond

// use is the presentation of a refresh token.
type use struct {
	exchange
	in, out time.Time
	good    bool
	cut     *kill // the kill that lies between the POST and the stored answer, if one does
	stored  bool  // its answer was certainly stored: a reader has seen its access token, or its refresh token was presented
}

// loss is a grant that ended, though nobody wanted it to.
type loss struct {
	Role      string    `json:"role"`
	Grant     string    `json:"grant"`
	At        time.Time `json:"at"`
	Explained bool      `json:"explained"` // a kill lies between POST and stored answer
	Avoidable bool      `json:"avoidable"` // nevertheless: the plugin was back before the grace was over
	Why       string    `json:"why"`
}

// reuse is a consumed refresh token that was presented again.
type reuse struct {
	Role      string    `json:"role"`
	At        time.Time `json:"at"`
	After     float64   `json:"after_seconds"` // it was consumed
	Taken     bool      `json:"taken"`         // within the grace
	Explained bool      `json:"explained"`     // each answer to it was cut off by a kill
	Why       string    `json:"why"`

	use *use
	cut *kill // the last one that cut off an answer
}

// uses are all presentations of refresh tokens, by token, in their order.
func (b *book) uses(l limits) map[string][]*use {
	uses, presented := map[string][]*use{}, map[string]bool{}
	for _, e := range b.exchanges {
		if e.GrantType == refreshTokens {
			u := &use{exchange: e, in: time.UnixMilli(e.In), out: time.UnixMilli(e.Out), good: e.Status == 200}
			uses[e.Token] = append(uses[e.Token], u)
			presented[e.Token] = true
		}
	}
	for _, same := range uses {
		for i, u := range same {
			_, served := b.served[u.Access]
			u.stored = u.good && (served || presented[u.Next])
			end := u.out.Add(l.persist)
			if i+1 < len(same) && same[i+1].in.Before(end) { // it was presented again: only what lies before can be why
				end = same[i+1].in
			}
			u.cut = b.cutOff(u, end)
		}
	}
	return uses
}

// cutOff returns the kill between a POST and end. A request may reach the provider after its sender has died; its answer then
// cannot have been sent.
func (b *book) cutOff(u *use, end time.Time) *kill {
	begin := u.in
	if !u.Sent {
		begin = begin.Add(-inFlight)
	}
	for i := range b.kills {
		k := &b.kills[i]
		if k.Processes > 0 && !k.Gone.Add(time.Millisecond).Before(begin) && !k.At.After(end) {
			return k
		}
	}
	return nil
}

// reuses are the consumed tokens that were presented again while their grant was alive, in their order. Where the engine has
// nothing stored but the old token, a kill must be why.
func (b *book) reuses(l limits) []reuse {
	var all []reuse
	for _, same := range b.uses(l) {
		for i, u := range same {
			if u.State != "grace" && u.State != "late" {
				continue
			}
			r := reuse{
				Role: u.Account, At: u.in, After: u.in.Sub(time.UnixMilli(u.Consumed)).Seconds(), Taken: u.good,
				Explained: true, Why: "a kill cut off the answer", use: u,
			}
			for _, before := range same[:i] {
				r.follow(before)
			}
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b reuse) int { return a.At.Compare(b.At) })
	return all
}

// follow looks at one presentation of the same token that came before.
func (r *reuse) follow(before *use) {
	switch {
	case !before.good:
	case before.stored:
		r.Explained, r.Why = false, "the answer before was stored, and the old token presented again nevertheless"
	case before.cut == nil:
		if r.Explained {
			r.Explained, r.Why = false, "no kill lies between the POST before and its stored answer"
		}
	default:
		r.cut = before.cut
	}
}

// losses are the grants that ended: those that the provider revoked over a reuse, and those of which an unknown token was
// presented. What was presented of a grant afterwards is of no interest.
func (b *book) losses(l limits) []loss {
	var all []loss
	seen := map[string]bool{}
	for _, r := range b.reuses(l) {
		if r.use.State != "late" || seen[r.use.Grant] {
			continue
		}
		seen[r.use.Grant] = true
		lost := loss{
			Role: r.Role, Grant: r.use.Grant, At: r.At, Explained: r.Explained,
			Why: fmt.Sprintf("%s; presented again %.1f s after it was consumed", r.Why, r.After),
		}
		if r.Explained {
			lost.whenBack(r, l)
		}
		all = append(all, lost)
	}
	for _, e := range b.exchanges {
		if e.State == "unknown" {
			all = append(all, loss{Role: e.Account, At: time.UnixMilli(e.In), Why: "client " + e.Client + " presented a refresh token that was never issued"})
		}
	}
	for _, e := range b.revoked {
		if !seen[e.Grant] {
			seen[e.Grant] = true
			all = append(all, loss{Role: e.Account, Grant: e.Grant, At: time.UnixMilli(e.At), Why: "the provider revoked the grant, and the book has no reason"})
		}
	}
	return all
}

// whenBack says of an explained loss whether the engine could have asked in time: readers were answered again, and another plugin's
// POST was over, before the end of the grace, which begins when the token is consumed.
func (lost *loss) whenBack(r reuse, l limits) {
	if r.cut == nil || r.cut.Back.IsZero() {
		return
	}
	back := r.cut.Back.Sub(time.UnixMilli(r.use.Consumed))
	lost.Avoidable = max(back, l.fence) < l.grace
	lost.Why += fmt.Sprintf("; the plugin was back after %.1f s, and waits %s for a stranger's POST; the grace is %s", back.Seconds(), l.fence, l.grace)
}
