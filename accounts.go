// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
)

// accountEntry counts the logins of one account that its server has refused,
// whichever roles use it. It is stored, so that no restart begins anew.
type accountEntry struct {
	Version int          `json:"version"`
	Truth   string       `json:"truth"` // of the config; under another one the count is over
	Refused int          `json:"refused"`
	Last    time.Time    `json:"last"`
	Failure *oauth.Error `json:"failure"` // the last refusal; it has no secret
	Trace   string       `json:"trace"`   // of the last refusal, for those who ask too late to see another; no secret either
}

// maxTrace bounds the trace that is kept, in bytes.
const maxTrace = 16 << 10

// accountError is a login that the server has refused, now or earlier.
type accountError struct {
	accountEntry
	earlier bool // nothing was sent this time
}

func (e *accountError) Error() string { return e.Failure.Error() }
func (e *accountError) Unwrap() error { return e.Failure }

// next is the earliest instant of another login, or zero: not until something is changed.
func (e *accountError) next() time.Time {
	if e.Refused >= maxRefusals {
		return time.Time{}
	}
	return e.Last.Add(refusalPause)
}

// account returns the storage key of the account that the role logs in with, or
// "" if a refusal can lock none.
func (d *definition) account() string {
	return accountKey(d.role)
}

func accountKey(role *roleEntry) string {
	flow, ok := flows.Lookup(role.Flow)
	if !ok || !flow.Describe().Account {
		return ""
	}
	who := "config" // the account is in the config's own secrets
	switch {
	case role.Username != "":
		who = "user:" + role.Username
	case role.hasSecret() || len(role.Variables) > 0:
		who = "role:" + role.ID
	}
	sum := sha256.Sum256([]byte(who))
	return accountPrefix + role.Config + "/" + hex.EncodeToString(sum[:])
}

// login obtains a token with the role's credentials, and never more than one at
// a time for one account: roles that share it must not try in parallel what
// locks it. anew is for a person who has changed something just now. What is
// sent is recorded in trace.
func (b *backend) login(ctx context.Context, s logical.Storage, d *definition, anew bool, trace *oauth.Trace) (*oauth.Token, error) {
	ctx = oauth.WithTrace(ctx, trace)
	key := d.account()
	if key == "" {
		return d.flow.Mint(ctx, d.request)
	}
	unlock, err := b.names.lockUntil(ctx, key)
	if err != nil {
		return nil, &oauth.Error{Kind: oauth.Unavailable, Host: d.config.host(), Reason: "another login of the same account is still in progress"}
	}
	defer unlock()
	account, err := loadAccount(ctx, s, key, d.config)
	if err != nil {
		return nil, err
	}
	if waits := (&accountError{*account, true}); account.Refused > 0 && !anew && (account.Refused >= maxRefusals || time.Now().Before(waits.next())) {
		return nil, waits
	}
	token, err := d.flow.Mint(ctx, d.request)
	if err == nil && account.Refused > 0 {
		b.noteAccount(d, s.Delete(ctx, key))
	}
	refusal := (*oauth.Error)(nil)
	if errors.As(err, &refusal) && d.refusesAccount(refusal) {
		account.Refused++
		account.Last, account.Failure = time.Now().Round(0), refusal
		account.Trace = trace.String()
		account.Trace = account.Trace[:min(len(account.Trace), maxTrace)]
		b.noteAccount(d, save(ctx, s, key, account, maxTokenSize))
		return nil, &accountError{*account, false}
	}
	return token, err
}

// noteAccount logs that a count could not be stored, which is no reason to
// withhold what the server has said.
func (b *backend) noteAccount(d *definition, err error) {
	if err != nil {
		b.Logger().Warn("the count of an account's refused logins could not be stored", "role", d.name, "error", err)
	}
}

// refusesAccount tells a refusal of user name and password from one of our
// client or of what it asks for (RFC 6749 section 5.2).
func (d *definition) refusesAccount(failed *oauth.Error) bool {
	return failed.Kind == oauth.Refused && (d.role.Flow == flows.Login || !slices.Contains([]string{
		"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request", "invalid_target",
	}, failed.Code))
}

// loadAccount returns the account as it stands under the config as it is.
func loadAccount(ctx context.Context, s logical.Storage, key string, config *configEntry) (*accountEntry, error) {
	truth := digest(config.DestinationID, config.Revision)
	account, err := load[accountEntry](ctx, s, key)
	if err != nil || account == nil || account.Truth != truth {
		return &accountEntry{Version: entryVersion, Truth: truth}, err
	}
	return account, nil
}

// forgetAccount ends the count of a role's account.
func forgetAccount(ctx context.Context, s logical.Storage, role *roleEntry) error {
	if role == nil || accountKey(role) == "" {
		return nil
	}
	return s.Delete(ctx, accountKey(role))
}

// forgetAccounts ends the counts of all accounts of a config.
func forgetAccounts(ctx context.Context, s logical.Storage, config string) error {
	prefix := accountPrefix + config + "/"
	keys, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Delete(ctx, prefix+key); err != nil {
			return err
		}
	}
	return nil
}

// nothingSent says that the refusal is an earlier one, or nothing.
func (e *accountError) nothingSent() string {
	if !e.earlier {
		return ""
	}
	return fmt.Sprintf("Nothing was sent now: this was answered at %s to a login of the same account, by this role or another", e.Last.UTC().Format(time.RFC3339))
}

// until says when the engine logs in again.
func (e *accountError) until(mount, role, config string) string {
	sent := "This"
	if e.earlier {
		sent = e.nothingSent() + ". It"
	}
	change := fmt.Sprintf("a write to %sconfig/%s or %sroles/%s that changes something", mount, config, mount, role)
	if e.Refused >= maxRefusals {
		return fmt.Sprintf("%s was refusal %d, and accounts lock: the engine logs in no more before %s", sent, e.Refused, change)
	}
	next := e.next()
	return fmt.Sprintf("%s was refusal %d of %d, and accounts lock: the engine logs in again after %s (in %s), or after %s",
		sent, e.Refused, maxRefusals, next.UTC().Format(time.RFC3339), max(time.Until(next).Round(time.Second), time.Second), change)
}
