// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"math/rand/v2"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

// newToken turns a server's answer into an entry. refresh is what follows from
// the answer for the refresh token.
func newToken(d *Definition, answer *oauth.Token, refresh rotation.State) *entry.Token {
	return d.Target.NewToken(d.Role, answer, entry.Token{
		FingerprintOf: d.Fingerprint, Grant: d.Grant, DestinationID: d.Config.DestinationID, RefreshRevision: d.Revision, Refresh: refresh,
	})
}

// granted is the entry for the answer to a login, or for an import, that follows
// the state of what was held before.
func granted(d *Definition, answer *oauth.Token, before rotation.State) *entry.Token {
	return newToken(d, answer, before.Granted(rotation.Grant{
		RefreshToken: answer.RefreshToken, Issued: answer.Issued, Ends: answer.RefreshEnds, SessionEnds: answer.SessionEnds, Roll: rand.Float64(),
	}))
}

// refreshed is the entry for the answer to a refresh of held.
func refreshed(d *Definition, answer *oauth.Token, held *entry.Token, refresh rotation.State) *entry.Token {
	t := newToken(d, answer, refresh)
	if t.Scope == "" { // unchanged (RFC 6749 section 6)
		t.Scope = held.Scope
	}
	if len(held.Extra) > 0 { // a refresh may answer with less than the login
		t.Extra = field.Over(held.Extra, t.Extra)
	}
	return t
}

// Preview is the entry for an answer that nobody has been given: its life, and the
// warnings that go with it.
func (d *Definition) Preview(answer *oauth.Token) *entry.Token {
	return newToken(d, answer, rotation.State{})
}
