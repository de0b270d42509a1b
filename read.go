// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// tokenRead is one reading of a role's token, from creds/ or token/.
type tokenRead struct {
	definition *definition
	token      *entry.Token
	answer     tokencache.Answer[*entry.Token]
	need       tokencache.Need
}

// redefinitions bounds how often a read starts over because its role or config
// was written while its token was obtained.
const redefinitions = 3

// obtain gets a token by one of the token cache's ways, under a definition that
// still holds when the token is there.
func (b *backend) obtain(ctx context.Context, req *logical.Request, role string, minTTL int,
	get func(d *definition, need tokencache.Need, src tokencache.Source[*entry.Token]) (tokencache.Answer[*entry.Token], error),
) (*tokenRead, error) {
	for range redefinitions {
		d, err := b.definitions.get(ctx, req.Storage, role)
		if err != nil {
			return nil, err
		}
		need := d.need(minTTL)
		answer, err := get(d, need, b.source(req.Storage, d))
		if errors.Is(err, tokencache.ErrChanged) || errors.Is(err, tokencache.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, &readError{role: role, mount: req.MountPoint, definition: d, err: b.sinceWhen(d, err)}
		}
		now, err := b.definitions.get(ctx, req.Storage, role)
		if err != nil {
			return nil, err
		}
		if now.fingerprint == d.fingerprint && now.key == d.key {
			b.renewals.Touch(d.job)
			return &tokenRead{definition: now, token: answer.Record, answer: answer, need: need}, nil
		}
	}
	return nil, logical.CodedError(503, fmt.Sprintf("role %s or its config is being written: read again", role))
}

// sinceWhen adds to a first failure when the next try will be.
func (b *backend) sinceWhen(d *definition, err error) error {
	if remembered, ok := b.tokens.Failure(d.key); ok && errors.Is(remembered.Err, err) {
		return remembered
	}
	return err
}

// respond makes the answer of a read, with the warnings that belong to it.
func (r *tokenRead) respond(now time.Time) *logical.Response {
	resp := &logical.Response{Data: tokenAnswer(r.definition, r.token, r.need, now)}
	for _, note := range r.token.Notes {
		resp.AddWarning(note)
	}
	if r.answer.Stale != nil {
		resp.AddWarning("this token is still good, but replacing it failed: " + reason(r.answer.Stale))
	}
	if r.answer.Unsaved {
		resp.AddWarning("the token could not be stored yet; the engine keeps it in memory and goes on trying")
	}
	if ends, soon := r.token.Refresh.EndsSoon(now); soon && r.definition.role.NeedsRefreshToken() {
		resp.AddWarning(fmt.Sprintf("the refresh token of this role ends at %s: another must be imported before that", instant(ends)))
	}
	if life := r.token.Expires.Sub(r.token.Issued); life <= r.need.CallerMinTTL && !r.token.Once {
		resp.AddWarning(fmt.Sprintf("this server's tokens live %s: min_ttl of %s cannot be met", life.Round(time.Second), r.need.CallerMinTTL))
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
