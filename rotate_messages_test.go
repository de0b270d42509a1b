// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// What is said to a person.
func TestWhatIsSaidOfARefreshToken(t *testing.T) {
	read := func(w *world) string {
		w.Helper()
		time.Sleep(2 * time.Hour)
		resp, err := w.read()
		require.NoError(w, err)
		require.Error(w, resp.Error())
		return resp.Error().Error()
	}
	inWorld(t, imported, func(w *world) { // its config was pointed elsewhere
		w.moved()
		text := read(w)
		require.Contains(w, text, "belongs where the config pointed when it was imported")
		require.Contains(w, text, "vault write -force rebind/c")
		require.NotContains(w, text, "sends it once more")
	})
	inWorld(t, imported, func(w *world) { // refused for the first time
		w.server.dead = true
		text := read(w)
		require.Contains(w, text, "answered 400: invalid_grant. The engine asks again after")
		require.Contains(w, text, "If the refresh token is refused then, too, hand the engine")
		time.Sleep(time.Minute)
		text = read(w)
		require.Contains(w, text, "answered 400: invalid_grant: the refresh token was refused twice")
		require.Contains(w, text, "vault write token/r/import")
		require.Contains(w, text, "sends it once more if config/c or roles/r is changed")
	})
	inWorld(t, imported, func(w *world) { // the engine's own refusal
		w.answers(&answering{err: &oauth.Error{Kind: oauth.Forbidden, Host: "h", Reason: "is a loopback address"}})
		require.NotContains(w, read(w), "refresh token from elsewhere")
	})
}
