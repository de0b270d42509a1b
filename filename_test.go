// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

func TestASecretThatLooksLikeAFile(t *testing.T) {
	m := newMount(t)
	resp := m.write("config/main", with(elsewhere, fields{"client_secret": "canary-file.txt"})) // the mount looks for canaries
	require.Equal(t, []string{"client_secret looks like the name of a file: if that is a file, write client_secret=@client-secret.txt"}, resp.Warnings)
	resp = m.write("roles/r", fields{"config": "main", "flow": "password", "username": "alice.txt", "password": "./canary.txt"})
	require.Contains(t, resp.Warnings, "password looks like the name of a file: if that is a file, write password=@password.txt")
	for _, warning := range resp.Warnings {
		require.NotContains(t, warning, "username looks")
	}
	held, err := entry.LoadConfig(t.Context(), m.storage, "main")
	require.NoError(t, err)
	require.Equal(t, "canary-file.txt", oauth.ClientSecret.Of(held.Auth).Reveal(), "a secret may look so")

	m.write("settings", fields{"allow_loopback": true})
	resp = m.write("config/api", fields{
		"base_url": "https://api.example.com", "secrets": fields{"a": "canary", "b": "@canary.txt", "n": 1},
		"login": `{"request": {"url": "/t", "json": ["{{secrets.a}}", "{{secrets.b}}"]}, "token": {"json": "/token"}}`,
	})
	require.Equal(t, []string{"secrets.b looks like the name of a file, and the vault command reads none there: if that is a file, give all secrets in one, as a JSON object: secrets=@secrets.json"}, resp.Warnings)
}

func TestAFileWithoutAt(t *testing.T) {
	m := newMount(t)
	api := fields{"base_url": "https://api.example.com"}
	for _, c := range []struct{ field, value, end string }{
		{"login", "my.json", "; to read a file: login=@my.json"},
		{"login", "@dir/my.json\n", "; to read a file: login=@dir/my.json"},
		{"login", "canary.txt", "; to read a file: login=@FILE"},
		{"login", "canary", "not JSON from here on"},
		{"login", `{"a": "canary.json`, "is missing"},
		{"secrets", "canary.json", "or a JSON object of texts; to read a file: secrets=@FILE"},
		{"headers", "canary", "or a JSON object of texts"},
	} {
		message := m.refused(logical.UpdateOperation, "config/new", with(api, fields{c.field: c.value}))
		require.True(t, strings.HasSuffix(message, c.end), message)
	}
	for _, field := range []string{"ca_cert", "tls_client_cert", "tls_client_key"} {
		require.Equal(t, field+": no PEM found; to read a file: "+field+"=@FILE",
			m.refused(logical.UpdateOperation, "config/new", with(elsewhere, fields{field: "canary.pem"})))
	}
	require.Empty(t, m.stored())
}
