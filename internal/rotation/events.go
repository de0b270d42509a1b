// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Answer is what the server has answered to a refresh.
type Answer struct {
	RefreshToken secret.String // empty, or the one that was sent, if the server does not rotate
	Ends         time.Time     // of the refresh token; zero: the server does not say
}

// Wrote tells whether a Write succeeded. If the intent was not written, nothing is
// sent. Any other change that was not written is found out again by a later attempt.
func (a *Attempt) Wrote(ok bool) {
	switch {
	case a.dirty:
		a.dirty = false
	case a.doing == Write && ok:
		a.doing = Post
	case a.doing == Write:
		a.state, a.doing = a.before, Stop
	}
}

// Found tells what storage holds; nil if the entry was deleted.
func (a *Attempt) Found(stored *State, now time.Time) {
	if a.Next(now).Kind != Read {
		return
	}
	if a.doing == Post {
		a.late++
	}
	if stored == nil {
		a.doing = Gone
		return
	}
	refusedAt := a.refusedAt
	a.refusedAt = time.Time{}
	mine := a.state
	switch c := stored.compare(mine); {
	case c > 0 || c == 0 && (stored.Current != mine.Current || a.foreign(stored.Intent) && stored.Intent.By != mine.Intent.By):
		a.state = *stored
		a.sight(now)
		if stored.Generation != mine.Generation || stored.Current != mine.Current {
			a.doing = Adopted
			return
		}
	case !refusedAt.IsZero():
		a.refusal(refusedAt)
	}
	a.decide(now)
}

// Answered tells that the server has sent a new token.
func (a *Attempt) Answered(answer Answer, now time.Time) {
	if !a.posted() {
		return
	}
	s := &a.state
	sent, other := s.token(), s.Current
	next := answer.RefreshToken
	if !next.IsSet() {
		next = sent
	}
	s.Token = s.Token.follow(now, answer.Ends, next == sent, a.Roll)
	s.Current, s.Previous = next, sent
	if next == sent { // not rotated
		s.Previous = ""
		if other != sent {
			s.Previous = other
		}
	}
	s.Generation++
	s.Intent, s.Suspect, s.Lost = Intent{}, Suspect{}, Lost{}
	a.doing = Renewed
}

// Refused tells that the server has answered invalid_grant, or whatever means
// that it does not take this refresh token.
func (a *Attempt) Refused(now time.Time) {
	if a.posted() {
		a.refusedAt, a.doing = now, Read
	}
}

// Unanswered tells that it is unknown whether the server has acted: the request
// timed out, or the connection was reset, after bytes of the request were written.
func (a *Attempt) Unanswered(now time.Time) {
	if !a.posted() {
		return
	}
	switch a.unanswered++; a.unanswered {
	case 1:
		a.firstTime = now
		a.retryAt = now.Add(firstRetry)
	case 2:
		a.retryAt = a.firstTime.Add(secondRetry)
	default:
		if a.doing = Stop; a.Credentials {
			a.doing = LogIn
		}
		return
	}
	a.wait(a.retryAt)
}

// Unreadable tells that the server's answer has no token in it. The server may have
// acted. It would probably answer a retry in the same way, so a login comes first.
func (a *Attempt) Unreadable(now time.Time) {
	if a.Credentials && a.posted() {
		a.doing = LogIn
		return
	}
	a.Unanswered(now)
}

// Failed tells that the server has not acted on the token (nothing was sent,
// 408, 425, 429, 5xx, or a refusal that is not the token's fault), or that
// storage could not be read. Failed takes back the intent of the POST.
func (a *Attempt) Failed() {
	switch {
	case a.posted():
		a.withdraw()
		a.doing = Stop
	case a.doing == Read || a.doing == Wait:
		a.doing, a.refusedAt = Stop, time.Time{}
	}
}

// Declined tells that the server has not acted on the token, and that it would
// answer a retry in the same way. With credentials a login comes next.
func (a *Attempt) Declined() {
	posted := a.posted()
	if a.Failed(); posted && a.Credentials {
		a.doing = LogIn
	}
}

// withdraw takes back an intent whose POST has changed nothing, so that nobody
// waits for its answer.
func (a *Attempt) withdraw() {
	if a.unanswered > 0 { // an earlier POST may have changed something
		return
	}
	a.state.Intent, a.state.Suspect.OtherTried = a.before.Intent, a.before.Suspect.OtherTried
	a.dirty = true
}

func (a *Attempt) posted() bool { return a.doing == Post && !a.dirty }
