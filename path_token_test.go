// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"io"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
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
