// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// saveToken stores a token, and has it renewed in time, unless its role was
// deleted meanwhile, or another node has stored a later one.
func (e *Engine) saveToken(ctx context.Context, s logical.Storage, d *Definition, t *entry.Token) error {
	err := e.persist(ctx, s, d, t)
	if err == nil {
		e.schedule(ctx, s, d, t)
		e.options.Renewed(d, t)
	}
	return err
}

// persist does not give up a new refresh token at once, whose predecessor is used up.
func (e *Engine) persist(ctx context.Context, s logical.Storage, d *Definition, t *entry.Token) error {
	var err error
	for _, wait := range e.options.SaveDelays {
		if wait > 0 && !sleep(ctx, wait) {
			break
		}
		if err = e.storeToken(ctx, s, d, t); err == nil || !t.Refresh.Current.IsSet() || !mayPass(err) {
			break
		}
	}
	if err != nil && mayPass(err) {
		e.options.Logger().Warn("a token could not be stored; it is kept in memory", "role", d.Name, "error", err)
	}
	return err
}

// Grant makes a token that no read asked for the role's: of a write that tried the
// role, or handed over by a person.
func (e *Engine) Grant(ctx context.Context, s logical.Storage, d *Definition, token *oauth.Token) error {
	return e.tokens.Change(ctx, d.Key, func(ctx context.Context) error {
		held, err := entry.LoadToken(ctx, s, d.Key)
		if err != nil {
			return err
		}
		return e.saveToken(ctx, s, d, granted(d, token, held.LastState()))
	})
}

// mayPass tells whether storing once more may end otherwise.
func mayPass(err error) bool {
	_, tooLarge := errors.AsType[entry.TooLargeError](err)
	return !tooLarge && !errors.Is(err, tokencache.ErrForgotten) && !errors.Is(err, tokencache.ErrSuperseded) &&
		!errors.Is(err, logical.ErrReadOnly)
}

// stillThere returns tokencache.ErrForgotten if the stored role is not the
// Definition's any more.
func (d *Definition) stillThere(ctx context.Context, s logical.Storage) error {
	role, err := entry.LoadRole(ctx, s, d.Name)
	if err == nil && (role == nil || role.ID != d.Role.ID) {
		err = tokencache.ErrForgotten
	}
	return err
}

func (e *Engine) storeToken(ctx context.Context, s logical.Storage, d *Definition, t *entry.Token) error {
	if err := d.stillThere(ctx, s); err != nil {
		return err
	}
	last, err := entry.LoadToken(ctx, s, d.Key)
	if err != nil {
		return err
	}
	next := *t
	if last != nil {
		var ours bool
		if next.Refresh, ours = t.Refresh.Over(last.Refresh); !ours {
			return tokencache.ErrSuperseded
		}
	}
	if read, known := e.renewals.LastRead(d.Job); known {
		next.LastRead = read.Round(0)
	}
	return next.Save(ctx, s, d.Key)
}

// sleep returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
