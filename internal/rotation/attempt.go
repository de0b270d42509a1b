// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"fmt"
	"io"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// The times of the order that loses no refresh token.
const (
	PostWindow    = 3 * time.Second  // from the intent to the POST
	PostLimit     = 10 * time.Second // the longest that a POST takes: give it this timeout
	SecondRefusal = time.Minute      // from the first refusal to the one that counts

	firstRetry  = 2 * time.Second // after the first POST without an answer
	secondRetry = 8 * time.Second // likewise
	maxLate     = 3               // intents whose write took longer than PostWindow
)

// SaveDelays are the waits before the tries to save an answer. Only then the readers
// are answered; afterwards memory keeps it, and goes on trying.
func SaveDelays() []time.Duration { return []time.Duration{0, time.Second, 4 * time.Second} }

// Kind says what a Step is.
type Kind int

// The steps. After Write, Read, Post and Wait the attempt goes on; the others end it.
const (
	// Write: store State with the rest of the entry, then call Wrote.
	Write Kind = iota + 1
	// Read: read the entry from storage again, then call Found; or Failed.
	Read
	// Post: send Step.Token at once, and not from Step.Before on, with a timeout
	// of PostLimit; then call Answered, Refused, Unanswered, Unreadable or Failed.
	Post
	// Wait: ask again at Step.Until. The driver may also leave, and Begin anew then.
	Wait

	// Renewed: save State (see State.Over, SaveDelays), then answer the readers.
	Renewed
	// Adopted: another node was faster; take the stored entry, which is in State.
	Adopted
	// LogIn: obtain a new grant with the stored credentials; then State.Granted.
	LogIn
	// Reauthorize: nothing helps but a consent, an import or new credentials. Step.Reason.
	Reauthorize
	// Stop: nothing more for now. The failure of the last call stands.
	Stop
	// Gone: the entry was deleted.
	Gone
)

// String names the kind, for logs and tests.
func (k Kind) String() string {
	names := []string{"none", "write", "read", "post", "wait", "renewed", "adopted", "log in", "reauthorize", "stop", "gone"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Step is what the driver does next.
type Step struct {
	Kind   Kind
	Token  secret.String // of Post
	Before time.Time     // of Post
	Until  time.Time     // of Wait
	Reason Reason        // of Reauthorize
}

// Options of an Attempt.
type Options struct {
	// Instance names who makes the attempt: random, of one backend instance,
	// and no secret. Its attempts on one token are strictly serial.
	Instance string
	// Credentials: a LogIn is possible.
	Credentials bool
	// Roll is uniform in [0, 1).
	Roll float64
}

// Attempt is one renewal. It is not safe for concurrent use. Ask Next, do the
// step once, and tell what came of it; what does not belong to the step is ignored.
type Attempt struct {
	state State
	Options
	doing  Kind  // the step, as long as its time has not run out
	dirty  bool  // state is worth a Write before doing goes on
	before State // without the intent, for the case that it cannot be written

	intended time.Time // when the intent was made, with the monotonic clock
	late     int
	clear    time.Time // until then another node's POST may be under way
	until    time.Time // of Wait

	unanswered int
	firstTime  time.Time // of the first POST without an answer
	retryAt    time.Time
	refusedAt  time.Time // of a refusal that storage may explain
}

// Begin starts a renewal of the token that was read from storage right before.
func Begin(stored State, o Options, now time.Time) *Attempt {
	a := &Attempt{state: stored, Options: o}
	a.sight(now)
	a.decide(now)
	return a
}

// State returns what is to be stored, or what was adopted.
func (a *Attempt) State() State { return a.state }

// Next returns the step to do now. It changes nothing, but time does: ask again
// right before a Post, and after a Wait.
func (a *Attempt) Next(now time.Time) Step {
	switch {
	case a.dirty:
		return Step{Kind: Write}
	case a.doing == Wait && now.Before(a.until):
		return Step{Kind: Wait, Until: a.until}
	case a.doing == Wait:
		return Step{Kind: Read}
	case a.doing == Post && a.inTime(now):
		return Step{Kind: Post, Token: a.state.token(), Before: a.state.Intent.PostBefore}
	case a.doing == Post && a.late+1 < maxLate:
		return Step{Kind: Read}
	case a.doing == Post:
		return Step{Kind: Stop}
	case a.doing == Reauthorize:
		return Step{Kind: Reauthorize, Reason: a.state.reason()}
	}
	return Step{Kind: a.doing}
}

// inTime looks at both clocks: the wall clock may have been set back, and the
// monotonic one stops while the machine sleeps.
func (a *Attempt) inTime(now time.Time) bool {
	return wall(now).Before(a.state.Intent.PostBefore) && now.Sub(a.intended) < PostWindow
}

// token is what the intent sends.
func (s State) token() secret.String {
	if s.Intent.Other {
		return s.Previous
	}
	return s.Current
}

func (s State) reason() Reason {
	if s.Lost.is() {
		return s.Lost.Reason
	}
	return NoRefreshToken
}

// Format implements fmt.Formatter: fmt would print the tokens, which it reaches
// past their own Format, in a struct whose fields are not exported.
func (a Attempt) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "attempt: "+a.doing.String())
}
