// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
)

// shortLife: a token that lives less is renewed on demand only.
const shortLife = 45 * time.Second

func renewPolicy(renew string) refresh.Policy {
	switch renew {
	case entry.RenewOnDemand:
		return refresh.OnDemand
	case entry.RenewKeepWarm:
		return refresh.KeepWarm
	}
	return refresh.Auto
}

// newRenewals makes the scheduler of renewals. Nothing runs before initialize.
func (b *backend) newRenewals() *refresh.Scheduler {
	return refresh.New(refresh.Options{
		Run:       b.renewDue,
		Fill:      b.fillRenewals,
		LeastLife: shortLife,
		Panicked: func(_ refresh.Key, kind string, stack []byte) {
			b.Logger().Error("panic in a renewal", "panic", kind, "stack", string(stack))
		},
	})
}

// initialize is called at unseal, at failover and after a restart of the plugin,
// under Vault's core lock: it reads nothing and sends nothing itself.
func (b *backend) initialize(_ context.Context, req *logical.InitializationRequest) error {
	if b.mayWrite() != nil {
		return nil // another node renews
	}
	b.storage.Store(&req.Storage)
	b.renewals.Start()
	return nil
}

// periodic is called under Vault's core lock, too.
func (b *backend) periodic(context.Context, *logical.Request) error {
	b.renewals.Nudge()
	return nil
}

// schedule has a token renewed in time, by the role as it is now. It belongs after
// each that was stored.
func (b *backend) schedule(ctx context.Context, s logical.Storage, d *definition, t *entry.Token) {
	if now, err := b.definitions.get(ctx, s, d.name); err == nil && now.key == d.key {
		d = now
	}
	job := jobOf(d.job, d.host(), d.role, t)
	if t.Once && job.UseBy.IsZero() {
		b.renewals.Remove(d.job)
		return
	}
	b.renewals.Put(job)
}

func jobOf(key refresh.Key, host string, role *entry.Role, t *entry.Token) refresh.Job {
	job := refresh.Job{
		Key: key, Host: host, Issued: t.Issued, Expires: t.Expires, Due: t.RenewAt, Policy: renewPolicy(role.Renew),
	}
	if t.Once { // there is no access token to renew
		job.Expires, job.Due = time.Time{}, time.Time{}
	}
	from, outstanding := t.Refresh.Outstanding()
	job.Urgent = outstanding
	if !role.NeedsRefreshToken() { // it can log in again whenever somebody reads
		return job
	}
	job.UseBy = t.Refresh.RenewBy(false)
	if outstanding && (job.UseBy.IsZero() || from.Before(job.UseBy)) {
		job.UseBy = from
	}
	return job
}

// reschedule follows a write to a role: its policy may be another one, and what
// stopped its renewal may be fixed.
func (b *backend) reschedule(ctx context.Context, s logical.Storage, name string) error {
	d, err := b.definitions.get(ctx, s, name)
	if err != nil {
		return nil // a read will say why
	}
	t, err := entry.LoadToken(ctx, s, d.key)
	if err == nil && t != nil {
		b.schedule(ctx, s, d, t)
	}
	return err
}

// retryRoles follows a write to a config: what stopped the renewals of its roles
// may be fixed. An error is no reason to fail the write: a read, or the next try
// in an hour at most, comes to the same.
func (b *backend) retryRoles(ctx context.Context, s logical.Storage, config string) {
	written, err := entry.LoadConfig(ctx, s, config)
	if err != nil || written == nil {
		return
	}
	names, err := entry.RolesOf(ctx, s, config)
	if err != nil || len(names) == 0 {
		return
	}
	roles := make(map[string]bool, len(names))
	for _, name := range names {
		roles[name] = true
	}
	host := written.Effective().MainHost()
	if written.Effective().SeveralHosts() { // the next token tells
		host = ""
	}
	b.renewals.Retry(host, func(job refresh.Key) bool {
		return roles[job.Role]
	})
}

// renewDue renews the token of one job; the scheduler calls it when the job is due.
func (b *backend) renewDue(ctx context.Context, job refresh.Key) refresh.Outcome {
	s := *b.storage.Load()
	d, err := b.definitions.get(ctx, s, job.Role)
	if err != nil {
		return b.notDefined(ctx, s, job.Role)
	}
	if d.job != job {
		return refresh.Outcome{Kind: refresh.Gone} // a role made anew under the old name
	}
	// The scheduler has decided that it is time, by a clock that is not set back.
	// Whoever replaced the token since then was faster.
	before, err := entry.LoadToken(ctx, s, d.key)
	if err != nil {
		return refresh.Outcome{Kind: refresh.Unneeded, Code: "storage"}
	}
	if before == nil {
		return refresh.Outcome{Kind: refresh.Gone} // deleted, or not stored yet: then the cache is at it
	}
	due := func(held *entry.Token) bool { return held.Generation() <= before.Generation() }
	need := d.need(0)
	need.Patience = mintTime // it has the place of the exchange, and must not leave that behind
	answer, err := b.tokens.Renew(ctx, d.key, need, b.source(s, d), due)
	switch {
	case err == nil && answer.Stale != nil:
		return outcomeOf(answer.Stale)
	case err != nil:
		return outcomeOf(err)
	case !answer.Minted:
		b.schedule(ctx, s, d, answer.Record) // somebody was faster
		return refresh.Outcome{Kind: refresh.Unneeded}
	}
	return refresh.Outcome{Kind: refresh.Renewed}
}

// fillRenewals gives the scheduler the tokens that storage has.
func (b *backend) fillRenewals(ctx context.Context, put func(refresh.Job)) error {
	s := *b.storage.Load()
	names, err := s.List(ctx, string(entry.Roles))
	if err != nil {
		return err
	}
	hosts := map[[2]string]string{} // by config and flow
	for _, name := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		role, t, key, err := storedToken(ctx, s, name)
		if _, unreadable := errors.AsType[entry.UnreadableError](err); unreadable { // must not stop the others
			b.Logger().Error("a role's token is not renewed in the background", "role", name, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		of := [2]string{role.Config, role.Flow}
		if _, known := hosts[of]; !known {
			config, err := entry.LoadConfig(ctx, s, role.Config)
			if _, unreadable := errors.AsType[entry.UnreadableError](err); err != nil && !unreadable {
				return err
			}
			hosts[of] = ""
			if config != nil {
				hosts[of] = config.Effective().Host(role.Flow)
			}
		}
		job := jobOf(refresh.Key{Role: name, Token: key}, hosts[of], role, t)
		if job.Read = t.LastRead; !t.Once || !job.UseBy.IsZero() {
			put(job)
		}
	}
	return nil
}

// storedToken is what storage has of a role: all nil without a role, t nil
// without a token.
func storedToken(ctx context.Context, s logical.Storage, name string) (role *entry.Role, t *entry.Token, key string, err error) {
	if role, err = entry.LoadRole(ctx, s, name); err != nil || role == nil {
		return nil, nil, "", err
	}
	if key, err = entry.Shared(role).Key(); err != nil {
		return nil, nil, "", err
	}
	t, err = entry.LoadToken(ctx, s, key)
	return role, t, key, err
}
