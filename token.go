// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"math/rand/v2"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// sharedHolder is the holder of a token that all readers of a role share.
const sharedHolder = "role"

// tokenEntry is one token, written by the engine only and never changed once
// others can see it. It is a tokencache.Record.
type tokenEntry struct {
	Version int    `json:"version"`
	Holder  string `json:"holder"`

	FingerprintOf string `json:"fingerprint"` // see definition.fingerprint
	Grant         string `json:"grant"`       // see definition.grant
	DestinationID string `json:"destination_id"`
	Truth         string `json:"truth"` // definition.truth, under which Refresh was used last

	AccessToken secret.String     `json:"access_token"`
	TokenType   string            `json:"token_type"`
	Scope       string            `json:"scope,omitempty"`
	Extra       map[string]string `json:"extra,omitempty"`

	// Refresh is the refresh token, if there is one, the end of the session, if
	// somebody says when, and the count of the tokens of this key.
	Refresh rotation.State `json:"refresh"`

	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
	RenewAt  time.Time `json:"renew_at"`
	LastRead time.Time `json:"last_read,omitzero"` // as far as was known when this was stored
	Once     bool      `json:"use_once,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // warnings that go with the token
}

// stored is the entry with its secrets in the clear.
func (t *tokenEntry) stored() any {
	return struct {
		tokenEntry
		AccessToken secret.Plain `json:"access_token"`
		Refresh     any          `json:"refresh"`
	}{*t, secret.Plain(t.AccessToken), t.Refresh.Stored()}
}

func (t *tokenEntry) Life() tokencache.Life {
	return tokencache.Life{Issued: t.Issued, RenewAt: t.RenewAt, Expires: t.Expires}
}

func (t *tokenEntry) Matches(fingerprint string) bool { return t.FingerprintOf == fingerprint }

func (t *tokenEntry) UseOnce() bool { return t.Once }

// newToken turns a server's answer into an entry. refresh is what follows from
// the answer for the refresh token.
func newToken(d *definition, answer *oauth.Token, refresh rotation.State) *tokenEntry {
	t := &tokenEntry{
		Version: entryVersion, Holder: sharedHolder,
		FingerprintOf: d.fingerprint, Grant: d.grant, DestinationID: d.config.DestinationID, Truth: d.truth,
		AccessToken: answer.AccessToken, TokenType: answer.TokenType, Scope: answer.Scope,
		Refresh: refresh, Extra: answer.Extra,
		Issued: answer.Issued, Expires: answer.Expires, Once: answer.UseOnce,
		Notes: answer.Warnings,
	}
	t.noteScope(d.role.Scopes)
	t.settleLife(d.role)
	return t
}

// granted is the entry for the answer to a login, or for an import, that follows
// the state of what was held before.
func granted(d *definition, answer *oauth.Token, before rotation.State) *tokenEntry {
	grant := rotation.Grant{
		RefreshToken: answer.RefreshToken, Issued: answer.Issued, Ends: d.refreshEnds(answer), Roll: rand.Float64(),
	}
	if document := d.request.Document; document != nil {
		grant.SessionEnds = after(answer.Issued, document.SessionTTL())
	}
	return newToken(d, answer, before.Granted(grant))
}

// refreshed is the entry for the answer to a refresh of held.
func refreshed(d *definition, answer *oauth.Token, held *tokenEntry, refresh rotation.State) *tokenEntry {
	t := newToken(d, answer, refresh)
	if t.Scope == "" { // unchanged (RFC 6749 section 6)
		t.Scope = held.Scope
	}
	if len(held.Extra) > 0 { // a refresh may answer with less than the login
		t.Extra = over(held.Extra, t.Extra)
	}
	return t
}

// withRefresh is the entry with the state that its refresh token has come to.
func (t *tokenEntry) withRefresh(d *definition, state rotation.State) *tokenEntry {
	next := *t
	next.Refresh, next.Truth = state, d.truth
	return &next
}

// refreshEnds is when the answer's refresh token ends, zero if nobody says.
func (d *definition) refreshEnds(answer *oauth.Token) time.Time {
	if document := d.request.Document; document != nil {
		return after(answer.Issued, document.RefreshTTL())
	}
	return answer.RefreshEnds
}

// lastState is the state of what was held, if anything was.
func (t *tokenEntry) lastState() rotation.State {
	if t == nil {
		return rotation.State{}
	}
	return t.Refresh
}

// generation counts the tokens of a key; a token that is not there has 0.
func (t *tokenEntry) generation() uint64 { return t.lastState().Generation }

// leaves is what the token leaves to those that follow it.
func (t *tokenEntry) leaves(refreshToken secret.String) flows.Held {
	return flows.Held{AccessToken: t.AccessToken, Expires: t.Expires, RefreshToken: refreshToken}
}

// settleLife decides when the token ends and when it is renewed. The instant of
// renewal is rolled once: jitter that is rolled at each look is none.
func (t *tokenEntry) settleLife(role *roleEntry) {
	t.limitLife(role)
	if ends := t.Refresh.Session.Ends; !ends.IsZero() && ends.Before(t.Expires) {
		t.Expires = ends
	}
	t.RenewAt = tokencache.RenewAt(t.Issued, t.Expires, rand.Float64())
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
