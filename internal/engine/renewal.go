// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
)

// ShortLife: a token that lives less is renewed on demand only.
const ShortLife = 45 * time.Second

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
func (e *Engine) newRenewals() *refresh.Scheduler {
	return refresh.New(refresh.Options{
		Run:       e.renewDue,
		Fill:      e.fillRenewals,
		LeastLife: ShortLife,
		Panicked: func(_ refresh.Key, kind string, stack []byte) {
			e.options.Logger().Error("panic in a renewal", "panic", kind, "stack", string(stack))
		},
	})
}

// schedule has a token renewed in time, by the role as it is now. It belongs after
// each that was stored.
func (e *Engine) schedule(ctx context.Context, s logical.Storage, d *Definition, t *entry.Token) {
	if now, err := e.definitions.get(ctx, s, d.Name); err == nil && now.Role.ID == d.Role.ID {
		d = now.like(d)
	}
	job := jobOf(d.Job, d.Host(), d.Role, t)
	if t.Once && job.UseBy.IsZero() {
		e.renewals.Remove(d.Job)
		return
	}
	e.renewals.Put(job)
}

func jobOf(key refresh.Key, host string, role *entry.Role, t *entry.Token) refresh.Job {
	job := refresh.Job{
		Key: key, Generation: t.Generation(), Host: host, Issued: t.Issued, Expires: t.Expires, Due: t.RenewAt, Policy: renewPolicy(role.Renew),
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

// Reschedule follows a write to a role: its policy may be another one, and what
// stopped its renewal may be fixed.
func (e *Engine) Reschedule(ctx context.Context, s logical.Storage, name string) error {
	d, err := e.definitions.get(ctx, s, name)
	if err != nil {
		return nil // a read will say why
	}
	t, err := entry.LoadToken(ctx, s, d.Key)
	if err == nil && t != nil {
		e.schedule(ctx, s, d, t)
	}
	return err
}

// RetryRoles follows a write to a config: what stopped the renewals of its roles
// may be fixed. An error is no reason to fail the write: a read, or the next try
// in an hour at most, comes to the same.
func (e *Engine) RetryRoles(ctx context.Context, s logical.Storage, config string) {
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
	e.renewals.Retry(host, func(job refresh.Key) bool {
		return roles[job.Role]
	})
}

// errNoToken: storage has no token to renew.
var errNoToken = errors.New("there is no token")

// renewDue renews the token of one job; the scheduler calls it when the job is due.
func (e *Engine) renewDue(ctx context.Context, job refresh.Key, generation uint64) refresh.Outcome {
	s := *e.storage.Load()
	d, outcome := e.definitionOf(ctx, s, job)
	if d == nil {
		return outcome
	}
	src := e.source(s, d)
	load := src.Load
	src.Load = func(ctx context.Context) (*entry.Token, bool, error) {
		t, has, err := load(ctx)
		if err == nil && !has {
			err = errNoToken
		}
		return t, has, err
	}
	// The scheduler has decided that it is time, by a clock that is not set back.
	// Whoever replaced the token since then was faster.
	due := func(held *entry.Token) bool { return held.Generation() <= generation }
	need := d.Need(0)
	need.Patience = renewTime // it has the place of the exchange, and must not leave that behind
	answer, err := e.tokens.Renew(ctx, d.Key, need, src, due)
	switch {
	case errors.Is(err, errNoToken):
		return refresh.Outcome{Kind: refresh.Gone} // deleted, or not stored yet: then the cache is at it
	case err == nil && answer.Stale != nil:
		return outcomeOf(answer.Stale)
	case err != nil:
		return outcomeOf(err)
	case !answer.Minted:
		e.schedule(ctx, s, d, answer.Record) // somebody was faster
		return refresh.Outcome{Kind: refresh.Unneeded}
	}
	return refresh.Outcome{Kind: refresh.Renewed}
}

// definitionOf returns the definition for the token of a job, or what became of the job.
func (e *Engine) definitionOf(ctx context.Context, s logical.Storage, job refresh.Key) (*Definition, refresh.Outcome) {
	gone := refresh.Outcome{Kind: refresh.Gone}
	d, err := e.definitions.get(ctx, s, job.Role)
	if err != nil {
		return nil, e.notDefined(ctx, s, job.Role)
	}
	if d.Job == job {
		return d, refresh.Outcome{}
	}
	if !strings.HasPrefix(job.Token, string(entry.Tokens.Under(d.Role.ID))) {
		return nil, gone // of a role that had the name before
	}
	t, err := entry.LoadToken(ctx, s, job.Token)
	switch {
	case err != nil:
		return nil, refresh.Outcome{Kind: refresh.Unneeded, Code: "storage"}
	case t == nil:
		return nil, gone
	}
	if d, err = d.For(t.Target(d.Role)); err != nil || d.Job != job {
		return nil, gone
	}
	return d, refresh.Outcome{}
}

// RenewsAhead tells whether the token is renewed in the background.
func (d *Definition) RenewsAhead(t *entry.Token) bool {
	return !t.Once && d.Role.Renew != entry.RenewOnDemand && t.Expires.Sub(t.Issued) >= ShortLife
}

// RetryAll follows a write to the settings, which may have fixed anything.
func (e *Engine) RetryAll() { e.renewals.Retry("", func(refresh.Key) bool { return true }) }
