// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

func TestARoleWriteShowsWhetherTheRoleWorks(t *testing.T) {
	m := newMountAndServer(t)
	m.write("roles/r", fields{"config": "main", "verify": "warn"})
	require.Equal(t, 1, m.server.Requests())
	token := m.token("r")
	require.Equal(t, 1, m.server.Requests(), "the token that showed it is the role's")

	for _, more := range []fields{
		{"verify": "warn"}, {"verify": "require", "config": "main"}, // nothing changes
		{"verify": "require", "description": "d"}, {"verify": "warn", "max_ttl": "30m"}, // nothing about the way to a token
	} {
		require.Nil(t, m.write("roles/r", more), "it is known to work")
		require.Equal(t, 1, m.server.Requests(), "%v", more)
	}
	m.write("roles/r", fields{"verify": "require", "scopes": "b"})
	require.Equal(t, 2, m.server.Requests())
	require.NotEqual(t, token, m.token("r"))
	require.Equal(t, 2, m.server.Requests())
	require.EqualValues(t, 2, m.storedToken("r").Generation())
	require.NotContains(t, m.read("roles/r"), "verify")
}

func TestARoleThatDoesNotWorkIsStoredWithAWarning(t *testing.T) {
	m := newMountAndServer(t)
	resp := m.write("roles/r", fields{"config": "main", "flow": "password", "username": "alice", "password": "wrong", "verify": "warn"})
	require.Contains(t, resp.Warnings[len(resp.Warnings)-1], "the role was stored, and does not work yet: no token for role r: ")
	require.Contains(t, resp.Warnings[len(resp.Warnings)-1], "invalid_grant")
	require.Contains(t, resp.Warnings[len(resp.Warnings)-1], "vault write -force oauth/roles/r/test")
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "refusal 1 of 3")
	require.Equal(t, 1, m.server.Requests(), "the refusal counts")

	resp = m.write("roles/r", fields{"password": userPassword, "verify": "warn"})
	require.Len(t, resp.Warnings, 1, "only that the grant is advised against: %v", resp.Warnings)
	require.NotEmpty(t, m.token("r"))
	require.Equal(t, 2, m.server.Requests())

	// What has no secret yet cannot be tried.
	resp = m.write("roles/later", fields{"config": "main", "flow": "password", "username": "alice", "verify": "warn"})
	require.Contains(t, resp.Warnings[0], "no password is set yet")
	m.write("config/bare", fields{"token_url": m.server.TokenURL(), "client_id": "app", "allow_http": true})
	resp = m.write("roles/bare", fields{"config": "bare", "verify": "warn"})
	require.Contains(t, resp.Warnings[0], "does not work yet: config bare has no client_secret yet")
	require.Equal(t, 2, m.server.Requests())
}

func TestVerifyRequireStoresOnlyWhatWorks(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	wrong := fields{"config": "main", "flow": "password", "username": "alice", "password": "wrong", "verify": "require"}
	message := m.refused(logical.UpdateOperation, "roles/r", wrong)
	require.Contains(t, message, "the role was not stored, since verify is require: no token for role r: ")
	require.Contains(t, message, "To store it all the same, write it with verify=off")
	m.server.Down()
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", fields{"config": "main", "verify": "require"}), "connection")
	m.server.Up()
	after := m.stored()
	for key := range after {
		if strings.HasPrefix(key, string(entry.Accounts)) { // that it was refused is kept
			delete(after, key)
		}
	}
	require.Equal(t, before, after)
	// What is not stored has changed nothing: the account is left in peace.
	sent := m.server.Requests()
	message = m.refused(logical.UpdateOperation, "roles/user", fields{"password": "wrong\n", "verify": "require"})
	require.Contains(t, message, "password ends in a newline")
	require.Contains(t, message, "Nothing was sent now")
	require.Equal(t, sent, m.server.Requests())
	m.write("config/main", fields{"description": "changed"})
	m.write("roles/user", fields{"password": userPassword + "2", "verify": "off"})
	m.write("roles/user", fields{"password": userPassword, "verify": "require"})
	require.Equal(t, sent+1, m.server.Requests())
	require.NotEmpty(t, m.token("user"))
	require.Equal(t, sent+1, m.server.Requests())
}

func TestTheTraceOfAFailureSaysWhatToTry(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/post", fields{"token_url": m.server.TokenURL(), "client_id": "app", "client_secret": "canary-wrong", "allow_http": true})
	m.write("roles/r", fields{"config": "post"})
	tried := m.write("roles/r/test", nil).Data
	require.Equal(t, false, tried["ok"])
	require.Contains(t, tried["failure"], "invalid_client")
	require.Equal(t, "the server does not accept the client of oauth/config/post: is client_secret right? A trace shows its length (vault write -force -field=trace oauth/roles/r/test); one too many is often a newline at the end. "+
		"To write it again: vault write oauth/config/post client_secret=@client-secret.txt. If it is right, and client_id too: client_auth_method is client_secret_basic, try client_auth_method=client_secret_post, or client_secret_basic_encoding=raw if the secret has special characters", tried["hint"])
	require.Contains(t, tried["failure"], "Action required by an operator: "+tried["hint"].(string)+". ")
	require.Contains(t, tried["trace"], "grant_type=client_credentials")
	require.Contains(t, tried["trace"], "[redacted, 12 bytes]", "the length tells of a newline too many")
	require.Contains(t, tried["trace"], "401")
	require.Nil(t, m.storedToken("r"))

	require.Contains(t, m.refused(logical.UpdateOperation, "roles/none/test", nil), "no role named none")
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	require.Contains(t, m.write("roles/app/test", nil).Data["hint"], "is token_url of oauth/config/main the token endpoint?")
}

func TestAClientThatIsNotAcceptedIsToldByItsMethod(t *testing.T) {
	m := newMountAndServer(t)
	for method, want := range map[string][]string{
		"client_secret_post": {"is client_secret right?", "try client_auth_method=client_secret_basic"},
		"none":               {"is client_id right?", "vault write oauth/config/main client_auth_method=client_secret_basic client_secret=@client-secret.txt"},
	} {
		secret := "canary-wrong"
		if method == "none" {
			secret = ""
		}
		m.write("config/main", fields{"client_auth_method": method, "client_secret": secret})
		for _, answer := range []string{`{"error": "invalid_client"}`, "{}"} {
			m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(answer))
				return true
			})
			hint := m.write("roles/app/test", nil).Data["hint"].(string)
			require.Contains(t, hint, "the server does not accept the client of oauth/config/main: "+want[0])
			require.True(t, strings.HasSuffix(hint, want[1]), hint)
		}
	}
	m.write("roles/given", fields{"config": "main", "flow": "refresh_token"})
	m.server.Respond(nil)
	m.write("config/main", fields{"client_auth_method": "client_secret_basic", "client_secret": "canary-wrong"})
	m.write("token/given/import", fields{"refresh_token": "canary-rt"})
	require.Contains(t, m.refused(logical.ReadOperation, "token/given", nil), "is client_secret right? To write it again: ", "a test would spend the refresh token")
}

func TestTheTraceOfAWrongDocument(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	role := fields{"config": "c", "username": "alice", "password": userPassword}
	for _, c := range []struct{ token, answer, hint string }{
		{"/token", `{"securityToken": "0123456789abcdef0123456789"}`, "/securityToken"},
		{"/securitytoken", `{"securityToken": "0123456789abcdef0123456789"}`, "/securityToken"},
		{"/securityToken", `{"data": {"securityToken": "0123456789abcdef0123456789"}}`, "/data/securityToken"},
	} {
		server.Instead("HTTP/1.1 200 OK\nContent-Type: application/json\n\n" + c.answer)
		m.write("config/c", fields{
			"base_url": server.URL, "allow_http": true,
			"login": `{"request": {"url": "/t", "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"json": "` + c.token + `"}}`,
		})
		m.write("roles/r", role)
		tried := m.write("roles/r/test", nil).Data
		require.Equal(t, false, tried["ok"])
		require.Contains(t, tried["hint"], `"`+c.hint+`"`)
		require.Contains(t, tried["trace"], "expected: ")
		require.Contains(t, tried["trace"], "seen: ")
		require.NotContains(t, tried["trace"], "0123456789abcdef")
	}
	server.Instead(refusedLogin)
	m.write("config/c", fields{"description": "changed"})
	require.Contains(t, m.write("roles/r/test", nil).Data["hint"], "are username and password right?")
}
