// SPDX-License-Identifier: MPL-2.0

package engine

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
func (e *Engine) source(s logical.Storage, d *Definition) source {
	seen := new(sighting)
	return source{
		Load: func(ctx context.Context) (*entry.Token, bool, error) {
			t, err := seen.load(ctx, s, d.Key)
			return t, t != nil, err
		},
		Mint: func(ctx context.Context, held *entry.Token, has bool, fenced tokencache.Fenced) (*entry.Token, error) {
			if !has {
				held = nil
			}
			return e.mint(ctx, s, d, held, seen, fenced)
		},
		Save: func(ctx context.Context, t *entry.Token) error {
			return e.saveToken(ctx, s, d, t)
		},
		Ready:    e.options.MayWrite,
		Remember: func(err error, attempt int) time.Duration { return remember(err, attempt, rand.Float64()) },
	}
}

// sightLasts is how long what was read from storage need not be read again: the
// compare with what another node has stored is made at the commit.
const sightLasts = time.Second

// sighting is what storage was seen to hold a moment ago, within one exchange.
type sighting struct {
	token *entry.Token
	at    time.Time
}

func (v *sighting) load(ctx context.Context, s logical.Storage, key string) (*entry.Token, error) {
	if !v.at.IsZero() && time.Since(v.at) < sightLasts {
		return v.token, nil
	}
	t, err := entry.LoadToken(ctx, s, key)
	if err == nil {
		v.token, v.at = t, time.Now()
	}
	return t, err
}

// mint obtains a token to follow held, which is nil if there was none.
func (e *Engine) mint(ctx context.Context, s logical.Storage, d *Definition, held *entry.Token, seen *sighting, fenced tokencache.Fenced) (*entry.Token, error) {
	t, err := e.replace(ctx, s, d, held, seen, fenced)
	if err != nil {
		e.options.Failed(d, err)
	}
	return t, err
}

// replace goes down the ladder: a refresh, then the role's own credentials.
func (e *Engine) replace(ctx context.Context, s logical.Storage, d *Definition, held *entry.Token, seen *sighting, fenced tokencache.Fenced) (*entry.Token, error) {
	switch {
	case !d.mayRefresh(held) && d.Role.NeedsRefreshToken():
		return nil, d.nothingToSend(held)
	case !d.mayRefresh(held):
		return e.tokenByLogin(ctx, s, d, held.LastState(), false)
	case held.Refresh.Current.IsSet():
		return e.rotate(ctx, s, d, held, seen, fenced)
	}
	return e.extend(ctx, s, d, held)
}

// extend renews by the access token itself, which can get lost on the way
// without harm: the server keeps it valid until it expires.
func (e *Engine) extend(ctx context.Context, s logical.Storage, d *Definition, held *entry.Token) (*entry.Token, error) {
	if due := held.Refresh.RenewBy(true); !due.IsZero() && !time.Now().Before(due) { // the session is about to end
		return e.tokenByLogin(ctx, s, d, held.Refresh, false)
	}
	answer, err := e.withSlot(ctx, d, func() (*oauth.Token, error) { return d.flow.Refresh(ctx, d.request, held.AsHeld("")) })
	if err == nil {
		return refreshed(d, answer, held, held.Refresh.Extended()), nil
	}
	if failed, is := errors.AsType[*oauth.Error](err); is {
		if m := d.meaningOf(failed); m.answered || m.operator {
			return e.tokenByLogin(ctx, s, d, held.Refresh, true)
		}
	}
	return nil, err
}

// tokenByLogin obtains a token with the role's own credentials. refreshed tells that a
// refresh was tried, and in vain.
func (e *Engine) tokenByLogin(ctx context.Context, s logical.Storage, d *Definition, before rotation.State, refreshed bool) (*entry.Token, error) {
	answer, err := e.loginOnce(ctx, s, d, loginWay{queue: true, trace: new(oauth.Trace)})
	if account, is := errors.AsType[*AccountError](err); is {
		account.refreshed = refreshed
	}
	if err != nil {
		return nil, err
	}
	return granted(d, answer, before), nil
}

// withSlot makes one exchange when the host has a place for it. A reader's has
// places of its own; a renewal in the background has one already.
func (e *Engine) withSlot(ctx context.Context, d *Definition, exchange func() (*oauth.Token, error)) (token *oauth.Token, err error) {
	release, err := e.renewals.Foreground(ctx, d.Host())
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
func (d *Definition) mayRefresh(held *entry.Token) bool {
	return held != nil && d.flow.CanRefresh(d.request, held.AsHeld(held.Refresh.Current)) &&
		(held.Matches(d.Fingerprint) || d.Role.NeedsRefreshToken()) && held.Grant == d.Grant &&
		(held.DestinationID == d.Config.DestinationID || d.Config.Rebound)
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
// be transient; a write to role or config ends the wait. roll is in [0, 1).
func remember(err error, attempt int, roll float64) time.Duration {
	failed, is := errors.AsType[*oauth.Error](err)
	if !is {
		return leastWait
	}
	if later, is := errors.AsType[*LaterError](err); is {
		return max(time.Until(later.Until), leastWait)
	}
	if _, is := errors.AsType[*ReauthError](err); is { // asking costs a look into storage
		return longestRefusal
	}
	if account, is := errors.AsType[*AccountError](err); is {
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
