// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// notDefined tells a deleted role from one that an operator has to fix.
func (e *Engine) notDefined(ctx context.Context, s logical.Storage, name string) refresh.Outcome {
	if role, err := entry.LoadRole(ctx, s, name); err == nil && role == nil {
		return refresh.Outcome{Kind: refresh.Gone}
	}
	return refresh.Outcome{Kind: refresh.Refused, Code: "not usable as it stands"}
}

// ReauthRequired is the state of a role whose refresh token has come to its end,
// and which has nothing else.
const ReauthRequired = "reauth_required"

// ReauthError is a role that needs a refresh token from elsewhere: it has nothing
// else to obtain a token with.
type ReauthError struct {
	Failure *oauth.Error
	Kept    bool // the one that it has was refused for good, and is kept
	Moved   bool // the one that it has belongs where its config pointed once
	Now     bool // it was found out just now
}

func (e *ReauthError) Error() string { return e.Failure.Error() }
func (e *ReauthError) Unwrap() error { return e.Failure }

// LaterError is a failure after which the next try is at a certain time.
type LaterError struct {
	Err   error
	Until time.Time
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }

// outcomeOf tells the scheduler what became of a renewal, or of an exchange.
func outcomeOf(err error) refresh.Outcome {
	failed, answered := errors.AsType[*oauth.Error](err)
	reauth, over := errors.AsType[*ReauthError](err)
	later, waits := errors.AsType[*LaterError](err)
	switch {
	case err == nil:
		return refresh.Outcome{Kind: refresh.Renewed}
	case over:
		return refresh.Outcome{Kind: refresh.Stopped, Code: ReauthRequired, Silent: !reauth.Now}
	case waits:
		return refresh.Outcome{Kind: refresh.Unneeded, Code: "tried again later", RetryAfter: time.Until(later.Until)}
	case errors.Is(err, tokencache.ErrInProgress): // the exchange goes on; what it brings is scheduled then
		return refresh.Outcome{Kind: refresh.Throttled, Code: "no answer yet"}
	case errors.Is(err, tokencache.ErrForgotten), errors.Is(err, tokencache.ErrChanged), errors.Is(err, logical.ErrReadOnly):
		return refresh.Outcome{Kind: refresh.Unneeded}
	case !answered:
		return refresh.Outcome{Kind: refresh.Unneeded, Code: "storage or engine"} // no fault of the server
	}
	m := meaningOf(failed, false)
	outcome := refresh.Outcome{Kind: refresh.Failed, Code: failed.Kind.String(), RetryAfter: failed.RetryAfter, Silent: m.silent}
	if failed.Code != "" {
		outcome.Code = failed.Code
	}
	switch {
	case m.operator:
		outcome.Kind = refresh.Refused
	case m.throttled:
		outcome.Kind = refresh.Throttled
	}
	if account, is := errors.AsType[*AccountError](err); is {
		outcome.RetryAfter, outcome.Silent = max(outcome.RetryAfter, time.Until(account.Next())), account.Earlier
	}
	return outcome
}

// notAdmitted is for a reader whose exchange the scheduler has not admitted. It
// is no failure of the server's, and does not count as one.
func (d *Definition) notAdmitted(err error) error {
	open, isOpen := errors.AsType[*refresh.OpenError](err)
	switch {
	case isOpen:
		reason := fmt.Sprintf("it has failed %d times in a row and is asked now and then only", open.Failures)
		if open.Code != "" {
			reason += "; the last failure was: " + open.Code
		}
		return &LaterError{Err: &oauth.Error{Kind: oauth.Unavailable, Host: d.Host(), Reason: reason}, Until: open.Until}
	case errors.Is(err, refresh.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		busy := &oauth.Error{Kind: oauth.Unavailable, Host: d.Host(), Reason: "too many exchanges with it are in progress"}
		return &LaterError{Err: busy, Until: time.Now().Add(leastWait)}
	case errors.Is(err, refresh.ErrStopped):
		return tokencache.ErrClosed
	}
	return err
}
