// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestAnotherScopeThanAskedForIsSaid(t *testing.T) {
	for granted, want := range map[string]bool{"a b": false, "b a": false, "a": true, "a b c": true} {
		m := newMountAndServer(t)
		m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			_, err := w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":3600,"scope":"` + granted + `"}`))
			return err == nil
		})
		resp := m.ok(logical.ReadOperation, "token/app", nil)
		require.Equal(t, granted, resp.Data["scope"])
		require.Equal(t, want, len(resp.Warnings) == 1, "%s: %v", granted, resp.Warnings)
	}
}

func TestTheFactoryMakesABackend(t *testing.T) {
	conf := logical.TestBackendConfig()
	conf.StorageView = new(logical.InmemStorage)
	b, err := Factory("v1.2.3")(t.Context(), conf)
	require.NoError(t, err)
	defer b.Cleanup(t.Context())
	require.Equal(t, logical.TypeLogical, b.Type())
	require.Equal(t, "v1.2.3", b.(logical.PluginVersioner).PluginVersion().Version)
	paths := b.SpecialPaths()
	require.Equal(t, []string{"rebind/*"}, paths.Root)
	require.ElementsMatch(t, []string{"config/", "role/", "token/", "account/"}, paths.SealWrapStorage)
	require.Empty(t, paths.Unauthenticated)
}
