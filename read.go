// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// respond makes the answer of a read, with the warnings that belong to it.
func respond(r *engine.Reading, now time.Time) *logical.Response {
	t := r.Record
	resp := &logical.Response{Data: tokenAnswer(r.Definition, t, r.Need, now)}
	for _, note := range t.Notes {
		resp.AddWarning(note)
	}
	if r.Stale != nil {
		resp.AddWarning("this token is still good, but replacing it failed: " + reason(r.Stale))
	}
	if r.Unsaved {
		resp.AddWarning("the token could not be stored yet; the engine keeps it in memory and goes on trying")
	}
	if ends, soon := t.Refresh.EndsSoon(now); soon && r.Definition.Role.NeedsRefreshToken() {
		resp.AddWarning(fmt.Sprintf("the refresh token of this role ends at %s: another must be imported before that", entry.Instant(ends)))
	}
	if life := t.Expires.Sub(t.Issued); life <= r.Need.CallerMinTTL && !t.Once {
		resp.AddWarning(fmt.Sprintf("this server's tokens live %s: min_ttl of %s cannot be met", life.Round(time.Second), r.Need.CallerMinTTL))
	}
	return resp
}

// roleField and minTTLField are the fields of every path that reads a token.
func roleField() *framework.FieldSchema {
	return &framework.FieldSchema{Type: framework.TypeString, Description: "Name of the role."}
}

func minTTLField() *framework.FieldSchema {
	return &framework.FieldSchema{
		Type: framework.TypeDurationSecond, Query: true,
		Description: "Least remaining life of the token, in seconds or as 90s or 10m. It can only raise the role's min_ttl.",
	}
}
