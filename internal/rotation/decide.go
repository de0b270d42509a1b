// SPDX-License-Identifier: MPL-2.0

package rotation

import "time"

// sight looks at a state that was just read from storage. An instant that lies
// further in the future than it can was written by a node whose clock ran ahead.
// It must not delay this node, so sight replaces it by the latest possible one.
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

// foreign tells whether the POST of another instance may be under way. A POST of
// this instance has ended, since its attempts are serial.
func (a *Attempt) foreign(i Intent) bool { return i.is() && (i.By != a.Instance || a.Instance == "") }

// decide chooses the next step from the state alone.
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
	case s.Intent.is(): // the answer to its POST is unknown: send the same token again
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

// intend announces a POST. The Write of the intent also stores every other change.
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

// refusal counts a refusal for which storage shows no reason. The token counts as
// lost only when the current token is refused for the second time, long enough
// after the first: the server's own nodes may have to agree first, or another
// Vault node may not have saved its newer token yet.
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
