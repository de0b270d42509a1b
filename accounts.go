// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// accountError is a login that the server has refused, now or earlier.
type accountError struct {
	entry.Account
	earlier   bool // nothing was sent this time
	refreshed bool // but a refresh was, and in vain
}

func (e *accountError) Error() string { return e.Failure.Error() }
func (e *accountError) Unwrap() error { return e.Failure }

// loginWay is how a login is made.
type loginWay struct {
	anew  bool         // a person has changed something just now
	queue bool         // it takes its place among the exchanges of its host
	trace *oauth.Trace // records what is sent
}

// loginOnce obtains a token with the role's credentials, and never more than one at
// a time for one account: roles that share it must not try in parallel what
// locks it.
func (b *backend) loginOnce(ctx context.Context, s logical.Storage, d *definition, way loginWay) (*oauth.Token, error) {
	ctx = oauth.WithTrace(ctx, way.trace)
	mint := func() (token *oauth.Token, err error) { return d.flow.Mint(ctx, d.request) }
	if way.queue { // after the turn of the account, or those who wait for it would hold the host's places
		straight := mint
		mint = func() (*oauth.Token, error) { return b.withSlot(ctx, d, straight) }
	}
	key := entry.AccountKey(d.role)
	if key == "" {
		return mint()
	}
	unlock, err := b.names.lock(ctx, key)
	if err != nil {
		return nil, d.otherLogin()
	}
	defer unlock()
	account, err := entry.LoadAccount(ctx, s, key, d.config)
	switch {
	case ctx.Err() != nil: // its turn has come too late
		return nil, d.otherLogin()
	case err != nil:
		return nil, err
	}
	if !way.anew && account.Waits(time.Now()) {
		return nil, &accountError{Account: *account, earlier: true}
	}
	token, err := mint()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime) // what was answered counts, whoever has left
	defer cancel()
	if err == nil && account.Answers > 0 {
		b.noteAccount(d, s.Delete(ctx, key))
	}
	if failed, is := errors.AsType[*oauth.Error](err); is && d.meaningOf(failed).account {
		account.Count(failed, way.trace)
		if !rewritten(ctx, s, d) { // a write since then has begun a new count
			b.noteAccount(d, account.Save(ctx, s, key))
		}
		return nil, &accountError{Account: *account}
	}
	return token, err
}

func (d *definition) otherLogin() error {
	return &oauth.Error{Kind: oauth.Unavailable, Host: d.host(), Reason: "another login of the same account is still in progress"}
}

// rewritten tells whether the stored role is a later one than the definition's.
func rewritten(ctx context.Context, s logical.Storage, d *definition) bool {
	role, err := entry.LoadRole(ctx, s, d.name)
	return err == nil && role != nil && role.ID == d.role.ID && role.Revision > d.role.Revision
}

// noteAccount logs that a count could not be stored, which is no reason to
// withhold what the server has said.
func (b *backend) noteAccount(d *definition, err error) {
	if err != nil {
		b.Logger().Warn("the count of an account's refused logins could not be stored", "role", d.name, "error", err)
	}
}

// nothingSent says of an earlier refusal that it is one.
func (e *accountError) nothingSent() string {
	return fmt.Sprintf("Nothing was sent now: this was answered at %s to a login of the same account, by this role or another", instant(e.Last))
}

// until says when the engine logs in again.
func (e *accountError) until(mount, role, config string) string {
	sent := "This"
	if e.earlier {
		sent = e.nothingSent() + ". It"
	}
	change := fmt.Sprintf("a write to %sconfig/%s or %sroles/%s that changes something", mount, config, mount, role)
	switch next := e.Next(); {
	case e.Refused >= entry.MaxRefusals:
		return fmt.Sprintf("%s was refusal %d, and accounts lock: the engine logs in no more before %s", sent, e.Refused, change)
	case e.Failure.Kind == oauth.Refused:
		return fmt.Sprintf("%s was refusal %d of %d, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, e.Refused, entry.MaxRefusals, instant(next), inSeconds(next), change)
	default:
		return fmt.Sprintf("%s may have been a refusal, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, instant(next), inSeconds(next), change)
	}
}

// inSeconds is how long it is until then.
func inSeconds(then time.Time) time.Duration {
	return max(time.Until(then).Round(time.Second), time.Second)
}
