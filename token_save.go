// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// saveToken stores a token, and has it renewed in time, unless its role was
// deleted meanwhile, or another node has stored a later one.
func (b *backend) saveToken(ctx context.Context, s logical.Storage, d *definition, t *entry.Token) error {
	err := b.persist(ctx, s, d, t)
	if err == nil {
		b.schedule(ctx, s, d, t)
		b.sendRenewed(d, t)
	}
	return err
}

// persist does not give up a new refresh token at once, whose predecessor is used up.
func (b *backend) persist(ctx context.Context, s logical.Storage, d *definition, t *entry.Token) error {
	var err error
	for _, wait := range b.saveDelays {
		if wait > 0 && !sleep(ctx, wait) {
			break
		}
		if err = b.storeToken(ctx, s, d, t); err == nil || !t.Refresh.Current.IsSet() || !mayPass(err) {
			break
		}
	}
	if err != nil && mayPass(err) {
		b.Logger().Warn("a token could not be stored; it is kept in memory", "role", d.name, "error", err)
	}
	return err
}

// grant makes a token that no read asked for the role's: of a write that tried the
// role, or handed over by a person.
func (b *backend) grant(ctx context.Context, s logical.Storage, d *definition, token *oauth.Token) error {
	return b.tokens.Change(ctx, d.key, func(ctx context.Context) error {
		held, err := entry.LoadToken(ctx, s, d.key)
		if err != nil {
			return err
		}
		return b.saveToken(ctx, s, d, granted(d, token, held.LastState()))
	})
}

// mayPass tells whether storing once more may end otherwise.
func mayPass(err error) bool {
	_, tooLarge := errors.AsType[entry.TooLargeError](err)
	return !tooLarge && !errors.Is(err, tokencache.ErrForgotten) && !errors.Is(err, tokencache.ErrSuperseded) &&
		!errors.Is(err, logical.ErrReadOnly)
}

// stillThere returns tokencache.ErrForgotten if the stored role is not the
// definition's any more.
func (d *definition) stillThere(ctx context.Context, s logical.Storage) error {
	role, err := entry.LoadRole(ctx, s, d.name)
	if err == nil && (role == nil || role.ID != d.role.ID) {
		err = tokencache.ErrForgotten
	}
	return err
}

func (b *backend) storeToken(ctx context.Context, s logical.Storage, d *definition, t *entry.Token) error {
	if err := d.stillThere(ctx, s); err != nil {
		return err
	}
	last, err := entry.LoadToken(ctx, s, d.key)
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
	if read, known := b.renewals.LastRead(d.job); known {
		next.LastRead = read.Round(0)
	}
	return next.Save(ctx, s, d.key)
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

// mayWrite returns logical.ErrReadOnly, by which Vault forwards the request, on
// a node that could not store the token. The error must stay as it is: it
// crosses the plugin boundary as text.
func (b *backend) mayWrite() error {
	system := b.System()
	state := system.ReplicationState()
	if state.HasState(consts.ReplicationPerformanceStandby) ||
		state.HasState(consts.ReplicationPerformanceSecondary) && !system.LocalMount() {
		return logical.ErrReadOnly
	}
	return nil
}
