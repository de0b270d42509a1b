// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// issuing is a flow whose server issues what it is asked for.
type issuing struct {
	flows.Flow

	mu    sync.Mutex
	asked []string // grant and scopes of each exchange
}

func (f *issuing) Mint(_ context.Context, r flows.Request) (*oauth.Token, error) {
	return f.issue("login", r)
}

func (f *issuing) Refresh(_ context.Context, r flows.Request, _ flows.Held) (*oauth.Token, error) {
	return f.issue("refresh", r)
}

func (f *issuing) issue(grant string, r flows.Request) (*oauth.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprint(grant, r.Scopes))
	n, now := len(f.asked), time.Now().Round(0)
	return &oauth.Token{
		AccessToken: secret.String(fmt.Sprint("access-", n)), RefreshToken: secret.String(fmt.Sprint("refresh-", n)),
		TokenType: "Bearer", Issued: now, Expires: now.Add(time.Hour),
	}, nil
}

func (f *issuing) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(slices.Values(f.asked))
}

// counted is a storage that remembers what was read from it.
type counted struct {
	logical.Storage

	mu   sync.Mutex
	gets []string
}

func (s *counted) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	s.mu.Lock()
	s.gets = append(s.gets, key)
	s.mu.Unlock()
	return s.Storage.Get(ctx, key)
}

// take returns what was read since the last call.
func (s *counted) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	gets := s.gets
	s.gets = nil
	return gets
}

// newIssuing is an engine over a storage with role r at a server that issues
// refresh tokens, too.
func newIssuing(t *testing.T, s logical.Storage) (*Engine, *issuing) {
	password, _ := flows.Lookup("password")
	flow := &issuing{Flow: password}
	config, role := entry.NewConfig(), entry.NewRole()
	config.DestinationID, config.TokenURL, config.ClientID = "d", "https://h/token", "app"
	config.Auth = field.Own{"client_secret": secret.String("canary-secret")}
	role.ID, role.Config, role.Flow, role.Scopes, role.SecretsFor = "id", "c", "password", []string{"all"}, "d"
	role.Own = field.Own{"username": "alice", "password": secret.String(userPassword)}
	require.NoError(t, config.Save(t.Context(), s, "c"))
	stored, err := role.Encode("r")
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), stored))
	return engineWith(t, flow), flow
}

func engineWith(t *testing.T, flow flows.Flow) *Engine {
	e := New(Options{
		Logger: hclog.NewNullLogger, MayWrite: func() error { return nil }, Renewed: func(*Definition, *entry.Token) {}, Failed: func(*Definition, error) {},
		Flows: func(string) (flows.Flow, bool) { return flow, true },
	})
	t.Cleanup(func() { e.Close(context.Background()) })
	return e
}

// A token of one holder, and a narrowed one, are a role's as the shared one is:
// each has its own place, all are renewed after a restart, and all go with the role.
func TestEachTokenOfARoleIsKeptRenewedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(logical.InmemStorage)
		e, flow := newIssuing(t, s)
		targets := []entry.Target{
			{RoleID: "id", Holder: entry.SharedHolder},
			{RoleID: "id", Holder: "entity-1"},
			{RoleID: "id", Holder: entry.SharedHolder, Ask: entry.Ask{Scopes: []string{"few"}}},
			{RoleID: "id", Holder: "entity-1", Ask: entry.Ask{Scopes: []string{"few"}, Resource: []string{"https://a.example"}}},
		}
		tokens := map[string]bool{}
		obtain := func(e *Engine, target entry.Target) string {
			shared, err := e.Define(t.Context(), s, "r")
			require.NoError(t, err)
			d, err := shared.For(target)
			require.NoError(t, err)
			answer, err := e.tokens.Get(t.Context(), d.Key, d.Need(0), e.source(s, d))
			require.NoError(t, err)
			return answer.Record.AccessToken.Reveal()
		}
		for _, target := range targets {
			tokens[obtain(e, target)] = true
		}
		require.Len(t, tokens, 4)
		require.Equal(t, []string{"login[all]", "login[all]", "login[few]", "login[few]"}, flow.seen())
		e.Close(t.Context())

		again := engineWith(t, flow) // has nothing in memory
		again.Start(s)
		for _, target := range targets {
			require.True(t, tokens[obtain(again, target)], "from storage")
			again.renewals.Touch(jobFor(t, target))
		}
		time.Sleep(55 * time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"refresh[all]", "refresh[all]", "refresh[few]", "refresh[few]"}, flow.seen()[4:], "each is renewed by its own refresh token, as narrow as it was")

		require.NoError(t, again.ForgetToken(t.Context(), s, "r", targets[3]))
		require.Len(t, storedTokens(t, s), 3)
		role, err := entry.LoadRole(t.Context(), s, "r")
		require.NoError(t, err)
		require.NoError(t, again.ForgetTokens(t.Context(), s, "r", role))
		require.Empty(t, storedTokens(t, s))
		for _, target := range targets {
			_, known := again.Job(jobFor(t, target))
			require.False(t, known, "%v is renewed no more", target)
		}
	})
}

func jobFor(t *testing.T, target entry.Target) refresh.Key {
	key, err := target.Key()
	require.NoError(t, err)
	return refresh.Key{Role: "r", Token: key}
}

func storedTokens(t *testing.T, s logical.Storage) []string {
	keys, err := s.List(t.Context(), string(entry.Tokens.Under("id")))
	require.NoError(t, err)
	return keys
}

// At 100,000 roles that are renewed each hour, one read more is 28 a second more.
func TestARenewalReadsTokenAndRoleBeforeTheIntentAndAtCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{Storage: new(logical.InmemStorage)}
		e, flow := newIssuing(t, s)
		e.Start(s)
		_, err := e.Read(t.Context(), s, "r", 0)
		require.NoError(t, err)
		synctest.Wait()
		s.take()
		time.Sleep(55 * time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"login[all]", "refresh[all]"}, flow.seen())
		token, err := entry.Target{RoleID: "id", Holder: entry.SharedHolder}.Key()
		require.NoError(t, err)
		require.ElementsMatch(t, []string{token, "role/r", token, "role/r"}, s.take())
	})
}
