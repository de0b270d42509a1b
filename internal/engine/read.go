// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// Reading is one reading of a role's token.
type Reading struct {
	tokencache.Answer[*entry.Token]
	Definition *Definition
	Need       tokencache.Need
}

// NoToken is why a role has no token for a reader.
type NoToken struct {
	Definition *Definition
	Err        error
}

func (e *NoToken) Error() string {
	return "no token for role " + e.Definition.Name + ": " + e.Err.Error()
}
func (e *NoToken) Unwrap() error { return e.Err }

// ErrRewritten: the role or its config was written again and again meanwhile.
var ErrRewritten = errors.New("the role or its config is being written")

// redefinitions bounds how often a read starts over because its role or config
// was written while its token was obtained.
const redefinitions = 3

// source of a token under a definition.
type source = tokencache.Source[*entry.Token]

// Read returns the role's token with at least minTTL seconds of life, where the
// server's tokens have that much. It fails with *Unusable, *NoToken, ErrRewritten
// or an error of storage.
func (e *Engine) Read(ctx context.Context, s logical.Storage, role string, minTTL int) (*Reading, error) {
	return e.obtain(ctx, s, role, minTTL, func(d *Definition, need tokencache.Need, src source) (tokencache.Answer[*entry.Token], error) {
		return e.tokens.Get(ctx, d.Key, need, src)
	})
}

// Replace returns another token than the one that is wanted gone. insistent: a
// person asks, who may know that the server is back; else a server that refuses
// us is left in peace.
func (e *Engine) Replace(ctx context.Context, s logical.Storage, role string, insistent bool, gone func(*entry.Token) bool) (*Reading, error) {
	return e.obtain(ctx, s, role, 0, func(d *Definition, need tokencache.Need, src source) (tokencache.Answer[*entry.Token], error) {
		if waiting, ok := e.tokens.Waiting(d.Key, need.Revision); ok && !insistent {
			return tokencache.Answer[*entry.Token]{}, waiting
		}
		if insistent {
			e.renewals.Probe(d.Host())
		}
		return e.tokens.Renew(ctx, d.Key, need, src, gone)
	})
}

// obtain gets a token by one of the token cache's ways, under a definition that
// still holds when the token is there.
func (e *Engine) obtain(ctx context.Context, s logical.Storage, role string, minTTL int,
	get func(d *Definition, need tokencache.Need, src source) (tokencache.Answer[*entry.Token], error),
) (*Reading, error) {
	for range redefinitions {
		d, err := e.definitions.get(ctx, s, role)
		if err != nil {
			return nil, err
		}
		need := d.Need(minTTL)
		answer, err := get(d, need, e.source(s, d))
		if errors.Is(err, tokencache.ErrChanged) || errors.Is(err, tokencache.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, &NoToken{d, e.sinceWhen(d, err)}
		}
		now, err := e.definitions.get(ctx, s, role)
		if err != nil {
			return nil, err
		}
		if now.Fingerprint == d.Fingerprint && now.Key == d.Key {
			e.renewals.Touch(d.Job)
			return &Reading{answer, now, need}, nil
		}
	}
	return nil, ErrRewritten
}

// sinceWhen adds to a first failure when the next try will be.
func (e *Engine) sinceWhen(d *Definition, err error) error {
	if remembered, ok := e.tokens.Failure(d.Key); ok && errors.Is(remembered.Err, err) {
		return remembered
	}
	return err
}
