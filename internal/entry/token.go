// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// Token is one token, written by the engine only and never changed once
// others can see it. It is a tokencache.Record.
type Token struct {
	Version int    `json:"version"`
	Holder  string `json:"holder"`
	Ask     Ask    `json:"ask,omitzero"` // what was asked for in place of what the role says

	FingerprintOf   string `json:"fingerprint"` // see Fingerprint
	Grant           string `json:"grant"`       // see Grant
	DestinationID   string `json:"destination_id"`
	RefreshRevision string `json:"truth"` // see Revision: under which Refresh was used last

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

// Stored is the entry with its secrets in the clear.
func (t *Token) stored() any {
	return struct {
		Token
		AccessToken secret.Plain `json:"access_token"`
		Refresh     any          `json:"refresh"`
	}{*t, secret.Plain(t.AccessToken), t.Refresh.Stored()}
}

func (t *Token) Life() tokencache.Life {
	return tokencache.Life{Issued: t.Issued, RenewAt: t.RenewAt, Expires: t.Expires}
}

func (t *Token) Matches(fingerprint string) bool { return t.FingerprintOf == fingerprint }

func (t *Token) UseOnce() bool { return t.Once }

// NewToken turns a server's answer into an entry for the target. base says what
// it was obtained under, and what follows for the refresh token.
func (t Target) NewToken(role *Role, answer *oauth.Token, base Token) *Token {
	n := base
	n.Version, n.Holder, n.Ask = version, t.Holder, t.Ask
	n.AccessToken, n.TokenType, n.Scope, n.Extra = answer.AccessToken, answer.TokenType, answer.Scope, answer.Extra
	n.Issued, n.Expires, n.Once, n.Notes = answer.Issued, answer.Expires, answer.UseOnce, answer.Warnings
	scopes := role.Scopes
	if len(t.Ask.Scopes) > 0 {
		scopes = t.Ask.Scopes
	}
	n.noteScope(scopes)
	n.settle(role)
	return &n
}

// Target says which token of the role it is.
func (t *Token) Target(role *Role) Target {
	return Target{RoleID: role.ID, Holder: t.Holder, Ask: t.Ask}
}

// WithRefresh is the entry with the state that its refresh token has come to.
func (t *Token) WithRefresh(revision string, state rotation.State) *Token {
	next := *t
	next.Refresh, next.RefreshRevision = state, revision
	return &next
}

// LastState is the state of what was held, if anything was.
func (t *Token) LastState() rotation.State {
	if t == nil {
		return rotation.State{}
	}
	return t.Refresh
}

// Generation counts the tokens of a key; a token that is not there has 0.
func (t *Token) Generation() uint64 { return t.LastState().Generation }

// AsHeld is what the token leaves to those that follow it.
func (t *Token) AsHeld(refreshToken secret.String) flows.Held {
	return flows.Held{AccessToken: t.AccessToken, Expires: t.Expires, RefreshToken: refreshToken}
}

// settle decides when the token ends and when it is renewed. The instant of
// renewal is rolled once: jitter that is rolled at each look is none.
func (t *Token) settle(role *Role) {
	t.limitLife(role)
	if ends := t.Refresh.Session.Ends; !ends.IsZero() && ends.Before(t.Expires) {
		t.Expires = ends
	}
	t.RenewAt = tokencache.RenewAt(t.Issued, t.Expires, rand.Float64())
}

// limitLife settles when the token ends: where the server does not say, the
// role does, and max_ttl wins over both.
func (t *Token) limitLife(role *Role) {
	if t.Once {
		t.Expires = t.Issued
		return
	}
	if t.Expires.IsZero() {
		life := role.AccessTokenTTL
		if life == 0 {
			life = DefaultAccessTokenTTL
			t.Notes = append(t.Notes, "the server did not say how long the token lives: 1h is assumed; say better with access_token_ttl on the role")
		}
		t.Expires = t.Issued.Add(life)
	}
	if limit := t.Issued.Add(role.MaxTTL); role.MaxTTL > 0 && limit.Before(t.Expires) {
		t.Expires = limit
	}
}

// noteScope warns where the server granted another scope than was asked for (RFC 6749 section 5.1).
func (t *Token) noteScope(asked []string) {
	if t.Scope == "" || len(asked) == 0 || sameWords(t.Scope, asked) {
		return
	}
	t.Notes = append(t.Notes, "the server granted another scope than the role asks for: compare scope with the role's scopes")
}

// sameWords compares scopes, whose order means nothing (RFC 6749 section 3.3).
func sameWords(text string, words []string) bool {
	have, want := strings.Fields(text), slices.Clone(words)
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(slices.Compact(have), slices.Compact(want))
}

// Instant is a time as it reads back, RFC 3339: empty for none.
func Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// LoadToken returns nil, nil where there is none at the key.
func LoadToken(ctx context.Context, s logical.Storage, key string) (*Token, error) {
	return load[Token](ctx, s, key)
}

// Save stores the token at the key, with its secrets in the clear.
func (t *Token) Save(ctx context.Context, s logical.Storage, key string) error {
	return save(ctx, s, key, t.stored(), maxTokenSize)
}
