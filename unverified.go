// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
)

// A role's write tries the role only if it changes the way to a token: whoever
// repeats a write after a failure must not take the silence for success.

// pastFailure is the last failure to obtain a role's token that is remembered.
type pastFailure struct {
	at     time.Time
	reason string
}

// pastFailure returns nil if none is remembered.
func (b *backend) pastFailure(ctx context.Context, s logical.Storage, role *entry.Role, config *entry.Config) (*pastFailure, error) {
	if key := entry.AccountKey(role); key != "" {
		account, err := entry.LoadAccount(ctx, s, key, config)
		if err != nil {
			return nil, err
		}
		if account.Answers > 0 {
			return &pastFailure{account.Last, clause(account.Failure)}, nil
		}
	}
	key, err := entry.Shared(role).Key()
	if err != nil {
		return nil, err
	}
	if failure, failed := b.engine.Failure(key); failed {
		return &pastFailure{failure.Since, strings.TrimRight(reason(failure.Err), ". ")}, nil
	}
	return nil, nil
}

// unchanged answers a write that asks for what is stored already.
func (b *backend) unchanged(ctx context.Context, req *logical.Request, c *roleChange) (*logical.Response, error) {
	key, err := entry.Shared(c.before).Key()
	if err != nil {
		return nil, err
	}
	// The write that stored the role may have come no further. What waits after a
	// failure goes on waiting, however often the same is written.
	if job, known := b.engine.Job(refresh.Key{Role: c.name, Token: key}); !known || job.State == "asleep" {
		if err := b.engine.Reschedule(ctx, req.Storage, c.name); err != nil {
			return nil, err
		}
	}
	if c.verify == verifyOff {
		return c.response(), nil
	}
	config, err := entry.LoadConfig(ctx, req.Storage, c.before.Config)
	if err != nil {
		return nil, err
	}
	if config != nil {
		if c.past, err = b.pastFailure(ctx, req.Storage, c.before, config); err != nil {
			return nil, err
		}
	}
	if err := b.warnUnverified(ctx, req, c, "nothing was changed"); err != nil {
		return nil, err
	}
	return c.response(), nil
}

// warnUnverified warns that a write did not try the role, unless the role is known
// to have worked since its last failure.
func (b *backend) warnUnverified(ctx context.Context, req *logical.Request, c *roleChange, why string) error {
	d, err := b.engine.Define(ctx, req.Storage, c.name)
	if mistake, is := errors.AsType[*engine.Unusable](err); is {
		c.addWarning("%s, and so nothing was tried. The role cannot work yet: %s", why, unusableText(mistake, req.MountPoint))
		return nil
	}
	if err != nil {
		return err
	}
	held, err := entry.LoadToken(ctx, req.Storage, d.Key)
	if err != nil {
		return err
	}
	worked := held != nil && held.Matches(d.Fingerprint)
	if worked && (c.past == nil || held.Issued.After(c.past.at)) {
		return nil
	}
	try := fmt.Sprintf("vault write -force %sroles/%s/test", req.MountPoint, c.name)
	switch {
	case d.Role.NeedsRefreshToken() && !held.LastState().Current.IsSet():
		try = fmt.Sprintf("vault write %stoken/%s/import refresh_token=@refresh-token.txt", req.MountPoint, c.name)
	case d.Role.NeedsRefreshToken(): // a test would spend the refresh token
		try = fmt.Sprintf("vault write -force %stoken/%s/renew", req.MountPoint, c.name)
	}
	state := "The role has had no token yet"
	switch {
	case held != nil && c.past == nil:
		state = "The role has had no token since it or its config was changed"
	case c.past != nil:
		state = fmt.Sprintf("The role did not work at %s: %s", entry.Instant(c.past.at), c.past.reason)
	}
	c.addWarning("%s, and so nothing was tried. %s. To try it: %s", why, state, try)
	return nil
}
