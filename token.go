// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"math/rand/v2"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

// newToken turns a server's answer into an entry. refresh is what follows from
// the answer for the refresh token.
func newToken(d *definition, answer *oauth.Token, refresh rotation.State) *entry.Token {
	return d.target.NewToken(d.role, answer, entry.Token{
		FingerprintOf: d.fingerprint, Grant: d.grant, DestinationID: d.config.DestinationID, Truth: d.revision, Refresh: refresh,
	})
}

// granted is the entry for the answer to a login, or for an import, that follows
// the state of what was held before.
func granted(d *definition, answer *oauth.Token, before rotation.State) *entry.Token {
	return newToken(d, answer, before.Granted(rotation.Grant{
		RefreshToken: answer.RefreshToken, Issued: answer.Issued, Ends: answer.RefreshEnds, SessionEnds: answer.SessionEnds, Roll: rand.Float64(),
	}))
}

// refreshed is the entry for the answer to a refresh of held.
func refreshed(d *definition, answer *oauth.Token, held *entry.Token, refresh rotation.State) *entry.Token {
	t := newToken(d, answer, refresh)
	if t.Scope == "" { // unchanged (RFC 6749 section 6)
		t.Scope = held.Scope
	}
	if len(held.Extra) > 0 { // a refresh may answer with less than the login
		t.Extra = field.Over(held.Extra, t.Extra)
	}
	return t
}
