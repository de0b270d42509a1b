// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
)

// CleanupTime bounds what is done after the caller may have left.
const CleanupTime = 30 * time.Second

// ForgetToken removes one token from memory, storage and renewal.
func (e *Engine) ForgetToken(ctx context.Context, s logical.Storage, role string, target entry.Target) error {
	key, err := target.Key()
	if err != nil {
		return err
	}
	return e.tokens.Change(ctx, key, func(ctx context.Context) error {
		if err := s.Delete(ctx, key); err != nil {
			return err
		}
		e.renewals.Remove(refresh.Key{Role: role, Token: key})
		return nil
	})
}

// ForgetTokens removes all tokens of a role, those included that are being saved.
func (e *Engine) ForgetTokens(ctx context.Context, s logical.Storage, name string, role *entry.Role) error {
	prefix := entry.Tokens.Under(role.ID)
	ofRole := func(key string) bool { return strings.HasPrefix(key, string(prefix)) }
	e.tokens.ForgetIf(ofRole)
	if err := e.tokens.Settle(ctx, ofRole); err != nil {
		return err
	}
	keys, err := s.List(ctx, string(prefix))
	if err != nil {
		return err
	}
	if shared, err := entry.Shared(role).Key(); err == nil {
		e.renewals.Remove(refresh.Key{Role: name, Token: shared})
	}
	for _, key := range keys {
		if err := s.Delete(ctx, prefix.Key(key)); err != nil {
			return err
		}
		e.renewals.Remove(refresh.Key{Role: name, Token: prefix.Key(key)})
	}
	return nil
}
