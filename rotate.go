// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// longestStay is how long a renewal waits for the moment of its next step.
// Beyond that it ends, and begins anew then.
const longestStay = 15 * time.Second

// reauthRequired is the state of a role whose refresh token has come to its end,
// and which has nothing else.
const reauthRequired = "reauth_required"

// rotating is one renewal by refresh token. Package rotation knows the order of
// the steps; here they are done.
type rotating struct {
	b       *backend
	s       logical.Storage
	d       *definition
	keep    tokencache.Keep
	entry   *tokenEntry // as it is in storage, and newer only if storage has failed
	attempt *rotation.Attempt
	answer  *oauth.Token // to the last POST
	err     error        // why there is no token
	posted  bool
}

// rotate obtains a token to follow held by its refresh token, or where that has
// come to its end by the role's own credentials.
func (b *backend) rotate(ctx context.Context, s logical.Storage, d *definition, held *tokenEntry, keep tokencache.Keep) (*tokenEntry, error) {
	r := &rotating{b: b, s: s, d: d, keep: keep, entry: held}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	for {
		step := r.attempt.Next(time.Now())
		switch step.Kind {
		case rotation.Write:
			r.write()
		case rotation.Read:
			r.read(ctx)
		case rotation.Post:
			r.post(ctx, step)
		case rotation.Wait:
			if err := r.wait(ctx, step.Until); err != nil {
				return nil, err
			}
		default:
			return r.end(ctx, step)
		}
	}
}

// begin looks into storage, where another node may have left something newer
// than what memory holds; or older, if the last token could not be stored.
func (r *rotating) begin(ctx context.Context) error {
	stored, err := load[tokenEntry](ctx, r.s, r.d.key)
	if err != nil {
		return err
	}
	if stored != nil && !r.entry.Refresh.Newer(stored.Refresh) {
		r.entry = stored
	}
	state := r.entry.Refresh
	if r.entry.Truth != r.d.truth { // the refusal may have been the config's fault
		state = state.TryAgain()
	}
	r.attempt = rotation.Begin(state, rotation.Options{
		Instance: r.b.instance, Credentials: !r.d.role.refreshesOnly(), Roll: rand.Float64(),
	}, time.Now())
	return nil
}

func (r *rotating) write() {
	next := *r.entry
	next.Refresh, next.Truth = r.attempt.State(), r.d.truth
	err := r.keep(func(ctx context.Context) error {
		return save(ctx, r.s, r.d.key, next.stored(), maxTokenSize)
	})
	if err == nil {
		r.entry = &next
	} else if r.err == nil {
		r.err = err
	}
	r.attempt.Wrote(err == nil)
}

func (r *rotating) read(ctx context.Context) {
	stored, err := load[tokenEntry](ctx, r.s, r.d.key)
	switch {
	case err != nil:
		r.err = err
		r.attempt.Failed()
	case stored == nil:
		r.attempt.Found(nil, time.Now())
	default:
		r.entry = stored
		r.attempt.Found(&stored.Refresh, time.Now())
	}
}

// post sends the refresh token, and tells the attempt what the answer means for it.
func (r *rotating) post(ctx context.Context, step rotation.Step) {
	ctx, cancel := context.WithTimeout(ctx, rotation.PostLimit)
	defer cancel()
	r.posted = true
	r.answer, r.err = r.d.flow.Refresh(ctx, r.d.request, r.entry.leaves(step.Token))
	now := time.Now()
	if r.err == nil {
		r.attempt.Answered(rotation.Answer{RefreshToken: r.answer.RefreshToken, Ends: r.d.refreshEnds(r.answer)}, now)
		return
	}
	failed := (*oauth.Error)(nil)
	switch errors.As(r.err, &failed); {
	case failed == nil, failed.Kind == oauth.Ambiguous:
		r.attempt.Unanswered(now)
	case failed.Kind == oauth.Malformed, failed.Kind == oauth.Unexpected:
		r.attempt.Unreadable(now)
	case r.d.refusesRefreshToken(failed):
		r.attempt.Refused(now)
	case r.d.loginMayHelp(failed):
		r.attempt.Unreadable(now) // which is a login
	default:
		r.attempt.Failed()
	}
}

// refusesRefreshToken tells a refusal of the refresh token from one of our
// client (RFC 6749 section 5.2). An API with words of its own is taken at its status.
func (d *definition) refusesRefreshToken(failed *oauth.Error) bool {
	if failed.Kind != oauth.Refused {
		return false
	}
	return d.request.Document != nil || failed.Code == "invalid_grant" || failed.Code == "invalid_token" || failed.Code == ""
}

// loginMayHelp tells whether what stands against a refresh may not stand against
// a login: the server has answered, or nothing was sent.
func (d *definition) loginMayHelp(failed *oauth.Error) bool {
	return !d.role.refreshesOnly() && operatorsToMend(failed.Kind) && failed.Code != "invalid_client"
}

// wait stays if it is not for long.
func (r *rotating) wait(ctx context.Context, until time.Time) error {
	stay := time.Until(until)
	if deadline, ok := ctx.Deadline(); stay > longestStay || ok && deadline.Before(until) {
		return r.later(until)
	}
	if !sleep(ctx, stay) {
		return r.later(until)
	}
	return nil
}

// later is a renewal that has a next step, but not now.
func (r *rotating) later(until time.Time) error {
	err := r.err
	if failed := (*oauth.Error)(nil); !errors.As(err, &failed) {
		err = &oauth.Error{Kind: oauth.Unavailable, Host: r.d.host(), Reason: "another renewal of this token has not ended yet"}
		if since := r.attempt.State().Suspect.Since; !since.IsZero() {
			err = r.d.refreshRefused(fmt.Sprintf("the refresh token was refused at %s, and is tried once more, since a server's own nodes may have to agree first", instant(since)))
		}
	}
	return &laterError{err: err, until: until}
}

func (d *definition) refreshRefused(reason string) *oauth.Error {
	return &oauth.Error{Kind: oauth.Refused, Host: d.host(), Code: "invalid_grant", Reason: reason}
}

// laterError is a failure after which the next try is at a certain time.
type laterError struct {
	err   error
	until time.Time
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// reauthError is a refresh token that has come to its end in a role that has
// nothing else.
type reauthError struct {
	failure *oauth.Error
	now     bool // it was found out just now
}

func (e *reauthError) Error() string { return e.failure.Error() }
func (e *reauthError) Unwrap() error { return e.failure }

// end is the last step.
func (r *rotating) end(ctx context.Context, step rotation.Step) (*tokenEntry, error) {
	switch step.Kind {
	case rotation.Renewed:
		return refreshed(r.d, r.answer, r.entry, r.attempt.State()), nil
	case rotation.Adopted:
		return r.adopted()
	case rotation.LogIn:
		return r.b.logIn(ctx, r.s, r.d, r.attempt.State(), r.posted)
	case rotation.Reauthorize:
		return nil, &reauthError{failure: r.d.refreshRefused(whyOver(r.attempt.State().Lost)), now: r.posted}
	case rotation.Gone:
		return nil, tokencache.ErrForgotten
	}
	if r.err == nil {
		r.err = errors.New("the renewal came too late to be sent, again and again: Vault's storage is slow")
	}
	return nil, r.err
}

// adopted is a token that another node has obtained meanwhile.
func (r *rotating) adopted() (*tokenEntry, error) {
	t := r.entry
	if t.Matches(r.d.fingerprint) && t.Life().Remaining(time.Now()) > 0 {
		return t, nil
	}
	return nil, &laterError{
		err:   &oauth.Error{Kind: oauth.Unavailable, Host: r.d.host(), Reason: "another node of Vault is renewing this token"},
		until: time.Now().Add(leastWait),
	}
}

// whyOver says why nothing helps any more.
func whyOver(lost rotation.Lost) string {
	switch lost.Reason {
	case rotation.Ended:
		return "the refresh token has ended, as was known ahead, and was refused twice, last at " + instant(lost.Since)
	case rotation.RefusedTwice:
		return "the refresh token was refused twice, a minute apart or more, last at " + instant(lost.Since)
	}
	return "there is no refresh token"
}
