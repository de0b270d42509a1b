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

// longestStay is how long a renewal waits for the moment of its next step.
// Beyond that it ends, and begins anew then.
const longestStay = 15 * time.Second

// rotating is one renewal by refresh token. Package rotation knows the order of
// the steps; here they are done.
type rotating struct {
	e       *Engine
	s       logical.Storage
	d       *Definition
	seen    *sighting
	fenced  tokencache.Fenced
	entry   *entry.Token // as it is in storage, and newer only if storage has failed
	attempt *rotation.Attempt
	answer  *oauth.Token // to the last POST
	err     error        // why there is no token
	posted  bool
}

// rotate obtains a token to follow held by its refresh token, or where that has
// come to its end by the role's own credentials.
func (e *Engine) rotate(ctx context.Context, s logical.Storage, d *Definition, held *entry.Token, seen *sighting, fenced tokencache.Fenced) (*entry.Token, error) {
	r := &rotating{e: e, s: s, d: d, seen: seen, fenced: fenced, entry: held}
	step, err := r.withSlot(ctx)
	switch {
	case err != nil:
		return nil, err
	case step.Kind == rotation.LogIn:
		return e.tokenByLogin(ctx, s, d, r.attempt.State(), r.posted)
	case step.Kind == rotation.Adopted:
		return r.adopted()
	}
	if r.answer.UseOnce && r.entry.Matches(r.d.Fingerprint) && r.entry.Life().Remaining(time.Now()) > 0 {
		return r.entry.WithRefresh(r.d.Revision, r.attempt.State()), nil // the one that still lives serves more than one reader
	}
	return refreshed(d, r.answer, r.entry, r.attempt.State()), nil
}

// withSlot has one place at the host for all POSTs of the renewal.
func (r *rotating) withSlot(ctx context.Context) (rotation.Step, error) {
	release, err := r.e.renewals.Foreground(ctx, r.d.Host())
	if err != nil {
		return rotation.Step{}, r.d.notAdmitted(err)
	}
	outcome := refresh.Outcome{Kind: refresh.Unneeded}
	defer func() { release(outcome) }()
	step, err := r.renew(ctx)
	if r.posted {
		outcome = outcomeOf(r.err)
	}
	return step, err
}

// renew goes on until there is a token, or a login is next, or an error says why not.
func (r *rotating) renew(ctx context.Context) (rotation.Step, error) {
	if err := r.begin(ctx); err != nil {
		return rotation.Step{}, err
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
				return step, err
			}
		default:
			return step, r.why(step)
		}
	}
}

// begin looks into storage, where another node may have left something newer
// than what memory holds; or older, if the last token could not be stored.
func (r *rotating) begin(ctx context.Context) error {
	stored, err := r.seen.load(ctx, r.s, r.d.Key)
	if err != nil {
		return err
	}
	if stored != nil && !r.entry.Refresh.Newer(stored.Refresh) {
		r.entry = stored
	}
	if !r.d.mayRefresh(r.entry) { // another node knows the role otherwise: look again
		return tokencache.ErrForgotten
	}
	state := r.entry.Refresh
	if r.entry.RefreshRevision != r.d.Revision { // the refusal may have been the config's fault
		state = state.TryAgain()
	}
	r.attempt = rotation.Begin(state, rotation.Options{
		Instance: *r.e.instance.Load(), Credentials: !r.d.Role.NeedsRefreshToken(), Roll: rand.Float64(),
	}, time.Now())
	return nil
}

// write stores the state, unless the role has gone: nothing else would ever delete it.
func (r *rotating) write() {
	next := r.entry.WithRefresh(r.d.Revision, r.attempt.State())
	err := r.fenced(func(ctx context.Context) error {
		if err := r.d.stillThere(ctx, r.s); err != nil {
			return err
		}
		return next.Save(ctx, r.s, r.d.Key)
	})
	switch {
	case err == nil:
		r.entry = next
		r.lookAgain(next.Refresh)
	case r.err == nil, errors.Is(err, logical.ErrReadOnly):
		r.err = err
	}
	r.attempt.Wrote(err == nil)
}

// lookAgain has a refresh token that was refused once tried a second time,
// whatever life its access token has left.
func (r *rotating) lookAgain(state rotation.State) {
	if state.Health() != rotation.Suspected || !r.d.Role.NeedsRefreshToken() {
		return
	}
	if _, known := r.e.renewals.Look(r.d.Job); known {
		r.e.renewals.UseBy(r.d.Job, state.RenewBy(false))
		return
	}
	r.e.renewals.Put(jobOf(r.d.Job, r.d.Host(), r.d.Role, r.entry))
}

func (r *rotating) read(ctx context.Context) {
	stored, err := entry.LoadToken(ctx, r.s, r.d.Key)
	switch {
	case err != nil:
		r.err = err
		r.attempt.Failed()
	case stored == nil:
		r.attempt.Found(nil, time.Now())
	default:
		mine := r.attempt.State()
		r.attempt.Found(&stored.Refresh, time.Now())
		if !mine.Newer(stored.Refresh) {
			r.entry = stored
		}
	}
}

// post sends the refresh token, and tells the attempt what the answer means for it.
func (r *rotating) post(ctx context.Context, step rotation.Step) {
	posting, cancel := context.WithTimeout(ctx, rotation.PostLimit)
	defer cancel()
	if !time.Now().Before(step.Before) {
		return
	}
	r.posted = true
	r.answer, r.err = r.d.flow.Refresh(posting, r.d.request, r.entry.AsHeld(step.Token))
	if ctx.Err() != nil { // the server may still be at it: the next attempt must wait as for a stranger's
		r.e.renameInstance()
	}
	now := time.Now()
	failed, is := errors.AsType[*oauth.Error](r.err)
	switch {
	case r.err == nil:
		r.attempt.Answered(rotation.Answer{RefreshToken: r.answer.RefreshToken, Ends: r.answer.RefreshEnds}, now)
	case !is:
		r.attempt.Unanswered(now)
	case failed.RefreshToken.IsSet(): // and nothing else that is of use
		r.attempt.Answered(rotation.Answer{RefreshToken: failed.RefreshToken, Ends: failed.RefreshEnds}, now)
	default:
		r.failed(r.d.meaningOf(failed).token, now)
	}
}

// failed tells the attempt what became of the token that was sent.
func (r *rotating) failed(token fate, now time.Time) {
	switch token {
	case tokenUnanswered:
		r.attempt.Unanswered(now)
	case tokenUnreadable:
		r.attempt.Unreadable(now)
	case tokenRefused:
		r.attempt.Refused(now)
	case tokenDeclined:
		r.attempt.Declined()
	case tokenUnused:
		r.attempt.Failed()
	}
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
