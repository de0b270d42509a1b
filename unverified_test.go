// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

const tryIt = ". To try it: vault write -force oauth/roles/r/test"

// repeated writes role r once more and returns the one warning.
func (m *mount) repeated(data fields) string {
	m.t.Helper()
	sent := m.server.Requests()
	resp := m.write("roles/r", with(fields{"verify": "warn"}, data))
	require.Equal(m.t, sent, m.server.Requests(), "nothing is tried")
	if resp == nil {
		return ""
	}
	return resp.Warnings[len(resp.Warnings)-1]
}

func TestAWriteThatIsRepeatedAfterAFailureSaysSo(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Client("app", "another")
	role := fields{"config": "main", "scopes": "a"}
	require.Contains(t, m.write("roles/r", with(role, fields{"verify": "warn"})).Warnings[0], "does not work yet")
	require.Equal(t, "nothing was changed, and so nothing was tried. The role has had no token yet"+tryIt, m.repeated(role))
	require.Equal(t, "nothing was changed, and so nothing was tried. The role has had no token yet"+tryIt, m.repeated(nil))
	require.Nil(t, m.write("roles/r", role), "verify=off asks for nothing")

	m.refused(logical.ReadOperation, "token/r", nil)
	for what, data := range map[string]fields{"nothing was changed": role, "nothing was changed about the way to a token": {"description": "new"}} {
		require.Regexp(t, `^`+what+`, and so nothing was tried\. The role did not work at 20\S+Z: 127\.0\.0\.1:\d+ answered 401: invalid_client: .*[^.]`+tryIt+"$", m.repeated(data))
	}

	m.server.Client("app", clientSecret)
	m.write("token/r/renew", nil)
	require.Empty(t, m.repeated(role), "it works now")
	m.age("r")
	m.server.Down()
	m.write("token/r/renew", nil)
	require.Contains(t, m.repeated(role), "The role did not work at ", "since then it does not")
}

func TestARepeatedWriteKnowsWhatTheAccountWasTold(t *testing.T) {
	m := newMountAndServer(t)
	role := fields{"config": "main", "flow": "password", "username": "alice", "password": "canary-wrong"}
	m.write("roles/r", with(role, fields{"verify": "warn"}))
	since := time.Now().UTC().Format("2006-01-02")
	require.Regexp(t, `^nothing was changed, and so nothing was tried\. The role did not work at `+since+`T\S+: 127\.0\.0\.1:\d+ answered 400: invalid_grant: [^.]*`+tryIt+"$", m.repeated(role))
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "refusal 1 of 3", "the repeated write has not ended the count")
	require.Contains(t, m.repeated(fields{"max_ttl": "1h"}), "nothing was changed about the way to a token, and so nothing was tried. The role did not work at ", "although the write ends the count")

	m.write("roles/r", fields{"password": userPassword, "verify": "warn"})
	require.Empty(t, m.repeated(fields{"password": userPassword}))
}

func TestARepeatedWriteAfterAChangeOfTheConfig(t *testing.T) {
	m := newMountAndServer(t)
	m.write("roles/r", fields{"config": "main", "verify": "warn"})
	m.write("config/main", fields{"params": "a=1", "client_secret": clientSecret})
	require.Equal(t, "nothing was changed, and so nothing was tried. The role has had no token since it or its config was changed"+tryIt, m.repeated(nil))
	m.token("r")
	require.Empty(t, m.repeated(nil))
}

func TestARepeatedWriteOfWhatCannotWork(t *testing.T) {
	m := newMountAndServer(t)
	m.write("roles/r", fields{"config": "main", "flow": "password", "username": "alice", "password": userPassword})
	m.write("config/main", fields{"params": "tenant=2", "client_secret": clientSecret})
	require.Contains(t, m.repeated(fields{"username": "alice"}), "nothing was changed, and so nothing was tried. The role cannot work yet: config main now points elsewhere")
	m.ok(logical.DeleteOperation, "config/main", fields{"force": true})
	require.Contains(t, m.repeated(nil), "The role cannot work yet: role r uses config main, which does not exist")

	m = newMountAndServer(t)
	m.write("roles/r", fields{"config": "main", "flow": "refresh_token"})
	require.Contains(t, m.repeated(nil), "The role has had no token yet. To try it: vault write oauth/token/r/import refresh_token=@refresh-token.txt", "a test would spend the refresh token")
}

func TestARoleWriteShowsWhatIsOddAboutTheToken(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		_, err := w.Write([]byte(`{"access_token": "canary-token", "token_type": "Bearer", "scope": "a"}`))
		return err == nil
	})
	notes := []string{
		"the server granted another scope than the role asks for: compare scope with the role's scopes",
		"the server did not say how long the token lives: 1h is assumed; say better with access_token_ttl on the role",
	}
	require.Equal(t, notes, m.write("roles/r", fields{"config": "main", "scopes": "a b", "verify": "warn"}).Warnings)
	require.Equal(t, notes, m.write("roles/s", fields{"config": "main", "scopes": "a b", "verify": "require"}).Warnings)
	require.Equal(t, notes, m.storedToken("s").Notes)
	require.Nil(t, m.write("roles/r", fields{"scopes": "a", "access_token_ttl": "2h", "verify": "warn"}))
}
