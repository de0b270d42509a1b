// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// scripted is a flow whose answers a test decides.
type scripted struct {
	flows.Flow
	mint func() (*oauth.Token, error)
}

func (s scripted) Mint(context.Context, flows.Request) (*oauth.Token, error) { return s.mint() }

const userPassword = "canary-password"

// newAccount is a definition of flow password that needs no server.
func newAccount(mint func() (*oauth.Token, error)) (*Engine, *Definition) {
	flow, _ := flows.Lookup("password")
	role := &entry.Role{RoleMeta: entry.RoleMeta{ID: "id"}, Config: "c", Flow: "password", Own: field.Own{"username": "alice", "password": secret.String(userPassword)}}
	return New(Options{}), &Definition{
		Name: "r", Role: role, Config: &entry.Config{ConfigMeta: entry.ConfigMeta{DestinationID: "d"}}, About: flow.Describe(),
		flow: scripted{flow, mint}, request: role.Request(&flows.Server{Client: new(oauth.Client)}),
	}
}

func TestAnAccountIsTriedThreeTimesFiveMinutesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		start := time.Now()
		b, d := newAccount(func() (*oauth.Token, error) {
			tries = append(tries, time.Since(start))
			return nil, &oauth.Error{Kind: oauth.Refused, Host: "h", Code: "invalid_grant"}
		})
		s := new(logical.InmemStorage)
		for time.Since(start) < 24*time.Hour {
			_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
			require.ErrorContains(t, err, "invalid_grant")
			account := (*AccountError)(nil)
			require.ErrorAs(t, err, &account)
			wait := remember(err, 1, 0)
			require.GreaterOrEqual(t, wait, leastWait)
			require.LessOrEqual(t, wait, entry.RefusalPause)
			time.Sleep(time.Second)
		}
		require.Equal(t, []time.Duration{0, entry.RefusalPause, 2 * entry.RefusalPause}, tries)

		d.Config.Revision++
		_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
		require.ErrorContains(t, err, "invalid_grant")
		require.Len(t, tries, 4)
		b.Close(t.Context())
	})
}

func TestOnlyRefusalsOfTheAccountCount(t *testing.T) {
	for _, failed := range []*oauth.Error{
		{Kind: oauth.Refused, Code: "invalid_client"}, {Kind: oauth.Refused, Code: "invalid_scope"}, {Kind: oauth.Unavailable},
		{Kind: oauth.Ambiguous}, {Kind: oauth.Unreachable}, {Kind: oauth.Forbidden},
	} {
		tries := 0
		b, d := newAccount(func() (*oauth.Token, error) { tries++; return nil, failed })
		for range 5 {
			_, err := b.loginOnce(t.Context(), new(logical.InmemStorage), d, loginWay{trace: new(oauth.Trace)})
			require.ErrorIs(t, err, failed)
		}
		require.Equal(t, 5, tries, "%v", failed)
	}
	for flow, want := range map[string]bool{"password": false, "login": true} {
		require.Equal(t, want, meaningOf(&oauth.Error{Kind: oauth.Refused, Code: "invalid_request"}, flow == "login").account, flow)
	}
}

// An answer that may have been a refusal is asked for less and less often, and
// never given up: it may have been the server's bad hour.
func TestAnOddAnswerIsAskedForLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		start := time.Now()
		b, d := newAccount(func() (*oauth.Token, error) {
			tries = append(tries, time.Since(start)/time.Minute)
			return nil, &oauth.Error{Kind: oauth.Redirected}
		})
		s := new(logical.InmemStorage)
		for time.Since(start) < 5*time.Hour {
			_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
			require.Error(t, err)
			time.Sleep(time.Minute)
		}
		require.Equal(t, []time.Duration{0, 5, 15, 35, 75, 135, 195, 255}, tries)
	})
}

func TestAServerThatNamesAWaitIsObeyed(t *testing.T) {
	account := entry.Account{Answers: 1, Refused: 1, Last: time.Now(), Failure: &oauth.Error{Kind: oauth.Refused, RetryAfter: time.Hour}}
	require.True(t, account.Waits(account.Last.Add(time.Hour-1)))
	require.False(t, account.Waits(account.Last.Add(time.Hour)))
}

// A refusal of what was sent before a write must not count against what is there since.
func TestALateRefusalDoesNotCount(t *testing.T) {
	s := new(logical.InmemStorage)
	b, d := newAccount(nil)
	d.flow = scripted{d.flow, func() (*oauth.Token, error) {
		later := *d.Role
		later.Revision++
		stored, err := later.Encode(d.Name)
		require.NoError(t, err)
		require.NoError(t, s.Put(t.Context(), stored))
		return nil, &oauth.Error{Kind: oauth.Refused}
	}}
	_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
	require.Error(t, err)
	account, err := entry.LoadAccount(t.Context(), s, entry.AccountKey(d.Role), d.Config)
	require.NoError(t, err)
	require.Zero(t, account.Refused)
}

// Many roles with one account and a wrong password, all read at once.
func TestAnAccountIsNeverTriedInParallel(t *testing.T) {
	var mu sync.Mutex
	tries, now, most := 0, 0, 0
	b, d := newAccount(func() (*oauth.Token, error) {
		mu.Lock()
		tries, now = tries+1, now+1
		most = max(most, now)
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		return nil, &oauth.Error{Kind: oauth.Refused, Code: "invalid_grant"}
	})
	s := new(logical.InmemStorage)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _ = b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)}) })
	}
	all.Wait()
	require.Equal(t, []int{1, 1}, []int{tries, most})
}

func TestAccountsAreToldApart(t *testing.T) {
	roles := []*entry.Role{
		{RoleMeta: entry.RoleMeta{ID: "1"}, Config: "c", Flow: "login", Own: field.Own{"username": "alice"}},
		{RoleMeta: entry.RoleMeta{ID: "2"}, Config: "c", Flow: "login", Own: field.Own{"username": "bob"}},
		{RoleMeta: entry.RoleMeta{ID: "3"}, Config: "d", Flow: "login", Own: field.Own{"username": "alice"}},
		{RoleMeta: entry.RoleMeta{ID: "4"}, Config: "c", Flow: "login", Own: field.Own{"secrets": field.SecretValues{"a": `"b"`}}},
		{RoleMeta: entry.RoleMeta{ID: "5"}, Config: "c", Flow: "login", Own: field.Own{"secrets": field.SecretValues{"a": `"b"`}}},
		{RoleMeta: entry.RoleMeta{ID: "6"}, Config: "c", Flow: "login"},
	}
	keys := map[string]bool{}
	for _, role := range roles {
		keys[entry.AccountKey(role)] = true
	}
	require.Len(t, keys, len(roles))
	require.Equal(t, entry.AccountKey(roles[0]), entry.AccountKey(&entry.Role{RoleMeta: entry.RoleMeta{ID: "7"}, Config: "c", Flow: "password", Own: field.Own{"username": "alice"}}))
	require.Equal(t, entry.AccountKey(roles[5]), entry.AccountKey(&entry.Role{RoleMeta: entry.RoleMeta{ID: "8"}, Config: "c", Flow: "login"}))
	require.Empty(t, entry.AccountKey(&entry.Role{RoleMeta: entry.RoleMeta{ID: "9"}, Config: "c", Flow: "client_credentials"}))
}

func TestALoginWaitsForItsAccountNoLongerThanItMay(t *testing.T) {
	b, d := newAccount(func() (*oauth.Token, error) { panic("not reached") })
	unlock, err := b.accounts.Lock(t.Context(), entry.AccountKey(d.Role))
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.loginOnce(ctx, new(logical.InmemStorage), d, loginWay{trace: new(oauth.Trace)})
	require.ErrorContains(t, err, "another login of the same account is still in progress")
	require.Len(t, b.accounts.held, 1, "the one that waited has gone")
}

// A refusal that was counted by a clock which ran ahead holds nobody up.
func TestAnAccountOutlivesAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b, d := newAccount(func() (*oauth.Token, error) {
			tries++
			return nil, &oauth.Error{Kind: oauth.Refused, Host: "h", Code: "invalid_grant"}
		})
		s := new(logical.InmemStorage)
		login := func() error {
			_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
			return err
		}
		require.Error(t, login())
		account, err := entry.LoadAccount(t.Context(), s, entry.AccountKey(d.Role), d.Config)
		require.NoError(t, err)
		account.Last = time.Now().AddDate(10, 0, 0)
		require.NoError(t, account.Save(t.Context(), s, entry.AccountKey(d.Role)))
		require.Error(t, login())
		require.Equal(t, 2, tries)
		require.Error(t, login())
		require.Equal(t, 2, tries, "counted as any other")
		b.Close(t.Context())
	})
}

// A write that is refused must not open an account for more tries.
