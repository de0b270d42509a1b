// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// Accounts lock after a few wrong passwords: so many refusals, so far apart, and
// no login more until something is changed.
const (
	MaxRefusals  = 3
	RefusalPause = 5 * time.Minute
	LongestPause = time.Hour
)

// MaxTrace bounds the trace that is kept, in bytes.
const MaxTrace = 16 << 10

// Account counts the logins of one account that its server has refused,
// whichever roles use it. It is stored, so that no restart begins anew.
type Account struct {
	Version  int          `json:"version"`
	Revision string       `json:"truth"`   // of the config; under another one the count is over
	Answers  int          `json:"answers"` // in a row that were no token
	Refused  int          `json:"refused"` // those of them that were plain refusals
	Last     time.Time    `json:"last"`
	Failure  *oauth.Error `json:"failure"` // the last refusal; it has no secret
	Trace    string       `json:"trace"`   // of the last refusal, for those who ask too late to see another; no secret either
}

// Next is the earliest instant of another login, or zero: not until something is
// changed. An answer that may have been a refusal, such as a page for people or a
// redirect to one, makes the pauses longer and never ends the tries: it may have
// been the server's bad hour.
func (a *Account) Next() time.Time {
	if a.Refused >= MaxRefusals {
		return time.Time{}
	}
	pause := RefusalPause
	if a.Failure.Kind != oauth.Refused {
		pause = min(RefusalPause<<min(a.Answers-1, 10), LongestPause)
	}
	return a.Last.Add(max(pause, a.Failure.RetryAfter))
}

// Waits tells whether no login may be tried now.
func (a *Account) Waits(now time.Time) bool {
	return a.Refused >= MaxRefusals || a.Answers > 0 && now.Before(a.Next())
}

// Count adds an answer that was no token.
func (a *Account) Count(failed *oauth.Error, trace *oauth.Trace) {
	a.Answers++
	if failed.Kind == oauth.Refused {
		a.Refused++
	}
	a.Last, a.Failure = time.Now().Round(0), failed
	a.Trace = trace.String()
	a.Trace = strings.ToValidUTF8(a.Trace[:min(len(a.Trace), MaxTrace)], "") // the cut may go through a character
}

// AccountKey is where the account is counted that the role logs in with, or "" if
// a refusal can lock none.
func AccountKey(role *Role) string {
	if role.flow().Account == nil {
		return ""
	}
	who := "config" // the account is in the config's own secrets
	switch name := role.account(); {
	case name != "":
		who = "user:" + name
	case role.HasSecret():
		who = "role:" + role.ID
	}
	sum := sha256.Sum256([]byte(who))
	return Accounts.Under(role.Config).Key(hex.EncodeToString(sum[:]))
}

// account is the name of the account that the role logs in with, if it has one.
func (r *Role) account() string {
	if named := r.flow().Account; named != nil {
		return named.Of(r.Own)
	}
	return ""
}

// OwnAccount tells whether the role says itself which account it logs in with.
func (r *Role) OwnAccount() bool { return r.account() != "" || r.HasSecret() }

// LoadAccount returns the account as it stands under the config as it is.
func LoadAccount(ctx context.Context, s logical.Storage, key string, config *Config) (*Account, error) {
	revision := digest(config.DestinationID, config.Revision)
	account, err := load[Account](ctx, s, key)
	if err != nil || account == nil || account.Revision != revision {
		return &Account{Version: version, Revision: revision}, err
	}
	if now := time.Now(); account.Last.After(now) { // by a clock that ran ahead: nobody knows when it was
		account.Last = now.Add(-LongestPause).Round(0)
	}
	return account, nil
}

// Save stores the account at the key.
func (a *Account) Save(ctx context.Context, s logical.Storage, key string) error {
	return save(ctx, s, key, a, maxTokenSize)
}

// ForgetAccount ends the count of an account that a role's write can have
// fixed. One that is in the config's secrets is fixed there.
func ForgetAccount(ctx context.Context, s logical.Storage, role *Role) error {
	if role == nil || AccountKey(role) == "" || !role.OwnAccount() {
		return nil
	}
	return s.Delete(ctx, AccountKey(role))
}
