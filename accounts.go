// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// Accounts lock after a few wrong passwords: so many refusals, so far apart, and
// no login more until something is changed.
const (
	maxRefusals  = 3
	refusalPause = 5 * time.Minute
	longestPause = time.Hour
)

// accountEntry counts the logins of one account that its server has refused,
// whichever roles use it. It is stored, so that no restart begins anew.
type accountEntry struct {
	Version int          `json:"version"`
	Truth   string       `json:"truth"`   // of the config; under another one the count is over
	Answers int          `json:"answers"` // in a row that were no token
	Refused int          `json:"refused"` // those of them that were plain refusals
	Last    time.Time    `json:"last"`
	Failure *oauth.Error `json:"failure"` // the last refusal; it has no secret
	Trace   string       `json:"trace"`   // of the last refusal, for those who ask too late to see another; no secret either
}

// maxTrace bounds the trace that is kept, in bytes.
const maxTrace = 16 << 10

// accountError is a login that the server has refused, now or earlier.
type accountError struct {
	accountEntry
	earlier   bool // nothing was sent this time
	refreshed bool // but a refresh was, and in vain
}

func (e *accountError) Error() string { return e.Failure.Error() }
func (e *accountError) Unwrap() error { return e.Failure }

// next is the earliest instant of another login, or zero: not until something is
// changed. An answer that may have been a refusal, such as a page for people or a
// redirect to one, makes the pauses longer and never ends the tries: it may have
// been the server's bad hour.
func (e *accountEntry) next() time.Time {
	if e.Refused >= maxRefusals {
		return time.Time{}
	}
	pause := refusalPause
	if e.Failure.Kind != oauth.Refused {
		pause = min(refusalPause<<min(e.Answers-1, 10), longestPause)
	}
	return e.Last.Add(max(pause, e.Failure.RetryAfter))
}

// waits tells whether no login may be tried now.
func (e *accountEntry) waits(now time.Time) bool {
	return e.Refused >= maxRefusals || e.Answers > 0 && now.Before(e.next())
}

// accountKey is where the account is counted that the role logs in with, or "" if
// a refusal can lock none.
func accountKey(role *roleEntry) string {
	flow, ok := flows.Lookup(role.Flow)
	if !ok || !flow.Describe().Account {
		return ""
	}
	who := "config" // the account is in the config's own secrets
	switch {
	case role.Username != "":
		who = "user:" + role.Username
	case role.hasSecret():
		who = "role:" + role.ID
	}
	sum := sha256.Sum256([]byte(who))
	return accountPrefix + role.Config + "/" + hex.EncodeToString(sum[:])
}

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
	key := accountKey(d.role)
	if key == "" {
		return mint()
	}
	unlock, err := b.names.lock(ctx, key)
	if err != nil {
		return nil, d.otherLogin()
	}
	defer unlock()
	account, err := loadAccount(ctx, s, key, d.config)
	switch {
	case ctx.Err() != nil: // its turn has come too late
		return nil, d.otherLogin()
	case err != nil:
		return nil, err
	}
	if !way.anew && account.waits(time.Now()) {
		return nil, &accountError{accountEntry: *account, earlier: true}
	}
	token, err := mint()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime) // what was answered counts, whoever has left
	defer cancel()
	if err == nil && account.Answers > 0 {
		b.noteAccount(d, s.Delete(ctx, key))
	}
	if failed, is := errors.AsType[*oauth.Error](err); is && d.meaningOf(failed).account {
		account.count(failed, way.trace)
		if !rewritten(ctx, s, d) { // a write since then has begun a new count
			b.noteAccount(d, save(ctx, s, key, account, maxTokenSize))
		}
		return nil, &accountError{accountEntry: *account}
	}
	return token, err
}

func (d *definition) otherLogin() error {
	return &oauth.Error{Kind: oauth.Unavailable, Host: d.host(), Reason: "another login of the same account is still in progress"}
}

// count adds an answer that was no token.
func (e *accountEntry) count(failed *oauth.Error, trace *oauth.Trace) {
	e.Answers++
	if failed.Kind == oauth.Refused {
		e.Refused++
	}
	e.Last, e.Failure = time.Now().Round(0), failed
	e.Trace = trace.String()
	e.Trace = strings.ToValidUTF8(e.Trace[:min(len(e.Trace), maxTrace)], "") // the cut may go through a character
}

// rewritten tells whether the stored role is a later one than the definition's.
func rewritten(ctx context.Context, s logical.Storage, d *definition) bool {
	role, err := loadRole(ctx, s, d.name)
	return err == nil && role != nil && role.ID == d.role.ID && role.Revision > d.role.Revision
}

// noteAccount logs that a count could not be stored, which is no reason to
// withhold what the server has said.
func (b *backend) noteAccount(d *definition, err error) {
	if err != nil {
		b.Logger().Warn("the count of an account's refused logins could not be stored", "role", d.name, "error", err)
	}
}

// loadAccount returns the account as it stands under the config as it is.
func loadAccount(ctx context.Context, s logical.Storage, key string, config *configEntry) (*accountEntry, error) {
	truth := digest(config.DestinationID, config.Revision)
	account, err := load[accountEntry](ctx, s, key)
	if err != nil || account == nil || account.Truth != truth {
		return &accountEntry{Version: entryVersion, Truth: truth}, err
	}
	if now := time.Now(); account.Last.After(now) { // by a clock that ran ahead: nobody knows when it was
		account.Last = now.Add(-longestPause).Round(0)
	}
	return account, nil
}

// forgetAccount ends the count of an account that a role's write can have
// fixed. One that is in the config's secrets is fixed there.
func forgetAccount(ctx context.Context, s logical.Storage, role *roleEntry) error {
	if role == nil || accountKey(role) == "" || role.Username == "" && !role.hasSecret() {
		return nil
	}
	return s.Delete(ctx, accountKey(role))
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
	switch next := e.next(); {
	case e.Refused >= maxRefusals:
		return fmt.Sprintf("%s was refusal %d, and accounts lock: the engine logs in no more before %s", sent, e.Refused, change)
	case e.Failure.Kind == oauth.Refused:
		return fmt.Sprintf("%s was refusal %d of %d, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, e.Refused, maxRefusals, instant(next), inSeconds(next), change)
	default:
		return fmt.Sprintf("%s may have been a refusal, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, instant(next), inSeconds(next), change)
	}
}

// inSeconds is how long it is until then.
func inSeconds(then time.Time) time.Duration {
	return max(time.Until(then).Round(time.Second), time.Second)
}
