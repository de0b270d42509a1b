// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"time"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// tokenAnswer is what creds/ and token/ return. Every key is always there,
// empty rather than absent: templates print "<no value>" for a missing one.
func tokenAnswer(d *engine.Definition, t *entry.Token, need tokencache.Need, now time.Time) map[string]any {
	answer := maps.Clone(steady(d, t).answer)
	ttl := rereadIn(d, t, need, now)
	answer["expires_in"] = wholeSeconds(t.Expires.Sub(now))
	answer["ttl"] = ttl
	answer["rotation_period"] = max(1, wholeSeconds(now.Sub(t.Issued))+ttl)
	return answer
}

// steadyAnswer is what stays the same from one read of a token to the next. The
// maps in it are shared, and never changed.
type steadyAnswer struct {
	token  *entry.Token
	answer map[string]any
}

func steady(d *engine.Definition, t *entry.Token) *steadyAnswer {
	if last, _ := d.Memo.Load().(*steadyAnswer); last != nil && last.token == t {
		return last
	}
	use := d.Use(t.AccessToken)
	name, value := only(use.Headers)
	fresh := &steadyAnswer{t, map[string]any{
		"access_token":        t.AccessToken.Reveal(),
		"token_type":          t.TokenType,
		"scope":               t.Scope,
		"expire_time":         entry.Instant(t.Expires),
		"expires_in":          nil,
		"ttl":                 nil,
		"rotation_period":     nil,
		"last_vault_rotation": entry.Instant(t.Issued),
		"headers":             field.OrEmpty(use.Headers),
		"header_name":         name,
		"header_value":        value,
		"query":               field.OrEmpty(use.Query),
		"extra":               field.OrEmpty(t.Extra),
	}}
	d.Memo.Store(fresh)
	return fresh
}

// only returns the header if there is exactly one.
func only(headers map[string]string) (name, value string) {
	if len(headers) == 1 {
		for name, value = range headers {
		}
	}
	return name, value
}

// rereadIn is the number of seconds after which reading again pays: when the
// token has so little life left that a reader is given another one.
// Where the token is renewed in the background, that is soon after its renewal.
func rereadIn(d *engine.Definition, t *entry.Token, need tokencache.Need, now time.Time) int64 {
	life := t.Expires.Sub(t.Issued)
	wait := t.Expires.Sub(now) - need.MinTTLFor(life) + time.Second - 1                // rounded up: a moment earlier brings the same token
	if renewed := t.RenewAt.Add(life / 20).Sub(now); renewed > 0 && d.RenewsAhead(t) { // a renewal that is late must not have all readers ask each second
		wait = min(wait, renewed)
	}
	return max(1, wholeSeconds(wait))
}

// wholeSeconds rounds down, so that nobody is promised more than there is.
func wholeSeconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }

// tokenFields is the schema of tokenAnswer.
func tokenFields() map[string]*framework.FieldSchema {
	text := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeString, Required: true, Description: description}
	}
	secretText := func(description string) *framework.FieldSchema {
		field := text(description)
		field.DisplayAttrs = &framework.DisplayAttributes{Sensitive: true}
		return field
	}
	number := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeInt, Required: true, Description: description}
	}
	pairs := func(description string) *framework.FieldSchema {
		return &framework.FieldSchema{Type: framework.TypeKVPairs, Required: true, Description: description}
	}
	return map[string]*framework.FieldSchema{
		"access_token":        secretText("The access token."),
		"token_type":          text("Its type as the server gave it, mostly Bearer (RFC 6749 section 7.1)."),
		"scope":               text("The scope that was granted; empty if the server did not say."),
		"expire_time":         text("When the token expires, RFC 3339."),
		"expires_in":          number("Seconds until then."),
		"ttl":                 number("Seconds after which reading again pays."),
		"rotation_period":     number("Seconds from last_vault_rotation to the time when reading again pays."),
		"last_vault_rotation": text("When the token was obtained, RFC 3339."),
		"headers":             pairs("All headers to send with a request to the API."),
		"header_name":         text("The header to send, if there is exactly one."),
		"header_value":        secretText("Its value, ready to send."),
		"query":               pairs("All query parameters to send, for tokens that go into the URL."),
		"extra":               pairs("Further values from the server's answer."),
	}
}
