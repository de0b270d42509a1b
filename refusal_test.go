// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestARefusalRequiresAnOperator(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Client("app", "another")
	for _, path := range []string{"creds/app", "token/app"} {
		message := m.refused(logical.ReadOperation, path, nil)
		for _, want := range []string{"no token for role app", "invalid_client", "client authentication failed", "client_secret", "oauth/config/main", "asks again", "vault write -force oauth/token/app/renew"} {
			require.Contains(t, message, want)
		}
	}
	require.Equal(t, 1, m.server.Requests(), "the second was answered without a request")
	require.Contains(t, m.refused(logical.UpdateOperation, "token/app/renew", nil), "invalid_client")
	require.Equal(t, 2, m.server.Requests(), "renew asks now")
	m.server.Client("app", clientSecret)
	require.True(t, m.server.Issued(m.write("token/app/renew", nil).Data["access_token"].(string)))
}

func TestEachRefusalSaysTheFix(t *testing.T) {
	for code, want := range map[string]string{
		"invalid_grant":          "vault write oauth/roles/user password=@",
		"invalid_scope":          "vault write oauth/roles/user scopes=",
		"unauthorized_client":    "flow password",
		"unsupported_grant_type": "flow password",
		"some_code":              "vault read oauth/config/main",
	} {
		t.Run(code, func(t *testing.T) {
			m := newMountAndServer(t)
			m.server.Respond(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, err := w.Write([]byte(`{"error":"` + code + `","error_description":"no: ` + r.PostForm.Get("password") + ` ` + clientSecret + `"}`))
				return err == nil
			})
			message := m.refused(logical.ReadOperation, "token/user", nil)
			require.Contains(t, message, code)
			require.Contains(t, message, want)
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Respond(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return true
	})
	require.Contains(t, m.refused(logical.ReadOperation, "token/app", nil), "token_url")
	require.Equal(t, 1, m.server.Requests())
}

func TestAnUnreachableServerIsA502(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Down()
	for _, path := range []string{"creds/app", "token/app"} {
		resp, err := m.do(logical.ReadOperation, path, nil)
		require.Nil(t, resp)
		requireCode(t, http.StatusBadGateway, err)
		require.Contains(t, err.Error(), m.server.URL[len("http://"):])
		require.Contains(t, err.Error(), "asks again after")
	}
	m.server.Up()
	_, err := m.do(logical.ReadOperation, "token/app", nil)
	requireCode(t, http.StatusBadGateway, err)
	require.Zero(t, m.server.Requests(), "the failure is remembered")
	m.write("roles/app", fields{"description": "a write lifts it"})
	require.NotEmpty(t, m.token("app"))
}

func TestAServersOwnFailureIsA502(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	for range 3 {
		_, err := m.do(logical.ReadOperation, "token/app", nil)
		requireCode(t, http.StatusBadGateway, err)
	}
	require.Equal(t, 1, m.server.Requests())
}

func TestAGoodTokenIsServedWhenItsReplacementFails(t *testing.T) {
	m := newMountAndServer(t)
	token := m.token("app")
	m.server.Down()
	m.age("app")
	for range 2 {
		resp := m.write("token/app", fields{"min_ttl": "45m"})
		require.Equal(t, token, resp.Data["access_token"])
		require.Contains(t, resp.Warnings[0], "this token is still good, but replacing it failed")
		require.Contains(t, resp.Warnings[0], m.server.URL[len("http://"):])
	}
	require.NotNil(t, m.write("creds/app", fields{"min_ttl": "45m"}).Secret)
	require.Empty(t, m.ok(logical.ReadOperation, "token/app", nil).Warnings, "who asked for less is not bothered")

	m.server.Up()
	m.server.Client("app", "another")
	require.Contains(t, m.write("token/app/renew", nil).Warnings[0], "invalid_client")
}

func TestATokenThatExpiredOnArrival(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":0}`))
		return err == nil
	})
	resp, err := m.do(logical.ReadOperation, "token/app", nil)
	require.True(t, err != nil || !resp.IsError(), "%v", resp)
	if err != nil {
		requireCode(t, http.StatusBadGateway, err)
	}
}
