// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// saveToken stores a token, and has it renewed in time, unless its role was
// deleted meanwhile, or another node has stored a later one. It does not give up
// a new refresh token at once, whose predecessor is used up.
func (b *backend) saveToken(ctx context.Context, s logical.Storage, d *definition, t *tokenEntry) error {
	var err error
	for _, wait := range b.saveDelays {
		if wait > 0 && !sleep(ctx, wait) {
			break
		}
		err = b.storeToken(ctx, s, d, t)
		if err == nil || errors.Is(err, tokencache.ErrForgotten) || errors.Is(err, logical.ErrReadOnly) || !t.Refresh.Current.IsSet() {
			break
		}
	}
	if err == nil {
		b.schedule(d, t)
		b.sendRenewed(ctx, d, t)
	}
	return err
}

func (b *backend) storeToken(ctx context.Context, s logical.Storage, d *definition, t *tokenEntry) error {
	role, err := loadRole(ctx, s, d.name)
	if err != nil {
		return err
	}
	if role == nil || role.ID != d.role.ID {
		return tokencache.ErrForgotten
	}
	last, err := load[tokenEntry](ctx, s, d.key)
	if err != nil {
		return err
	}
	next := *t
	if last != nil {
		var ours bool
		if next.Refresh, ours = t.Refresh.Over(last.Refresh); !ours {
			return tokencache.ErrForgotten
		}
	}
	if read, known := b.renewals.LastRead(d.job); known {
		next.LastRead = read.Round(0)
	}
	return save(ctx, s, d.key, next.stored(), maxTokenSize)
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
