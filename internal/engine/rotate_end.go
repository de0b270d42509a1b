// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// later is a renewal that has a next step, but not now.
func (r *rotating) later(until time.Time) error {
	err := r.err
	if _, is := errors.AsType[*oauth.Error](err); !is {
		err = &oauth.Error{Kind: oauth.Unavailable, Host: r.d.Host(), Reason: "another renewal of this token has not ended yet"}
		if since := r.attempt.State().Suspect.Since; !since.IsZero() {
			err = &oauth.Error{Kind: oauth.Refused, Host: r.d.Host(), Reason: "the refresh token was refused at " + entry.Instant(since)}
		}
	}
	return &LaterError{Err: err, Until: until}
}

// why is the error of the last step, nil where there is a way on.
func (r *rotating) why(step rotation.Step) error {
	switch step.Kind {
	case rotation.Renewed:
		return r.renewed()
	case rotation.Adopted, rotation.LogIn:
		return nil
	case rotation.Reauthorize:
		return r.over()
	case rotation.Gone:
		return tokencache.ErrForgotten
	}
	if r.err == nil {
		r.err = errors.New("the renewal came too late to be sent, again and again: Vault's storage is slow")
	}
	return r.err
}

// renewed keeps a new refresh token that has come without a new access token.
func (r *rotating) renewed() error {
	if r.err == nil {
		return nil
	}
	next := r.entry.WithRefresh(r.d.Revision, r.attempt.State())
	if err := r.fenced(func(ctx context.Context) error { return r.e.persist(ctx, r.s, r.d, next) }); err != nil {
		r.e.options.Logger().Error("a new refresh token could not be stored", "role", r.d.Name, "error", err)
	}
	return r.err
}

// over is a refresh token that was refused for good. What the server said last is
// kept, if it said so just now.
func (r *rotating) over() error {
	failure := &oauth.Error{Kind: oauth.Refused, Host: r.d.Host(), Reason: WhyOver(r.attempt.State().Lost)}
	if failed, is := errors.AsType[*oauth.Error](r.err); is && r.posted {
		last := *failed
		last.Kind, last.Reason = oauth.Refused, failure.Reason
		failure = &last
	}
	return &ReauthError{Failure: failure, Kept: true, Now: r.posted}
}

// nothingToSend is a role without credentials whose refresh token must not be
// sent, or which has none.
func (d *Definition) nothingToSend(held *entry.Token) error {
	e := &ReauthError{Failure: &oauth.Error{Kind: oauth.Forbidden, Host: "nothing was sent", Reason: "there is no refresh token"}}
	switch {
	case held == nil || !held.Refresh.Current.IsSet():
	case held.Grant != d.Grant:
		e.Failure.Reason = "the refresh token belongs to another config, client_id or token_url than the role has now"
	default:
		e.Moved, e.Failure.Reason = true, "the refresh token belongs where the config pointed when it was imported"
	}
	return e
}

// adopted is a token that another node has obtained meanwhile.
func (r *rotating) adopted() (*entry.Token, error) {
	t := r.entry
	if t.Matches(r.d.Fingerprint) && t.Life().Remaining(time.Now()) > 0 {
		return t, nil
	}
	return nil, &LaterError{
		Err:   &oauth.Error{Kind: oauth.Unavailable, Host: r.d.Host(), Reason: "another node of Vault is renewing this token"},
		Until: time.Now().Add(leastWait),
	}
}

// WhyOver says why nothing helps any more.
func WhyOver(lost rotation.Lost) string {
	switch lost.Reason {
	case rotation.Ended:
		return "the refresh token has ended, as was known ahead, and was refused twice, last at " + entry.Instant(lost.Since)
	case rotation.RefusedTwice:
		return "the refresh token was refused twice, a minute apart or more, last at " + entry.Instant(lost.Since)
	}
	return "there is no refresh token"
}
