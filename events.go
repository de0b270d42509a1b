// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// The events that Vault's subscribers hear. The names are part of the product:
// see docs/operations.md.
const (
	eventRenewed     = "oauth/token-renew"
	eventRenewFailed = "oauth/token-renew-fail"
	eventReauth      = "oauth/reauth-required"
)

// eventTime bounds the sending of an event, which is never worth a delay.
const eventTime = time.Second

// sendRenewed tells that a role has a new token.
func (b *backend) sendRenewed(ctx context.Context, d *definition, t *tokenEntry) {
	b.send(ctx, eventRenewed, d, "true",
		"generation", strconv.FormatUint(t.generation(), 10), "expires", instant(t.Expires))
}

// sendFailed tells that no token could be obtained, and who is to act.
func (b *backend) sendFailed(ctx context.Context, d *definition, err error) {
	failed, reauth := (*oauth.Error)(nil), (*reauthError)(nil)
	account := (*accountError)(nil)
	switch {
	case errors.As(err, &account) && account.earlier, errors.Is(err, tokencache.ErrForgotten), errors.Is(err, tokencache.ErrClosed):
		return // nothing was tried
	case errors.As(err, &reauth):
		if reauth.now {
			b.send(ctx, eventReauth, d, "false", "to_mend_by", "operator")
		}
		return
	case !errors.As(err, &failed):
		b.send(ctx, eventRenewFailed, d, "false", "failure_class", "storage", "to_mend_by", "operator")
		return
	}
	b.send(ctx, eventRenewFailed, d, "false",
		"failure_class", failed.Kind.String(), "code", failed.Code, "host", failed.Host, "to_mend_by", toMendBy(failed))
}

// send sends one event about a role. It has no secret.
func (b *backend) send(ctx context.Context, event string, d *definition, modified string, more ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventTime)
	defer cancel()
	path := "token/" + d.name
	pairs := append([]string{
		logical.EventMetadataPath, path, logical.EventMetadataDataPath, path,
		logical.EventMetadataOperation, "renew", logical.EventMetadataModified, modified,
		"role", d.name, "config", d.role.Config,
	}, more...)
	if err := logical.SendEvent(ctx, b, event, pairs...); err != nil && !errors.Is(err, framework.ErrNoEvents) {
		b.Logger().Debug("an event could not be sent", "event", event, "role", d.name)
	}
}
