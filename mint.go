// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// source joins the four parts of the engine: the stored token, the flow that
// replaces it, and the storage that keeps the new one, for the token cache.
func (b *backend) source(s logical.Storage, d *definition) tokencache.Source[*entry.Token] {
	return tokencache.Source[*entry.Token]{
		Load: func(ctx context.Context) (*entry.Token, bool, error) {
			t, err := entry.LoadToken(ctx, s, d.key)
			return t, t != nil, err
		},
		Mint: func(ctx context.Context, held *entry.Token, has bool, keep tokencache.Keep) (*entry.Token, error) {
			if !has {
				held = nil
			}
			return b.mint(ctx, s, d, held, keep)
		},
		Save: func(ctx context.Context, t *entry.Token) error {
			return b.saveToken(ctx, s, d, t)
		},
		Ready:    b.mayWrite,
		Remember: func(err error, attempt int) time.Duration { return remember(err, attempt, rand.Float64()) },
	}
}

// mint obtains a token to follow held, which is nil if there was none.
func (b *backend) mint(ctx context.Context, s logical.Storage, d *definition, held *entry.Token, keep tokencache.Keep) (*entry.Token, error) {
	t, err := b.replace(ctx, s, d, held, keep)
	if err != nil {
		b.sendFailed(d, err)
	}
	return t, err
}

// replace goes down the ladder: a refresh, then the role's own credentials.
func (b *backend) replace(ctx context.Context, s logical.Storage, d *definition, held *entry.Token, keep tokencache.Keep) (*entry.Token, error) {
	switch {
	case !d.mayRefresh(held) && d.role.NeedsRefreshToken():
		return nil, d.nothingToSend(held)
	case !d.mayRefresh(held):
		return b.tokenByLogin(ctx, s, d, held.LastState(), false)
	case held.Refresh.Current.IsSet():
		return b.rotate(ctx, s, d, held, keep)
	}
	return b.extend(ctx, s, d, held)
}

// extend renews by the access token itself, which can get lost on the way
// without harm: the server keeps it valid until it expires.
func (b *backend) extend(ctx context.Context, s logical.Storage, d *definition, held *entry.Token) (*entry.Token, error) {
	if due := held.Refresh.RenewBy(true); !due.IsZero() && !time.Now().Before(due) { // the session is about to end
		return b.tokenByLogin(ctx, s, d, held.Refresh, false)
	}
	answer, err := b.withSlot(ctx, d, func() (*oauth.Token, error) { return d.flow.Refresh(ctx, d.request, held.Leaves("")) })
	if err == nil {
		return refreshed(d, answer, held, held.Refresh.Extended()), nil
	}
	if failed, is := errors.AsType[*oauth.Error](err); is {
		if m := d.meaningOf(failed); m.answered || m.operator {
			return b.tokenByLogin(ctx, s, d, held.Refresh, true)
		}
	}
	return nil, err
}

// tokenByLogin obtains a token with the role's own credentials. refreshed tells that a
// refresh was tried, and in vain.
func (b *backend) tokenByLogin(ctx context.Context, s logical.Storage, d *definition, before rotation.State, refreshed bool) (*entry.Token, error) {
	answer, err := b.loginOnce(ctx, s, d, loginWay{queue: true, trace: new(oauth.Trace)})
	if account, is := errors.AsType[*accountError](err); is {
		account.refreshed = refreshed
	}
	if err != nil {
		return nil, err
	}
	return granted(d, answer, before), nil
}

// withSlot makes one exchange when the host has a place for it. A reader's has
// places of its own; a renewal in the background has one already.
func (b *backend) withSlot(ctx context.Context, d *definition, exchange func() (*oauth.Token, error)) (token *oauth.Token, err error) {
	release, err := b.renewals.Foreground(ctx, d.host())
	if err != nil {
		return nil, d.notAdmitted(err)
	}
	outcome := refresh.Outcome{Kind: refresh.Unneeded} // of a panic
	defer func() { release(outcome) }()
	token, err = exchange()
	outcome = outcomeOf(err)
	return token, err
}

// mayRefresh tells whether what is held can be traded for a new token: it belongs
// to the role as it is now, and to the place where it would be sent. Where there
// is no other way to a token, one of another scope is better than none.
func (d *definition) mayRefresh(held *entry.Token) bool {
	return held != nil && d.flow.CanRefresh(d.request, held.Leaves(held.Refresh.Current)) &&
		(held.Matches(d.fingerprint) || d.role.NeedsRefreshToken()) && held.Grant == d.grant &&
		(held.DestinationID == d.config.DestinationID || d.config.Rebound)
}

// How long a failed exchange is remembered.
const (
	leastWait        = 5 * time.Second
	firstWait        = 15 * time.Second
	longestWait      = 5 * time.Minute
	firstRefusalWait = 5 * time.Minute
	longestRefusal   = time.Hour
)

// remember returns how long the server is left in peace after a failure, the
// attempt'th in a row. What a person has to fix waits longer than what may
// pass by itself; a write to role or config ends the wait. roll is in [0, 1).
func remember(err error, attempt int, roll float64) time.Duration {
	failed, is := errors.AsType[*oauth.Error](err)
	if !is {
		return leastWait
	}
	if later, is := errors.AsType[*laterError](err); is {
		return max(time.Until(later.until), leastWait)
	}
	if _, is := errors.AsType[*reauthError](err); is { // asking costs a look into storage
		return longestRefusal
	}
	if account, is := errors.AsType[*accountError](err); is {
		if account.refreshed { // the next try begins with another refresh
			return firstRefusalWait
		}
		return max(time.Until(account.Next()), leastWait) // past the last refusal, asking costs a look into storage
	}
	first, longest, operator := firstWait, longestWait, meaningOf(failed, false).operator
	if operator {
		first, longest = firstRefusalWait, longestRefusal
	}
	wait := min(first<<min(attempt-1, 10), longest)
	if !operator {
		wait = wait/2 + time.Duration(roll*float64(wait/2)) // half fixed, half random: callers do not come back together
	}
	return max(wait, failed.RetryAfter, leastWait)
}
