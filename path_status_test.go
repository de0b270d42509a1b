// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestTheStatusOfARole(t *testing.T) {
	m := newMountAndServer(t)
	require.Contains(t, m.refused(logical.ReadOperation, "status/none", nil), "no role named none")
	status := m.read("status/user")
	require.Equal(t, []any{"none", "none", "", 0.0}, []any{status["state"], status["renewal"], status["expires"], status["generation"]})
	require.Zero(t, m.server.Requests(), "a status asks no server")

	m.token("user")
	m.initialize()
	status = m.read("status/user")
	require.Equal(t, []any{"fresh", "waiting", 1.0, true}, []any{status["state"], status["renewal"], status["generation"], status["refresh_token_set"]})
	require.NotEmpty(t, status["next_renewal"])
	require.NotEmpty(t, status["last_read"])
	require.Empty(t, status["last_failure"])

	m.write("roles/bad", fields{"config": "main", "flow": "password", "username": "alice", "password": "canary-wrong"})
	m.refused(logical.ReadOperation, "token/bad", nil)
	status = m.read("status/bad")
	require.Equal(t, []any{"none", 1.0, "refused", "operator"}, []any{status["state"], status["failures"], status["failure_class"], status["action_required_by"]})
	require.Contains(t, status["last_failure"], "invalid_grant")
	require.NotEmpty(t, status["next_try"])
	require.NotEmpty(t, status["failing_since"])
}

func TestTheStatusOfTheMount(t *testing.T) {
	m := newMountAndServer(t)
	require.Equal(t, []any{"", false}, []any{m.read("status")["heartbeat"], m.read("status")["loaded"]})
	m.token("app")
	m.token("user")
	m.initialize()
	eventually(t, func() bool { return m.read("status")["loaded"] == true })
	status := m.read("status")
	require.Equal(t, []any{2.0, 2.0, 0.0}, []any{status["tokens"], status["waiting"], status["due"]})
	require.NotEmpty(t, status["heartbeat"])
	require.Len(t, status["hosts"], 1)
	for _, host := range status["hosts"].(map[string]any) {
		require.Equal(t, "closed", host.(map[string]any)["breaker"])
		require.EqualValues(t, 2, host.(map[string]any)["tokens"])
	}
}
