// SPDX-License-Identifier: MPL-2.0

// Package client gives an application the token of a role of the OAuth secrets
// engine for Vault: as an http.Client that sends it, or as an
// oauth2.TokenSource for libraries that take one.
//
//	source, err := client.New(client.Config{Vault: vault, Role: "orders"})
//	...
//	api := source.HTTPClient(nil)
//	resp, err := api.Get("https://api.example.com/orders")
//
// The token is read without a lease and kept. It is read again when the engine
// said that this pays, beside the requests that use it, and replaced when the
// API answers 401. The Vault policy it takes, for a role named orders:
//
//	path "oauth/token/orders"       { capabilities = ["read"] }
//	path "oauth/token/orders/renew" { capabilities = ["update"] }
//
// Without the second rule everything works but the replacement after a 401.
package client

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/oauth2"
)

// Config says where a token comes from and where it may go. Vault and Role are
// required.
type Config struct {
	Vault  *api.Client   // address, namespace and Vault token are its business; it can be shared and changed
	Mount  string        // path of the secrets engine; empty means oauth
	Role   string        // name of the role
	MinTTL time.Duration // least remaining life of the token that a request carries; it can only raise the role's
	Hosts  []string      // if not empty, requests to other hosts carry no token; api.example.com, or with a port
}

// Source is a role's token. It is safe for concurrent use, and meant to be made
// once: each Source keeps a token of its own. It needs no Close, since all that
// it ever leaves running is one request to Vault, for a minute at most.
//
// A Source prints as the role's name, and its errors hold no token.
type Source struct {
	config     Config
	path       string
	parameters map[string][]string

	mu       sync.Mutex // guards what follows
	held     *answer
	flight   *flight // the request to Vault that is under way, or nil
	reads    pause   // after failed reads
	renewals pause   // after every renewal
	err      error   // of the last request to Vault
}

var _ oauth2.TokenSource = (*Source)(nil)

// names are those that the engine allows for roles; others would end up at
// another path.
var names = regexp.MustCompile(`^\w([\w.-]*\w)?$`)

// New checks the configuration. It does not ask Vault for anything yet.
func New(config Config) (*Source, error) {
	switch {
	case config.Vault == nil:
		return nil, errors.New("a Vault API client is missing")
	case !names.MatchString(config.Role) || strings.Contains(config.Role, ".."):
		return nil, fmt.Errorf("%q is not a valid role name", config.Role)
	case config.MinTTL < 0:
		return nil, fmt.Errorf("MinTTL must not be negative: it is %s", config.MinTTL)
	}
	mount := strings.Trim(config.Mount, "/")
	if mount == "" {
		mount = "oauth"
	}
	s := &Source{config: config, path: mount + "/token/" + config.Role}
	if config.MinTTL > 0 {
		roundedUp := int64((config.MinTTL + time.Second - 1) / time.Second)
		s.parameters = map[string][]string{"min_ttl": {strconv.FormatInt(roundedUp, 10)}}
	}
	return s, nil
}

func (s *Source) String() string { return fmt.Sprintf("token of role %s (%s)", s.config.Role, s.path) }

// Format implements fmt.Formatter for the verbs that would look past String.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// Token implements oauth2.TokenSource. It must not be wrapped in
// oauth2.ReuseTokenSource, which would use each token to its end.
//
// Token.Extra returns the scope, and what the role's login captured beside the
// token ("instance_url"). Libraries that take a TokenSource send the token as
// oauth2.Token says, mostly as "Authorization: Bearer"; for an API that wants it
// elsewhere use HTTPClient.
func (s *Source) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext is Token for callers who do not wait for Vault longer than ctx.
// The error of a ctx that has ended can be found with errors.Is, what Vault
// answered with errors.AsType and an *api.ResponseError.
func (s *Source) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	a, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return a.token(), nil
}

// Err is why the last request to Vault failed, or nil: a failure is not seen
// elsewhere while the token in hand still works, or if the API's 401 was handed
// on because there was no other token.
func (s *Source) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// flight is one request to Vault, shared by all who wait for it. It goes on when
// they leave.
type flight struct {
	rejected *answer       // what is reported to the engine; nil for a read
	done     chan struct{} // closed when answer and err are set
	answer   *answer
	err      error
	taken    atomic.Bool // an answer that was over when it came serves one
}

// patience is for one request to Vault with its API client's retries. The
// engine itself answers after 15 s at most.
const patience = time.Minute

// current returns the answer that a request is to carry now.
func (s *Source) current(ctx context.Context) (*answer, error) {
	for {
		held, f, err := s.look()
		if f == nil {
			return held, err
		}
		if err := f.wait(ctx); err != nil {
			return nil, s.failed("waiting for", s.path, err)
		}
		if f.err == nil && f.serves(time.Now()) {
			return f.answer, nil
		}
	}
}

// look returns what can be used now, or the flight to wait for, or an error. It
// starts a read where one pays.
func (s *Source) look() (*answer, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	state := s.held.at(now, s.config.MinTTL)
	if state != fresh && s.flight == nil && !s.reads.lasts(now) {
		s.start(nil)
	}
	switch {
	case state == fresh, state == due, state == short && s.flight == nil:
		return s.held, nil, nil
	case s.flight != nil:
		return nil, s.flight, nil
	}
	return nil, nil, s.err // set, since a pause lasts
}

// instead reports an answer whose token the API has rejected, and returns
// another one, or nil if there is none to be had now.
func (s *Source) instead(ctx context.Context, rejected *answer) *answer {
	for reported := false; ; {
		s.mu.Lock()
		other := !s.held.same(rejected)
		if !other && !reported && s.flight == nil && !s.renewals.lasts(time.Now()) {
			s.renewals = s.renewals.longer(time.Now(), renewalsApart)
			s.start(rejected)
		}
		f := s.flight
		s.mu.Unlock()
		switch {
		case other:
			a, _ := s.current(ctx) // nil with an error, which Err has
			return a
		case f == nil || reported:
			return nil
		}
		reported = f.rejected != nil
		if f.wait(ctx) != nil {
			return nil
		}
		if f.err == nil && !f.answer.same(rejected) && f.serves(time.Now()) {
			return f.answer
		}
	}
}

// start begins a request to Vault; s.mu is held, and there is no other.
func (s *Source) start(rejected *answer) {
	f := &flight{rejected: rejected, done: make(chan struct{})}
	s.flight = f
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		a, err := s.ask(ctx, rejected)
		s.land(f, a, err)
	}()
}

func (s *Source) land(f *flight, a *answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.answer, f.err = a, err
	s.flight, s.err = nil, err
	switch {
	case err == nil:
		s.held, s.reads = a, pause{}
	case f.rejected == nil:
		s.reads = s.reads.longer(time.Now(), readsApart)
	}
	close(f.done)
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serves tells one of those who waited whether the answer is theirs to use: a
// token that may be used once only must not go to all of them.
func (f *flight) serves(now time.Time) bool {
	return f.answer.at(now, 0) != over || f.taken.CompareAndSwap(false, true)
}
