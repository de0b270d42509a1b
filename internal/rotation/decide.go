// SPDX-License-Identifier: MPL-2.0

package rotation

import "time"

// sight looks at a state that has just come from storage. Instants that lie
// further ahead than they can are from a clock that ran ahead, and must not
// hold anything up: the latest that they can be is as true.
func (a *Attempt) sight(now time.Time) {
	s := &a.state
	if s.Intent.is() {
		if latest := wall(now).Add(PostWindow); s.Intent.PostBefore.After(latest) {
			s.Intent.PostBefore, a.dirty = latest, true
		}
		a.clear = time.Time{}
		if a.foreign(s.Intent) {
			a.clear = now.Add(s.Intent.PostBefore.Add(PostLimit).Sub(wall(now)))
		}
	}
	if s.Suspect.Since.After(wall(now)) {
		s.Suspect.Since, a.dirty = wall(now), true
	}
}

// foreign tells whether somebody else's POST may be under way. One of our own
// is over: attempts of one instance are serial.
func (a *Attempt) foreign(i Intent) bool { return i.is() && (i.By != a.Instance || a.Instance == "") }

// decide says what comes next, as far as storage and state tell.
func (a *Attempt) decide(now time.Time) {
	s := &a.state
	second := s.Suspect.Since.Add(SecondRefusal)
	otherLeft := s.Previous.IsSet() && !s.Suspect.OtherTried
	switch {
	case a.Credentials && (!s.Current.IsSet() || s.Lost.is() || s.outlived(now)):
		a.doing = LogIn
	case !s.Current.IsSet() || s.Lost.is():
		a.doing = Reauthorize
	case now.Before(a.clear):
		a.wait(a.clear)
	case now.Before(a.retryAt):
		a.wait(a.retryAt)
	case s.Intent.is(): // its answer is unknown: the same again
		a.intend(s.Intent.Other && s.Previous.IsSet(), now)
	case !s.Suspect.is():
		a.intend(false, now)
	case otherLeft && !a.Credentials:
		a.intend(true, now)
	case !wall(now).Before(second):
		a.intend(false, now)
	case a.Credentials:
		a.doing = LogIn
	default:
		a.wait(now.Add(second.Sub(wall(now))))
	}
}

func (a *Attempt) wait(until time.Time) { a.doing, a.until = Wait, until }

// intend announces a POST. The write of it carries whatever else has changed.
func (a *Attempt) intend(other bool, now time.Time) {
	a.before = a.state
	s := &a.state
	s.Turn++
	s.Intent = Intent{PostBefore: wall(now).Add(PostWindow), By: a.Instance, Other: other}
	if other {
		s.Suspect.OtherTried = true
	}
	a.doing, a.intended, a.dirty = Write, now, false
}

// refusal counts a refusal that storage does not explain. Only the current
// token's second one, long enough after the first, is believed: the server's
// own nodes may have to agree first, or a node that was faster may still be
// about to save.
func (a *Attempt) refusal(at time.Time) {
	s := &a.state
	other := s.Intent.Other
	s.Intent, a.dirty = Intent{}, true
	a.unanswered, a.retryAt = 0, time.Time{}
	switch {
	case other:
	case !s.Suspect.is():
		s.Suspect.Since = wall(at)
	case !wall(at).Before(s.Suspect.Since.Add(SecondRefusal)):
		s.Lost = Lost{Since: wall(at), Reason: RefusedTwice}
		if s.Token.over(at) || s.Session.over(at) {
			s.Lost.Reason = Ended
		}
	}
}
