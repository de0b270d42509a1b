// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"io"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

// TestARejectedTokenIsNotHandedOutAgain: where it cannot be replaced, its
// caller hears so, and many callers cost the server one request.
func TestARejectedTokenIsNotHandedOutAgain(t *testing.T) {
	m := newMountAndServer(t)
	rejected := fields{"rejected_sha256": sha256Hex(m.token("app"))}
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
		return true
	})
	for range 5 {
		require.Contains(t, m.refused(logical.UpdateOperation, "token/app/renew", rejected), "invalid_client")
	}
	require.Equal(t, 2, m.server.Requests())

	m.server.Respond(nil)
	require.NotEmpty(t, m.write("token/app/renew", nil).Data["access_token"], "an operator's renew asks again")
	require.Equal(t, 3, m.server.Requests())
}

func TestAMovedRoleKeepsNoRefreshToken(t *testing.T) {
	flow, _ := flows.Lookup("password")
	a := &definition{flow: flow, role: &entry.Role{Config: "b"}, config: &entry.Config{ConfigMeta: entry.ConfigMeta{Rebound: true}}, grant: "b's"}
	held := &entry.Token{Refresh: rotation.State{Current: "r"}, Grant: "a's", DestinationID: "a"}
	require.False(t, a.mayRefresh(held), "b was rebound for its own roles")
	held.Grant = a.grant
	require.True(t, a.mayRefresh(held))
	a.config.Rebound = false
	require.False(t, a.mayRefresh(held))
}
