// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// AccountError is a login that the server has refused, now or earlier.
type AccountError struct {
	entry.Account
	Earlier   bool // nothing was sent this time
	refreshed bool // but a refresh was, and in vain
}

func (e *AccountError) Error() string { return e.Failure.Error() }
func (e *AccountError) Unwrap() error { return e.Failure }

// loginWay is how a login is made.
type loginWay struct {
	anew  bool         // a person has changed something just now
	queue bool         // it takes its place among the exchanges of its host
	trace *oauth.Trace // records what is sent
}

// loginOnce obtains a token with the role's credentials, and never more than one at
// a time for one account: roles that share it must not try in parallel what
// locks it.
func (e *Engine) loginOnce(ctx context.Context, s logical.Storage, d *Definition, way loginWay) (*oauth.Token, error) {
	ctx = oauth.WithTrace(ctx, way.trace)
	mint := func() (token *oauth.Token, err error) { return d.flow.Mint(ctx, d.request) }
	if way.queue { // after the turn of the account, or those who wait for it would hold the host's places
		straight := mint
		mint = func() (*oauth.Token, error) { return e.withSlot(ctx, d, straight) }
	}
	key := entry.AccountKey(d.Role)
	if key == "" {
		return mint()
	}
	unlock, err := e.accounts.Lock(ctx, key)
	if err != nil {
		return nil, d.otherLogin()
	}
	defer unlock()
	account, err := entry.LoadAccount(ctx, s, key, d.Config)
	switch {
	case ctx.Err() != nil: // its turn has come too late
		return nil, d.otherLogin()
	case err != nil:
		return nil, err
	}
	if !way.anew && account.Waits(time.Now()) {
		return nil, &AccountError{Account: *account, Earlier: true}
	}
	token, err := mint()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CleanupTime) // what was answered counts, whoever has left
	defer cancel()
	if err == nil && account.Answers > 0 {
		e.noteAccount(d, s.Delete(ctx, key))
	}
	if failed, is := errors.AsType[*oauth.Error](err); is && d.meaningOf(failed).account {
		account.Count(failed, way.trace)
		if !rewritten(ctx, s, d) { // a write since then has begun a new count
			e.noteAccount(d, account.Save(ctx, s, key))
		}
		return nil, &AccountError{Account: *account}
	}
	return token, err
}

func (d *Definition) otherLogin() error {
	return &oauth.Error{Kind: oauth.Unavailable, Host: d.Host(), Reason: "another login of the same account is still in progress"}
}

// rewritten tells whether the stored role is a later one than the Definition's.
func rewritten(ctx context.Context, s logical.Storage, d *Definition) bool {
	role, err := entry.LoadRole(ctx, s, d.Name)
	return err == nil && role != nil && role.ID == d.Role.ID && role.Revision > d.Role.Revision
}

// noteAccount logs that a count could not be stored, which is no reason to
// withhold what the server has said.
func (e *Engine) noteAccount(d *Definition, err error) {
	if err != nil {
		e.options.Logger().Warn("the count of an account's refused logins could not be stored", "role", d.Name, "error", err)
	}
}
