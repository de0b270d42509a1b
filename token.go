// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"math/rand/v2"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// sharedHolder is the holder of a token that all readers of a role share.
const sharedHolder = "role"

// tokenEntry is one token, written by the engine only and never changed once
// others can see it. It is a tokencache.Record.
type tokenEntry struct {
	Version    int    `json:"version"`
	Generation uint64 `json:"generation"` // counts the tokens of this key
	Holder     string `json:"holder"`

	FingerprintOf string `json:"fingerprint"` // see definition.fingerprint
	Grant         string `json:"grant"`       // see definition.grant
	DestinationID string `json:"destination_id"`

	AccessToken  secret.String     `json:"access_token"`
	TokenType    string            `json:"token_type"`
	Scope        string            `json:"scope,omitempty"`
	RefreshToken secret.String     `json:"refresh_token,omitempty"`
	Extra        map[string]string `json:"extra,omitempty"`

	// RefreshEnds is when RefreshToken ends, SessionEnds when everything does
	// that follows from one login; zero where nobody says.
	RefreshEnds time.Time `json:"refresh_ends,omitzero"`
	SessionEnds time.Time `json:"session_ends,omitzero"`

	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
	RenewAt time.Time `json:"renew_at"`
	Once    bool      `json:"use_once,omitempty"`
	Notes   []string  `json:"notes,omitempty"` // warnings that go with the token
}

// stored is the entry with its secrets in the clear.
func (t *tokenEntry) stored() any {
	return struct {
		tokenEntry
		AccessToken  secret.Plain `json:"access_token"`
		RefreshToken secret.Plain `json:"refresh_token,omitempty"`
	}{*t, secret.Plain(t.AccessToken), secret.Plain(t.RefreshToken)}
}

func (t *tokenEntry) Life() tokencache.Life {
	return tokencache.Life{Issued: t.Issued, RenewAt: t.RenewAt, Expires: t.Expires}
}

func (t *tokenEntry) Matches(fingerprint string) bool { return t.FingerprintOf == fingerprint }

func (t *tokenEntry) UseOnce() bool { return t.Once }

// newToken turns a server's answer into the entry that follows held, which is
// nil for the first.
func newToken(d *definition, answer *oauth.Token, held *tokenEntry) *tokenEntry {
	t := &tokenEntry{
		Version: entryVersion, Generation: 1, Holder: sharedHolder,
		FingerprintOf: d.fingerprint, Grant: d.grant, DestinationID: d.config.DestinationID,
		AccessToken: answer.AccessToken, TokenType: answer.TokenType, Scope: answer.Scope,
		RefreshToken: answer.RefreshToken, Extra: answer.Extra,
		Issued: answer.Issued, Expires: answer.Expires, Once: answer.UseOnce,
		Notes: answer.Warnings,
	}
	if held != nil {
		t.Generation = held.Generation + 1
	}
	if document := d.request.Document; document != nil {
		t.RefreshEnds, t.SessionEnds = after(t.Issued, document.RefreshTTL()), after(t.Issued, document.SessionTTL())
	}
	t.noteScope(d.role.Scopes)
	t.settleLife(d.role)
	return t
}

// settleLife decides when the token ends and when it is renewed. The instant of
// renewal is rolled once: jitter that is rolled at each look is none.
func (t *tokenEntry) settleLife(role *roleEntry) {
	t.limitLife(role)
	if !t.SessionEnds.IsZero() && t.SessionEnds.Before(t.Expires) {
		t.Expires = t.SessionEnds
	}
	t.RenewAt = tokencache.RenewAt(t.Issued, t.Expires, rand.Float64())
}

// refreshed is newToken for the answer to a refresh of held.
func refreshed(d *definition, answer *oauth.Token, held *tokenEntry) *tokenEntry {
	t := newToken(d, answer, held)
	t.SessionEnds = held.SessionEnds // counted from the login
	t.settleLife(d.role)
	if !t.RefreshToken.IsSet() { // the server keeps the old one valid (RFC 6749 section 6)
		t.RefreshToken = held.RefreshToken
	}
	if t.Scope == "" { // unchanged (RFC 6749 section 6)
		t.Scope = held.Scope
	}
	if len(held.Extra) > 0 { // a refresh may answer with less than the login
		t.Extra = over(held.Extra, t.Extra)
	}
	return t
}

// leaves is what the token leaves to those that follow it.
func (t *tokenEntry) leaves() flows.Held {
	return flows.Held{AccessToken: t.AccessToken, Expires: t.Expires, RefreshToken: t.RefreshToken}
}

// refreshOver tells whether the time for refreshing is known to have passed.
func (t *tokenEntry) refreshOver(now time.Time) bool {
	passed := func(end time.Time) bool { return !end.IsZero() && !now.Before(end) }
	return passed(t.RefreshEnds) || passed(t.SessionEnds)
}

// after is start + d, or zero where d is.
func after(start time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return start.Add(d)
}

// limitLife settles when the token ends: where the server does not say, the
// role does, and max_ttl wins over both.
func (t *tokenEntry) limitLife(role *roleEntry) {
	if t.Once {
		t.Expires = t.Issued
		return
	}
	if t.Expires.IsZero() {
		life := role.AccessTokenTTL
		if life == 0 {
			life = defaultAccessTokenTTL
			t.Notes = append(t.Notes, "the server did not say how long the token lives: 1h is assumed; say better with access_token_ttl on the role")
		}
		t.Expires = t.Issued.Add(life)
	}
	if limit := t.Issued.Add(role.MaxTTL); role.MaxTTL > 0 && limit.Before(t.Expires) {
		t.Expires = limit
	}
}

// noteScope warns where the server granted another scope than was asked for (RFC 6749 section 5.1).
func (t *tokenEntry) noteScope(asked []string) {
	if t.Scope == "" || len(asked) == 0 || sameWords(t.Scope, asked) {
		return
	}
	t.Notes = append(t.Notes, "the server granted another scope than the role asks for: compare scope with the role's scopes")
}
