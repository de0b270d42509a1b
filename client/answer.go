// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/oauth2"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// answer is what token/<role> returned. It is not changed once it is there.
type answer struct {
	AccessToken secret.String            `json:"access_token"`
	TokenType   string                   `json:"token_type"`
	Scope       string                   `json:"scope"`
	ExpiresIn   int64                    `json:"expires_in"` // seconds
	TTL         int64                    `json:"ttl"`        // seconds
	Headers     map[string]secret.String `json:"headers"`
	Query       map[string]secret.String `json:"query"`
	Extra       map[string]string        `json:"extra"`

	again time.Time // when reading again pays
	end   time.Time // when the token expires
}

// The states of an answer for one who wants to use it now.
type state int

const (
	fresh state = iota // reading again would return the same token
	due                // reading again pays, beside its use
	short              // less life left than wanted: reading again comes first
	over               // expired, or there is none
)

// margin is the life that a token needs to reach the API.
const margin = time.Second

func (a *answer) at(now time.Time, least time.Duration) state {
	switch {
	case a == nil || !now.Before(a.end):
		return over
	case now.Before(a.again):
		return fresh
	case a.end.Sub(now) < max(least, margin):
		return short
	}
	return due
}

// same tells whether both are the same token.
func (a *answer) same(b *answer) bool { return a.AccessToken == b.AccessToken }

func (a *answer) token() *oauth2.Token {
	extra := map[string]any{}
	for name, value := range a.Extra {
		extra[name] = value
	}
	extra["scope"] = a.Scope
	t := &oauth2.Token{AccessToken: a.AccessToken.Reveal(), TokenType: a.TokenType, Expiry: a.end}
	return t.WithExtra(extra)
}

// ask reads the token, or has the engine replace one that was rejected.
func (s *Source) ask(ctx context.Context, rejected *answer) (*answer, error) {
	var (
		vault   = s.config.Vault.Logical()
		started = time.Now()
		found   *api.Secret
		err     error
	)
	doing, path := "reading", s.path
	if rejected == nil {
		found, err = vault.ReadWithDataWithContext(ctx, path, s.parameters)
	} else {
		doing, path = "writing", s.path+"/renew"
		sum := sha256.Sum256([]byte(rejected.AccessToken.Reveal()))
		found, err = vault.WriteWithContext(ctx, path, map[string]any{"rejected_sha256": hex.EncodeToString(sum[:])})
	}
	switch {
	case err != nil:
		return nil, s.failed(doing, path, err)
	case found == nil:
		return nil, s.failed(doing, path, errors.New("nothing is at this path: is the secrets engine mounted elsewhere?"))
	}
	a, err := parse(found.Data)
	if err != nil {
		return nil, s.failed(doing, path, err)
	}
	a.counted(started, time.Now(), s.config.MinTTL)
	return a, nil
}

// parse quotes nothing of an answer that it cannot read, since that may hold a token.
func parse(data map[string]any) (*answer, error) {
	a := &answer{}
	text, err := json.Marshal(data)
	if err != nil || json.Unmarshal(text, a) != nil || a.AccessToken == "" || len(a.Headers)+len(a.Query) == 0 {
		return nil, errors.New("the answer is not one of the OAuth secrets engine: is another engine mounted at this path?")
	}
	return a, nil
}

// counted turns the answer's seconds into times. They count from when it was
// asked for, on the monotonic clock: Vault's clock and this one need not agree.
func (a *answer) counted(asked, came time.Time, least time.Duration) {
	a.end = asked.Add(seconds(a.ExpiresIn))
	a.again = asked.Add(seconds(a.TTL))
	if latest := a.end.Add(-least); latest.After(came) && a.again.After(latest) {
		a.again = latest // token/<role>/renew takes no min_ttl
	}
	if earliest := came.Add(time.Second); a.again.Before(earliest) {
		a.again = earliest // where Vault is slow, reads would follow each other without end
	}
}

func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt32)) * time.Second
}

// failure is an error of one line, with what caused it for errors.AsType.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// failed names role and path, and what Vault said.
func (s *Source) failed(doing, path string, err error) error {
	said := err.Error()
	if answered, ok := errors.AsType[*api.ResponseError](err); ok {
		said = fmt.Sprintf("Vault answered %d", answered.StatusCode)
		if !answered.RawError { // a raw error is the page of a proxy, for instance
			said += ": " + strings.Join(strings.Fields(strings.Join(answered.Errors, "; ")), " ")
		}
	}
	return &failure{fmt.Sprintf("role %s: %s %s: %s", s.config.Role, doing, path, said), err}
}

// The longest pauses between requests to Vault that fail, or that do not help.
const (
	readsApart    = 15 * time.Second
	renewalsApart = time.Minute // an API that rejects good tokens costs an exchange each
)

// pause is a time without requests to Vault.
type pause struct {
	length time.Duration
	until  time.Time
}

func (p pause) lasts(now time.Time) bool { return now.Before(p.until) }

// longer returns the pause from now on: a second at first, then twice as long
// each time up to longest, half of it random. It starts over when none was
// needed for that long.
func (p pause) longer(now time.Time, longest time.Duration) pause {
	length := time.Second
	if now.Sub(p.until) < longest {
		length = min(max(2*p.length, length), longest)
	}
	return pause{length: length, until: now.Add(length/2 + rand.N(length/2))}
}
