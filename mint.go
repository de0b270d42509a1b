// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
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
			return mint(ctx, d, held)
		},
		Save: func(ctx context.Context, t *tokenEntry) error {
			return saveToken(ctx, s, d, t)
		},
		Ready:    b.mayWrite,
		Remember: func(err error, attempt int) time.Duration { return remember(err, attempt, rand.Float64()) },
	}
}

// mint obtains a token to follow held, which is nil if there was none. A
// refresh token comes first; if the server does not want it any more, the
// role's own credentials do.
func mint(ctx context.Context, d *definition, held *tokenEntry) (*tokenEntry, error) {
	if d.mayRefresh(held) {
		answer, err := flows.Refresh(ctx, d.request, held.RefreshToken)
		switch failed := (*oauth.Error)(nil); {
		case err == nil:
			t := newToken(d, answer, held)
			if !t.RefreshToken.IsSet() { // the server keeps the old one valid (RFC 6749 section 6)
				t.RefreshToken = held.RefreshToken
			}
			if t.Scope == "" { // unchanged (RFC 6749 section 6)
				t.Scope = held.Scope
			}
			return t, nil
		case !errors.As(err, &failed) || failed.Kind != oauth.Refused:
			return nil, err
		}
	}
	answer, err := d.flow.Mint(ctx, d.request)
	if err != nil {
		return nil, err
	}
	return newToken(d, answer, held), nil
}

// mayRefresh tells whether the held refresh token belongs to the role as it is
// now, and to the place where it would be sent.
func (d *definition) mayRefresh(held *tokenEntry) bool {
	return held != nil && held.RefreshToken.IsSet() && held.Matches(d.fingerprint) && held.Grant == d.grant &&
		(held.DestinationID == d.config.DestinationID || d.config.Rebound)
}

// saveToken stores a token unless its role was deleted meanwhile.
func saveToken(ctx context.Context, s logical.Storage, d *definition, t *tokenEntry) error {
	role, err := loadRole(ctx, s, d.name)
	if err != nil {
		return err
	}
	if role == nil || role.ID != d.role.ID {
		return tokencache.ErrForgotten
	}
	return save(ctx, s, d.key, t.stored(), maxTokenSize)
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
	return kind == oauth.Refused || kind == oauth.Redirected || kind == oauth.Forbidden
}
