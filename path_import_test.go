// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// withRefreshToken has a role kept of flow refresh_token, and returns a refresh
// token that the server takes.
func withRefreshToken(t *testing.T) (*mount, string) {
	t.Helper()
	m := newMountAndServer(t)
	m.token("user")
	issued := m.storedToken("user").Refresh.Current.Reveal()
	m.ok(logical.DeleteOperation, "roles/user", nil)
	resp := m.write("roles/kept", fields{"config": "main", "flow": "refresh_token", "verify": "warn"})
	require.Contains(t, resp.Warnings[0], "vault write oauth/token/kept/import refresh_token=")
	return m, issued
}

func TestAnImportedRefreshTokenIsUsedAndFollowed(t *testing.T) {
	m, issued := withRefreshToken(t)
	m.server.Rotate(true)
	message := m.refused(logical.ReadOperation, "creds/kept", nil)
	require.Contains(t, message, "there is no refresh token")
	require.Contains(t, message, "vault write oauth/token/kept/import refresh_token=@refresh-token.txt")
	require.Nil(t, m.write("token/kept/import", fields{"refresh_token": issued}))
	sent := m.server.Requests()
	first := m.token("kept")
	require.Equal(t, "refresh_token", m.server.Last().Form.Get("grant_type"))
	require.Equal(t, issued, m.server.Last().Form.Get("refresh_token"))
	require.Equal(t, first, m.token("kept"))
	require.Equal(t, sent+1, m.server.Requests())
	m.write("token/kept/renew", nil)
	require.NotEqual(t, issued, m.server.Last().Form.Get("refresh_token"), "it rotates")
	require.EqualValues(t, 3, m.storedToken("kept").Generation())
}

func TestAnImportedAccessToken(t *testing.T) {
	m, issued := withRefreshToken(t)
	resp := m.write("token/kept/import", fields{"access_token": "at-1", "expires_in": "10m", "scope": "a", "token_type": "MAC"})
	require.Contains(t, resp.Warnings[0], "no refresh_token")
	sent := m.server.Requests()
	read := m.read("token/kept")
	require.Equal(t, []any{"at-1", "a", "MAC"}, []any{read["access_token"], read["scope"], read["token_type"]})
	require.LessOrEqual(t, read["expires_in"], 600.0)
	renewed := m.write("token/kept/renew", nil)
	require.Equal(t, "at-1", renewed.Data["access_token"], "it still works")
	require.Contains(t, renewed.Warnings[0], "there is no refresh token")

	require.Nil(t, m.write("token/kept/import", fields{"access_token": "at-2", "refresh_token": issued, "refresh_token_expires_in": "24h"}))
	require.Equal(t, entry.Instant(time.Now().Add(24 * time.Hour))[:13], m.read("status/kept")["refresh_token_ends"].(string)[:13])
	require.Equal(t, "at-2", m.token("kept"))
	require.Equal(t, sent, m.server.Requests())
	m.write("token/kept/renew", nil)
	require.Equal(t, issued, m.server.Last().Form.Get("refresh_token"))
}

func TestWhatCannotBeImported(t *testing.T) {
	m, issued := withRefreshToken(t)
	before := m.stored()
	for want, data := range map[string]fields{
		"refresh_token or access_token is required":  {"scope": "a"},
		"refresh_token or access_token is required ": {"refresh_token": "", "access_token": nil},
		"refresh_token ends in a newline":            {"refresh_token": "canary-a\n"},
		"refresh_token: ":                            {"refresh_token": "canary-a\x00b"},
		"access_token: ":                             {"access_token": strings.Repeat("a", 64<<10+1)},
		"expires_in is the life of access_token":     {"refresh_token": issued, "expires_in": 60},
		"refresh_token_expires_in is the life of":    {"access_token": "a", "refresh_token_expires_in": 60},
		"refresh_token_expires_in must be a":         {"refresh_token": issued, "refresh_token_expires_in": "-1h"},
		"token_type and scope must be printable":     {"refresh_token": issued, "scope": "ä"},
		"expires_in must be a duration":              {"access_token": "a", "expires_in": -1},
	} {
		require.Contains(t, m.refused(logical.UpdateOperation, "token/kept/import", data), strings.TrimSpace(want))
	}
	require.Contains(t, m.refused(logical.UpdateOperation, "token/app/import", fields{"refresh_token": "x"}), "obtains its tokens by itself")
	require.Contains(t, m.refused(logical.UpdateOperation, "token/none/import", fields{"refresh_token": "x"}), "no role named none")
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/kept/test", nil), "token/kept/renew")
	require.Equal(t, before, m.stored())
}

func TestADeadImportedRefreshTokenIsSaid(t *testing.T) {
	m, _ := withRefreshToken(t)
	m.write("token/kept/import", fields{"refresh_token": "not-issued-here"})
	message := m.refused(logical.ReadOperation, "creds/kept", nil)
	require.Contains(t, message, "invalid_grant")
	require.Contains(t, message, "vault write oauth/token/kept/import")
	require.Equal(t, "not-issued-here", m.storedToken("kept").Refresh.Current.Reveal(), "nothing the engine does by itself deletes it")
}

// An imported token goes nowhere but to the place that the config named then.
func TestAnImportedRefreshTokenDoesNotMove(t *testing.T) {
	m, issued := withRefreshToken(t)
	m.write("token/kept/import", fields{"refresh_token": issued})
	m.write("config/main", fields{"params": "tenant=2", "client_secret": clientSecret})
	sent := m.server.Requests()
	require.Contains(t, m.refused(logical.ReadOperation, "creds/kept", nil), "vault write oauth/token/kept/import")
	require.Equal(t, sent, m.server.Requests())
}
