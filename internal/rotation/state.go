// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"cmp"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// State is what is stored about one refresh token. It is a value: a copy shares
// nothing with its original. The zero State has no refresh token.
type State struct {
	Generation uint64        `json:"generation"`         // counts the answers with which the tokens here came
	Turn       uint64        `json:"turn"`               // counts the intents, and so orders two nodes' answers to one token
	Current    secret.String `json:"current,omitempty"`  // the refresh token to send
	Previous   secret.String `json:"previous,omitempty"` // the one before, kept for one generation

	Token   Limit `json:"token,omitzero"`   // of Current; a refresh may move it
	Session Limit `json:"session,omitzero"` // of all that follows from one login

	Intent  Intent  `json:"intent,omitzero"`
	Suspect Suspect `json:"suspect,omitzero"`
	Lost    Lost    `json:"lost,omitzero"`
}

// Intent is a POST that was announced and whose answer is not stored.
type Intent struct {
	PostBefore time.Time `json:"post_before,omitzero"` // whoever announced it sends nothing from then on
	By         string    `json:"by,omitempty"`         // Options.Instance of who announced it
	Other      bool      `json:"other,omitempty"`      // it sends Previous
}

// Suspect is a refresh token that the server has refused once.
type Suspect struct {
	Since      time.Time `json:"since,omitzero"`
	OtherTried bool      `json:"other_tried,omitempty"` // Previous was sent, too
}

// Lost is a refresh token that the server has refused for good.
type Lost struct {
	Since  time.Time `json:"since,omitzero"`
	Reason Reason    `json:"reason,omitempty"`
}

// Reason is why somebody has to consent, import or write credentials.
type Reason string

// The reasons.
const (
	NoRefreshToken Reason = "no_refresh_token" // there is none
	RefusedTwice   Reason = "refused"          // invalid_grant, twice
	Ended          Reason = "ended"            // likewise, after the end that was known ahead
)

func (i Intent) is() bool  { return !i.PostBefore.IsZero() }
func (s Suspect) is() bool { return !s.Since.IsZero() }
func (l Lost) is() bool    { return !l.Since.IsZero() }

// Stored is the State with its refresh tokens in the clear, on their way into
// Vault's storage. It decodes into a State.
func (s State) Stored() any {
	return struct {
		State
		Current  secret.Plain `json:"current,omitempty"`
		Previous secret.Plain `json:"previous,omitempty"`
	}{s, secret.Plain(s.Current), secret.Plain(s.Previous)}
}

// Grant is the outcome of a login, a consent or an import.
type Grant struct {
	RefreshToken secret.String // empty if there is none
	Issued       time.Time     // when it was asked for
	Ends         time.Time     // of the refresh token; zero: the server does not say
	SessionEnds  time.Time     // of all that follows from this login; zero: the server does not say
	Roll         float64       // uniform in [0, 1)
}

// Granted returns the state that follows s when a new grant takes its place.
func (s State) Granted(g Grant) State {
	return State{
		Generation: s.Generation + 1, Turn: s.Turn + 1, Current: g.RefreshToken,
		Token: until(g.Issued, g.Ends, g.Roll), Session: until(g.Issued, g.SessionEnds, g.Roll),
	}
}

// Extended returns the state that follows s when the server has given another
// access token for the last one, and the refresh token was not used.
func (s State) Extended() State {
	s.Generation++
	s.Turn++
	return s
}

// TryAgain forgets that the server has refused the tokens and keeps them. It is for
// a change, of the config for instance, that may have removed the cause.
func (s State) TryAgain() State {
	s.Suspect, s.Lost = Suspect{}, Lost{}
	return s
}

// Over returns the state to write in order to save s where storage holds stored,
// and whether a write is needed at all. Call it right before each write of an
// answer, with the state read right before, since another node may have been faster.
// If the fence failed, two nodes may have answers to the same turn. It is unknown
// which token the server accepts, so Over keeps the other one as the previous token.
func (s State) Over(stored State) (State, bool) {
	switch c := s.compare(stored); {
	case c < 0:
		return stored, false
	case c == 0 && s.Current != stored.Current && stored.Current.IsSet():
		s.Previous = stored.Current
	}
	return s, true
}

// Newer tells whether s is later than other. The state in a node's memory may be
// newer than the stored one, if another node has overwritten that.
func (s State) Newer(other State) bool { return s.compare(other) > 0 }

func (s State) compare(other State) int {
	return cmp.Or(cmp.Compare(s.Generation, other.Generation), cmp.Compare(s.Turn, other.Turn))
}

// RenewBy returns when the refresh token itself needs an attempt, however long the
// access token still lives; zero: never. credentials tells that a login is possible.
func (s State) RenewBy(credentials bool) time.Time {
	switch {
	case credentials:
		return earliest(s.Session.Due, s.Token.Due)
	case s.Lost.is() || !s.Current.IsSet():
		return time.Time{}
	case s.Suspect.is():
		return s.Suspect.Since.Add(SecondRefusal)
	case s.Token.Fixed: // using it does not make it live longer
		return time.Time{}
	}
	return s.Token.Due
}

// Outstanding tells whether there is a POST without a known answer, and from when on
// any node may repeat it. It should be repeated at once then: servers accept a used
// refresh token once more for a few seconds at most.
func (s State) Outstanding() (from time.Time, is bool) {
	return s.Intent.PostBefore.Add(PostLimit), s.Intent.is() && !s.Lost.is()
}

// EndsSoon returns when the refresh token or its session ends, and whether it is
// time to warn those who would have to consent again.
func (s State) EndsSoon(now time.Time) (ends time.Time, soon bool) {
	return earliest(s.Session.Ends, s.Token.Ends), s.Session.due(now) || s.Token.due(now)
}

// outlived tells whether a login, if one is possible, comes before a refresh. If a
// refresh moves the token's end, the refresh comes first.
func (s State) outlived(now time.Time) bool {
	return s.Session.due(now) || s.Token.over(now) || s.Token.Fixed && s.Token.due(now)
}

// Health is the state in one word, for people.
type Health string

// The states of a refresh token.
const (
	None           Health = "none"
	Healthy        Health = "healthy"
	UnansweredPost Health = "unanswered"
	Suspected      Health = "suspect"
	ReauthRequired Health = "reauth_required"
)

// Health returns the state in one word.
func (s State) Health() Health {
	switch {
	case s.Lost.is():
		return ReauthRequired
	case !s.Current.IsSet():
		return None
	case s.Suspect.is():
		return Suspected
	case s.Intent.is():
		return UnansweredPost
	}
	return Healthy
}
