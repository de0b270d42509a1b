// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// source joins the four parts of the engine: the stored token, the flow that
// replaces it, and the storage that keeps the new one, for the token cache.
func (b *backend) source(s logical.Storage, d *definition) tokencache.Source[*tokenEntry] {
	return tokencache.Source[*tokenEntry]{
		Load: func(ctx context.Context) (*tokenEntry, bool, error) {
			t, err := load[tokenEntry](ctx, s, d.key)
			return t, t != nil, err
		},
		Mint: func(ctx context.Context, held *tokenEntry, has bool) (*tokenEntry, error) {
			if !has {
				held = nil
			}
			return b.mint(ctx, s, d, held)
		},
		Save: func(ctx context.Context, t *tokenEntry) error {
			return b.saveToken(ctx, s, d, t)
		},
		Ready:    b.mayWrite,
		Remember: func(err error, attempt int) time.Duration { return remember(err, attempt, rand.Float64()) },
	}
}

// mint obtains a token to follow held, which is nil if there was none. A
// refresh comes first; if the server answers it with anything but a token, the
// role's own credentials do.
func (b *backend) mint(ctx context.Context, s logical.Storage, d *definition, held *tokenEntry) (*tokenEntry, error) {
	refreshes := d.mayRefresh(held, time.Now())
	if refreshes {
		answer, err := d.flow.Refresh(ctx, d.request, held.leaves())
		if err == nil {
			return refreshed(d, answer, held), nil
		}
		failed := (*oauth.Error)(nil)
		if !errors.As(err, &failed) || !answered(failed.Kind) && failed.Kind != oauth.Forbidden || d.role.refreshesOnly() {
			return nil, err
		}
	}
	answer, err := b.login(ctx, s, d, false, new(oauth.Trace))
	if account := (*accountError)(nil); errors.As(err, &account) {
		account.refreshed = refreshes
	}
	if err != nil {
		return nil, err
	}
	return newToken(d, answer, held), nil
}

// answered tells whether the server has said something that is no token and may
// well say the same again.
func answered(kind oauth.Kind) bool {
	return kind == oauth.Refused || kind == oauth.Malformed || kind == oauth.Unexpected || kind == oauth.Redirected
}

// mayRefresh tells whether what is held can be traded for a new token: it
// belongs to the role as it is now and to the place where it would be sent, and
// has not outlived its time.
func (d *definition) mayRefresh(held *tokenEntry, now time.Time) bool {
	return held != nil && d.flow.CanRefresh(d.request, held.leaves()) && !held.refreshOver(now) &&
		!d.refreshIsLogin() &&
		held.Matches(d.fingerprint) && held.Grant == d.grant &&
		(held.DestinationID == d.config.DestinationID || d.config.Rebound)
}

// saveToken stores a token, and has it renewed in time, unless its role was
// deleted meanwhile.
func (b *backend) saveToken(ctx context.Context, s logical.Storage, d *definition, t *tokenEntry) error {
	role, err := loadRole(ctx, s, d.name)
	if err != nil {
		return err
	}
	if role == nil || role.ID != d.role.ID {
		return tokencache.ErrForgotten
	}
	if err := save(ctx, s, d.key, t.stored(), maxTokenSize); err != nil {
		return err
	}
	b.schedule(d, t)
	return nil
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

// How long a failed exchange is remembered.
const (
	leastWait        = 5 * time.Second
	firstWait        = 15 * time.Second
	longestWait      = 5 * time.Minute
	firstRefusalWait = 5 * time.Minute
	longestRefusal   = time.Hour
)

// remember returns how long the server is left in peace after a failure, the
// attempt'th in a row. What a person has to mend waits longer than what may
// pass by itself; a write to role or config ends the wait. roll is in [0, 1).
func remember(err error, attempt int, roll float64) time.Duration {
	failed := (*oauth.Error)(nil)
	if !errors.As(err, &failed) {
		return leastWait
	}
	if account := (*accountError)(nil); errors.As(err, &account) {
		if account.refreshed { // the next try begins with another refresh
			return firstRefusalWait
		}
		return max(time.Until(account.next()), leastWait) // past the last refusal, asking costs a look into storage
	}
	first, longest := firstWait, longestWait
	if operatorsToMend(failed.Kind) {
		first, longest = firstRefusalWait, longestRefusal
	}
	wait := min(first<<min(attempt-1, 10), longest)
	if !operatorsToMend(failed.Kind) {
		wait = wait/2 + time.Duration(roll*float64(wait/2)) // half fixed, half random: callers do not come back together
	}
	return max(wait, failed.RetryAfter, leastWait)
}

func operatorsToMend(kind oauth.Kind) bool {
	return kind == oauth.Refused || kind == oauth.Unexpected || kind == oauth.Redirected || kind == oauth.Forbidden
}
