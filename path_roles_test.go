// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

func TestARoleReadsBack(t *testing.T) {
	m := newMountAndServer(t)
	require.Nil(t, m.ok(logical.ReadOperation, "roles/none", nil))
	m.write("roles/r", fields{
		"config": "main", "scopes": []any{"a b", "c"}, "audience": []any{"x, y"}, "resource": "https://api.example.com/",
		"params": "q=1", "max_ttl": "1h", "min_ttl": 60, "access_token_ttl": "2h", "description": "d",
	})
	want := fields{
		"renew": "auto", "description": "d", "config": "main", "flow": "client_credentials", "scopes": []any{"a", "b", "c"}, "audience": []any{"x, y"},
		"resource": []any{"https://api.example.com/"}, "params": fields{"q": "1"}, "username": "", "password_set": false, "secrets_set": []any{}, "variables": fields{},
		"access_token_ttl": 7200.0, "max_ttl": 3600.0, "min_ttl": 60.0,
	}
	require.Equal(t, want, m.read("roles/r"))
	m.write("roles/r", fields{"description": "e"})
	want["description"] = "e"
	require.Equal(t, want, m.read("roles/r"))
	m.write("roles/r", fields{"scopes": "", "audience": nil, "resource": []any{}, "params": "", "max_ttl": 0, "min_ttl": nil, "access_token_ttl": "", "flow": ""})
	m.write("roles/none", fields{"config": "main", "description": "e"})
	require.Equal(t, m.read("roles/none"), m.read("roles/r"), "a cleared role is a new one")

	require.Contains(t, m.refused(logical.UpdateOperation, "roles/user", fields{"flow": "client_credentials"}), "does not use username")
	m.write("roles/user", fields{"flow": "client_credentials", "username": "", "password": ""})
	m.ok(logical.DeleteOperation, "roles/r", nil)
	m.ok(logical.DeleteOperation, "roles/r", nil)
	require.Nil(t, m.ok(logical.ReadOperation, "roles/r", nil))
}

func TestAPasswordCanComeLater(t *testing.T) {
	m := newMountAndServer(t)
	resp := m.write("roles/late", fields{"config": "main", "flow": "password", "username": "alice"})
	require.Contains(t, resp.Warnings[0], "no password is set yet")
	require.Contains(t, m.refused(logical.ReadOperation, "creds/late", nil), "role late has no password yet")
	m.write("roles/late", fields{"password": userPassword})
	require.NotEmpty(t, m.token("late"))
}

func TestAllowedRoles(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/main", fields{"allowed_roles": "ap*"})
	before := m.stored()
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/other", fields{"config": "main"}), "config main does not allow role other")
	require.Equal(t, before, m.stored())
	m.write("roles/apple", fields{"config": "main"})
	require.NotEmpty(t, m.token("apple"))
	sent := m.server.Requests()
	for _, path := range []string{"token/user", "creds/user"} {
		require.Contains(t, m.refused(logical.ReadOperation, path, nil), "config main does not allow role user")
	}
	m.write("config/main", fields{"allowed_roles": []any{}})
	require.Contains(t, m.refused(logical.ReadOperation, "token/apple", nil), "does not allow", "a token in memory is not served either")
	require.Equal(t, sent, m.server.Requests())
}

// moved is a mount whose config main was pointed elsewhere after role user had
// its password, and has served it a token and a refresh token before.
func moved(t *testing.T) *mount {
	m := newMountAndServer(t)
	require.NotEmpty(t, m.token("user"))
	resp := m.write("config/main", fields{"params": "tenant=2", "client_secret": clientSecret})
	require.Equal(t, []string{"config main now points elsewhere (changed: params). The secrets of 1 role (user) are not sent there: write them again, as in \"vault write oauth/roles/user password=...\", or accept the move for all roles with \"vault write -force oauth/rebind/main\""}, resp.Warnings)
	return m
}

func TestAMoveWarnsOfTheRolesThatItConcerns(t *testing.T) {
	m := newMountAndServer(t)
	move := func(data fields) []string {
		resp := m.write("config/main", with(data, fields{"client_secret": clientSecret}))
		if resp == nil {
			return nil
		}
		return resp.Warnings
	}
	m.ok(logical.DeleteOperation, "roles/user", nil)
	m.write("roles/given", fields{"config": "main", "flow": "refresh_token"})
	require.Empty(t, move(fields{"params": "a=1", "header_name": "X-Token"}), "no role has anything to lose")

	m.write("token/given/import", fields{"refresh_token": "canary-rt"})
	warnings := move(fields{"params": "a=2", "token_url": m.server.TokenURL() + "?a", "headers": "X-A=1"})
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "(changed: token_url, headers, params). The refresh tokens of 1 role (given) are not sent there: import new ones, as in \"vault write oauth/token/given/import ")

	for i := range 12 {
		m.write(fmt.Sprintf("roles/u%02d", i), fields{"config": "main", "flow": "password", "username": "alice", "password": userPassword})
	}
	warnings = move(fields{"params": "a=3"})
	require.Contains(t, warnings[0], "(changed: params). The secrets of 12 roles (u00, u01, u02, u03, u04, u05, u06, u07, u08, u09, ...) are not sent there")
	require.Contains(t, warnings[0], ". The refresh tokens of 1 role (given)")

	for i := range maxDetailed {
		require.NoError(t, m.storage.Put(t.Context(), &logical.StorageEntry{Key: fmt.Sprintf("%smain/many%03d", string(entry.Uses), i), Value: []byte("{}")}))
	}
	require.Contains(t, move(fields{"params": "a=4"})[0], ". 14 roles more were not looked at")
}

// What was stored before configs remembered what moved them.
func TestAMoveOfOldIsStillOne(t *testing.T) {
	m := moved(t)
	config, err := entry.LoadConfig(t.Context(), m.storage, "main")
	require.NoError(t, err)
	config.Moved = nil
	require.NoError(t, config.Save(t.Context(), m.storage, "main"))
	require.Contains(t, m.refused(logical.ReadOperation, "token/user", nil), "config main now points elsewhere: write")
}

func TestARolesSecretIsNotSentElsewhere(t *testing.T) {
	m := moved(t)
	for _, path := range []string{"token/user", "creds/user"} {
		message := m.refused(logical.ReadOperation, path, nil)
		require.Contains(t, message, "config main now points elsewhere (changed: params): ")
		require.Contains(t, message, "vault write oauth/roles/user password=...")
	}
	require.Contains(t, m.refused(logical.UpdateOperation, "token/user/renew", nil), "now points elsewhere")
	m.write("roles/user", fields{"description": "a write without the password fixes nothing"})
	m.refused(logical.ReadOperation, "token/user", nil)
	require.Equal(t, 1, m.server.Requests(), "nothing was sent")
	require.NotEmpty(t, m.token("app"), "a role without a secret goes on")
}

func TestRewritingThePasswordFixes(t *testing.T) {
	m := moved(t)
	m.write("roles/user", fields{"password": userPassword})
	require.NotEmpty(t, m.token("user"))
	require.Equal(t, "password", m.server.Last().Form.Get("grant_type"), "the old refresh token belongs to the old place")
	require.Equal(t, 2, m.server.Requests())
}

func TestRebindFixes(t *testing.T) {
	m := moved(t)
	require.Contains(t, m.refused(logical.UpdateOperation, "rebind/none", nil), "no config named none")
	m.write("rebind/main", nil)
	before := m.stored()
	m.write("rebind/main", nil)
	require.Equal(t, before, m.stored(), "twice is once")
	require.NotEmpty(t, m.token("user"))
	require.Equal(t, 2, m.server.Requests())

	m.write("config/main", fields{"params": "tenant=3", "client_secret": clientSecret})
	require.Contains(t, m.refused(logical.ReadOperation, "token/user", nil), "now points elsewhere", "a rebind is for one move")
}

func TestARoleThatMovesBringsItsPassword(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/other", with(elsewhere, nil))
	before := m.stored()
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/user", fields{"config": "other"}), "give password in the same write")
	require.Equal(t, before, m.stored())
	m.write("roles/user", fields{"config": "other", "password": ""})
	m.write("roles/user", fields{"config": "main"})
	m.write("roles/user", fields{"config": "other", "password": userPassword})
	require.Contains(t, m.refused(logical.DeleteOperation, "config/other", nil), "in use by 1 role (user)")
	require.Contains(t, m.refused(logical.DeleteOperation, "config/main", nil), "in use by 1 role (app)")
	m.write("roles/app", fields{"config": "other"})
	m.ok(logical.DeleteOperation, "config/main", nil)
	require.Zero(t, m.server.Requests())
}

func TestAConfigMadeAnewIsAnotherPlace(t *testing.T) {
	m := newMountAndServer(t)
	m.ok(logical.DeleteOperation, "config/main", fields{"force": true})
	m.write("config/main", fields{"token_url": m.server.TokenURL(), "client_id": "app", "client_secret": clientSecret, "allow_http": true})
	require.Contains(t, m.refused(logical.ReadOperation, "token/user", nil), "now points elsewhere")
	require.Zero(t, m.server.Requests())
}
