// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"strings"
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

const refusedLogin = "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"message\": \"Bad credentials for alice\"}"

func TestThreeRefusedLoginsAreEnough(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	for _, role := range []string{"a", "b", "c"} {
		m.write("roles/"+role, fields{"config": "api", "username": "alice", "password": userPassword + role})
	}
	server.Instead(refusedLogin)
	message := m.refused(logical.ReadOperation, "creds/a", nil)
	require.Contains(t, message, "answered 401: Bad credentials for alice. Action required by an operator")
	require.Contains(t, message, "This was refusal 1 of 3, and accounts lock: the engine logs in again after")
	require.Contains(t, message, "or after a write to oauth/config/api or oauth/roles/a that changes something")

	// The same account in another role, after a restart, and when somebody presses.
	m.refused(logical.ReadOperation, "creds/b", nil)
	m.b.Clean(context.Background())
	m.start()
	m.refused(logical.ReadOperation, "creds/c", nil)
	m.refused(logical.UpdateOperation, "token/c/renew", nil)
	tried := m.write("roles/c/test", nil).Data
	require.Equal(t, false, tried["ok"])
	require.Contains(t, tried["trace"], "Nothing was sent now")
	require.Contains(t, tried["trace"], "401 Unauthorized", "what was sent then is shown")
	require.Contains(t, tried["failure"], "refusal 1 of 3")
	require.Equal(t, 1, server.Requests())

	// A write that changes nothing changes nothing here; one that does, does.
	m.write("roles/a", fields{"password": userPassword + "a"})
	m.refused(logical.ReadOperation, "creds/a", nil)
	require.Equal(t, 1, server.Requests())
	m.write("roles/a", fields{"password": userPassword})
	m.refused(logical.ReadOperation, "creds/a", nil)
	require.Equal(t, 2, server.Requests())
	m.write("config/api", fields{"description": "changed"})
	m.refused(logical.ReadOperation, "creds/b", nil)
	require.Equal(t, 3, server.Requests())

	// Another account is another matter, and so is success.
	m.write("roles/d", fields{"config": "api", "username": "bob", "password": userPassword})
	m.refused(logical.ReadOperation, "creds/d", nil)
	require.Equal(t, 4, server.Requests())
	server.Instead("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"securityToken\": \"t-1\"}")
	m.write("roles/a", fields{"password": userPassword + "!"})
	require.Equal(t, "t-1", m.token("a"))
	require.Equal(t, "t-1", m.token("c"))
	require.Contains(t, m.refused(logical.ReadOperation, "creds/d", nil), "refusal 1 of 3")

	m.ok(logical.DeleteOperation, "config/api", fields{"force": true})
	for key := range m.stored() {
		require.NotContains(t, key, string(entry.Accounts))
	}
}

// scripted is a flow whose answers a test decides.
type scripted struct {
	flows.Flow
	mint func() (*oauth.Token, error)
}

func (s scripted) Mint(context.Context, flows.Request) (*oauth.Token, error) { return s.mint() }

// newAccount is a definition of flow password that needs no server.
func newAccount(mint func() (*oauth.Token, error)) (*backend, *definition) {
	flow, _ := flows.Lookup("password")
	role := &entry.Role{RoleMeta: entry.RoleMeta{ID: "id"}, Config: "c", Flow: "password", Own: field.Own{"username": "alice", "password": secret.String(userPassword)}}
	return newBackend(""), &definition{name: "r", role: role, config: &entry.Config{ConfigMeta: entry.ConfigMeta{DestinationID: "d"}}, flow: scripted{flow, mint},
		about: flow.Describe(), request: role.Request(&flows.Server{Client: new(oauth.Client)})}
}

func TestAnAccountIsTriedThreeTimesFiveMinutesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		start := time.Now()
		b, d := newAccount(func() (*oauth.Token, error) {
			tries = append(tries, time.Since(start))
			return nil, &oauth.Error{Kind: oauth.Refused, Host: "h", Code: "invalid_grant"}
		})
		b.Setup(t.Context(), logical.TestBackendConfig())
		s := new(logical.InmemStorage)
		for time.Since(start) < 24*time.Hour {
			_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
			require.ErrorContains(t, err, "invalid_grant")
			account := (*accountError)(nil)
			require.ErrorAs(t, err, &account)
			wait := remember(err, 1, 0)
			require.GreaterOrEqual(t, wait, leastWait)
			require.LessOrEqual(t, wait, entry.RefusalPause)
			time.Sleep(time.Second)
		}
		require.Equal(t, []time.Duration{0, entry.RefusalPause, 2 * entry.RefusalPause}, tries)

		d.config.Revision++
		_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
		require.ErrorContains(t, err, "invalid_grant")
		require.Len(t, tries, 4)
		b.Clean(t.Context())
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
		later := *d.role
		later.Revision++
		putRole(t, s, d.name, &later)
		return nil, &oauth.Error{Kind: oauth.Refused}
	}}
	_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
	require.Error(t, err)
	account, err := entry.LoadAccount(t.Context(), s, entry.AccountKey(d.role), d.config)
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
	unlock, err := b.names.lock(t.Context(), entry.AccountKey(d.role))
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.loginOnce(ctx, new(logical.InmemStorage), d, loginWay{trace: new(oauth.Trace)})
	require.ErrorContains(t, err, "another login of the same account is still in progress")
	require.Len(t, b.names.held, 1, "the one that waited has gone")
}

// A refusal that was counted by a clock which ran ahead holds nobody up.
func TestAnAccountOutlivesAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b, d := newAccount(func() (*oauth.Token, error) {
			tries++
			return nil, &oauth.Error{Kind: oauth.Refused, Host: "h", Code: "invalid_grant"}
		})
		require.NoError(t, b.Setup(t.Context(), logical.TestBackendConfig()))
		s := new(logical.InmemStorage)
		login := func() error {
			_, err := b.loginOnce(t.Context(), s, d, loginWay{trace: new(oauth.Trace)})
			return err
		}
		require.Error(t, login())
		account, err := entry.LoadAccount(t.Context(), s, entry.AccountKey(d.role), d.config)
		require.NoError(t, err)
		account.Last = time.Now().AddDate(10, 0, 0)
		require.NoError(t, account.Save(t.Context(), s, entry.AccountKey(d.role)))
		require.Error(t, login())
		require.Equal(t, 2, tries)
		require.Error(t, login())
		require.Equal(t, 2, tries, "counted as any other")
		b.Clean(t.Context())
	})
}

// A write that is refused must not open an account for more tries.
func TestARefusedWriteBeginsNoNewCount(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	m.write("roles/a", fields{"config": "api", "username": "alice", "password": userPassword})
	server.Instead(refusedLogin)
	m.refused(logical.ReadOperation, "creds/a", nil)
	for range 3 {
		m.refused(logical.UpdateOperation, "roles/a", fields{"description": strings.Repeat("x", 17<<10)})
		m.refused(logical.ReadOperation, "creds/a", nil)
	}
	require.Equal(t, 1, server.Requests())
}
