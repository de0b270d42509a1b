// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
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
