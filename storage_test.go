// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// Whatever call to storage fails in whatever request: the request fails or
// succeeds, nothing panics, and the same request works once storage does.
func TestStorageFaults(t *testing.T) {
	type request struct {
		op   logical.Operation
		path string
		data fields
		gone bool // what the request deletes is not in storage after the retry
	}
	const update, read, remove, list = logical.UpdateOperation, logical.ReadOperation, logical.DeleteOperation, logical.ListOperation
	requests := map[string]request{
		"new config":    {op: update, path: "config/new", data: elsewhere},
		"change config": {op: update, path: "config/main", data: fields{"description": "x"}},
		"move config":   {op: update, path: "config/main", data: fields{"params": "a=1", "client_secret": clientSecret}},
		"read config":   {op: read, path: "config/main"},
		"list configs":  {op: list, path: "config"},
		"delete config": {op: remove, path: "config/spare", gone: true},
		"new role":      {op: update, path: "roles/new", data: fields{"config": "main"}},
		"change role":   {op: update, path: "roles/app", data: fields{"scopes": "c"}},
		"move role":     {op: update, path: "roles/app", data: fields{"config": "spare"}},
		"read role":     {op: read, path: "roles/app"},
		"list roles":    {op: list, path: "roles"},
		"delete role":   {op: remove, path: "roles/user", gone: true},
		"creds":         {op: read, path: "creds/app"},
		"token":         {op: read, path: "token/user"},
		"renew":         {op: update, path: "token/user/renew"},
		"delete token":  {op: remove, path: "token/user"},
		"rebind":        {op: update, path: "rebind/main"},
		"settings":      {op: update, path: "settings", data: fields{"allowed_networks": "127.0.0.0/8"}},
		"read settings": {op: read, path: "settings"},
	}
	for name, r := range requests {
		for _, verb := range []string{"get", "put", "delete", "list"} {
			for n := 1; ; n++ {
				fired := false
				t.Run(fmt.Sprintf("%s, %s %d", name, verb, n), func(t *testing.T) {
					m := newMountAndServer(t)
					m.write("config/spare", elsewhere)
					m.token("user")
					m.start() // nothing in memory
					reached := m.storage.failNth(verb, n)
					_, err := m.do(r.op, r.path, r.data)
					fired = reached()
					m.storage.failing(nil)
					if err != nil {
						require.True(t, fired, "%v", err)
						require.NotContains(t, err.Error(), "fault in vault-plugin")
					}
					require.NotContains(t, m.log.String(), `"panic`)
					m.ok(r.op, r.path, r.data)
					m.consistent(r.path, r.gone)
				})
				if !fired {
					break
				}
			}
		}
	}
}

// consistent holds the index and the tokens against the roles.
func (m *mount) consistent(path string, gone bool) {
	m.t.Helper()
	ids, stored := []string{}, m.stored()
	for key := range stored {
		if name, ok := strings.CutPrefix(key, string(entry.Roles)); ok {
			role, err := entry.LoadRole(m.t.Context(), m.storage.Storage, name)
			require.NoError(m.t, err)
			ids = append(ids, role.ID)
			require.Contains(m.t, stored, string(entry.Uses)+role.Config+"/"+name, "the index must not name a role too few")
		}
	}
	for key := range stored {
		if rest, ok := strings.CutPrefix(key, string(entry.Tokens)); ok {
			id, _, _ := strings.Cut(rest, "/")
			require.True(m.t, slices.Contains(ids, id), "a token, and its refresh token, is left without a role")
		}
	}
	if gone {
		require.Nil(m.t, m.ok(logical.ReadOperation, path, nil))
	}
}

// failTokens makes every Put of a token fail.
func failTokens(verb, key string) error {
	if verb == "put" && strings.HasPrefix(key, string(entry.Tokens)) {
		return errStorage
	}
	return nil
}

// failAnswers lets storage take what is written before a refresh, and not what
// comes of it.
func failAnswers(stored *logical.StorageEntry) error {
	if strings.HasPrefix(stored.Key, string(entry.Tokens)) && !strings.Contains(string(stored.Value), "post_before") {
		return errStorage
	}
	return nil
}

func TestARotatedRefreshTokenIsNotLost(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	m.storage.refusing(failAnswers)
	resp := m.write("token/user/renew", nil)
	token := resp.Data["access_token"].(string)
	require.True(t, m.server.Issued(token))
	require.Contains(t, strings.Join(resp.Warnings, "\n"), "could not be stored yet")
	require.EqualValues(t, 1, m.storedToken("user").Generation())
	require.Equal(t, token, m.token("user"))

	m.storage.refusing(nil)
	m.b.Clean(context.Background()) // tries once more
	require.EqualValues(t, 2, m.storedToken("user").Generation())
	m.start()
	require.Equal(t, token, m.token("user"))
	m.write("token/user/renew", nil)
	require.Equal(t, []string{"password", "refresh_token", "refresh_token"}, m.grants(), "the old one would have ended the grant")
}

func TestAnUnsavedRefreshTokenIsUsed(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	m.storage.refusing(failAnswers)
	for range 3 {
		m.write("token/user/renew", nil)
	}
	require.Equal(t, []string{"password", "refresh_token", "refresh_token", "refresh_token"}, m.grants())
	m.storage.refusing(nil)
}

func TestNoRefreshTokenIsSentWithoutItsIntent(t *testing.T) {
	m := newMountAndServer(t)
	token := m.token("user")
	before := m.stored()
	m.storage.failing(failTokens)
	resp := m.write("token/user/renew", nil)
	require.Equal(t, token, resp.Data["access_token"], "it still lives")
	require.Contains(t, strings.Join(resp.Warnings, "\n"), "Vault's storage failed")
	m.storage.failing(nil)
	require.Equal(t, []string{"password"}, m.grants())
	require.Equal(t, before, m.stored())
}

func TestStoredEntriesThatCannotBeRead(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	for key, path := range map[string]string{"config/main": "config/main", "role/app": "roles/app", "settings": "settings"} {
		whole := m.stored()[key]
		require.NoError(t, m.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: []byte(`{"client_secret":"canary-` + "\x00")}))
		_, err := m.do(logical.ReadOperation, path, nil)
		require.EqualError(t, err, "the stored entry "+key+" cannot be read")
		require.NoError(t, m.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: []byte(whole)}))
		m.read(path)
	}
	for key := range m.stored() {
		if strings.HasPrefix(key, string(entry.Tokens)) {
			require.NoError(t, m.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: []byte("canary-")}))
		}
	}
	m.start()
	_, err := m.do(logical.ReadOperation, "token/app", nil)
	require.EqualError(t, err, "the stored entry token/... cannot be read")
	m.ok(logical.DeleteOperation, "token/app", nil)
	require.NotEmpty(t, m.token("app"))
}

func TestInvalidateForgets(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	role, err := entry.LoadRole(t.Context(), m.storage, "app")
	require.NoError(t, err)
	role.Scopes, role.Revision = []string{"other"}, role.Revision+1
	putRole(t, m.storage, "app", role)
	m.b.invalidate(t.Context(), "role/app")
	require.Equal(t, "other", m.read("token/app")["scope"])

	config, err := entry.LoadConfig(t.Context(), m.storage, "main")
	require.NoError(t, err)
	config.HeaderFormat = "Token {{token}}"
	require.NoError(t, config.Save(t.Context(), m.storage, "main"))
	m.b.invalidate(t.Context(), "config/main")
	require.Contains(t, m.read("token/app")["header_value"], "Token ")
	require.NoError(t, m.storage.Delete(t.Context(), entry.SettingsKey))
	m.b.invalidate(t.Context(), entry.SettingsKey)
	m.refused(logical.UpdateOperation, "token/app/renew", fields{"rejected_sha256": "x"})
}
