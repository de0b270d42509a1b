// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
)

// filling gives the scheduler the tokens that storage has.
type filling struct {
	s     logical.Storage
	hosts map[[2]string]string // by config and flow
	put   func(refresh.Job)
}

func (e *Engine) fillRenewals(ctx context.Context, put func(refresh.Job)) error {
	f := &filling{s: *e.storage.Load(), hosts: map[[2]string]string{}, put: put}
	names, err := f.s.List(ctx, string(entry.Roles))
	if err != nil {
		return err
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := f.role(ctx, name)
		if _, unreadable := errors.AsType[entry.UnreadableError](err); unreadable { // must not stop the others
			e.options.Logger().Error("a role's token is not renewed in the background", "role", name, "error", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// role gives all tokens of a role. One that cannot be read does not keep the
// others back.
func (f *filling) role(ctx context.Context, name string) error {
	role, err := entry.LoadRole(ctx, f.s, name)
	if err != nil || role == nil {
		return err
	}
	tokens := entry.Tokens.Under(role.ID)
	keys, err := f.s.List(ctx, string(tokens))
	if err != nil {
		return err
	}
	var unread error
	for _, key := range keys {
		t, err := entry.LoadToken(ctx, f.s, tokens.Key(key))
		if _, unreadable := errors.AsType[entry.UnreadableError](err); unreadable {
			unread = err
			continue
		}
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		host, err := f.host(ctx, role)
		if err != nil {
			return err
		}
		job := jobOf(refresh.Key{Role: name, Token: tokens.Key(key)}, host, role, t)
		if job.Read = t.LastRead; !t.Once || !job.UseBy.IsZero() {
			f.put(job)
		}
	}
	return unread
}

// host is where the role's tokens come from, "" if its config does not say.
func (f *filling) host(ctx context.Context, role *entry.Role) (string, error) {
	of := [2]string{role.Config, role.Flow}
	if host, known := f.hosts[of]; known {
		return host, nil
	}
	config, err := entry.LoadConfig(ctx, f.s, role.Config)
	if _, unreadable := errors.AsType[entry.UnreadableError](err); err != nil && !unreadable {
		return "", err
	}
	if config != nil {
		f.hosts[of] = config.Effective().Host(role.Flow)
	}
	return f.hosts[of], nil
}
