// SPDX-License-Identifier: MPL-2.0

package flows_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func request(t *testing.T) (flows.Request, *oauthtest.Server) {
	server := oauthtest.New(t)
	server.Client("app", "s3cret")
	server.User("alice", "wonder land")
	server.Rotate(true)
	return flows.Request{
		Server: &flows.Server{Client: &oauth.Client{
			HTTP: server.HTTPClient(), TokenURL: server.TokenURL(), ID: "app", Own: field.Own{"client_secret": secret.String("s3cret")}, Auth: oauth.ClientSecretBasic,
		}},
		Scopes:   []string{"read", "write"},
		Audience: []string{"https://api.example"},
		Resource: []string{"https://a.example", "https://b.example"},
		Params:   map[string]string{"tenant": "seven", "grant_type": "nothing"},
		Own:      field.Own{"username": "alice", "password": secret.String("wonder land")},
	}, server
}

// TestWhatIsSent holds every flow against the parameters of its RFC.
func TestWhatIsSent(t *testing.T) {
	common := url.Values{
		"scope": {"read write"}, "audience": {"https://api.example"},
		"resource": {"https://a.example", "https://b.example"}, "tenant": {"seven"},
	}
	for name, own := range map[string]url.Values{
		"client_credentials": {"grant_type": {"client_credentials"}},
		"password":           {"grant_type": {"password"}, "username": {"alice"}, "password": {"wonder land"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, server := request(t)
			flow, ok := flows.Lookup(name)
			require.True(t, ok)
			token, err := flow.Mint(t.Context(), r)
			require.NoError(t, err)
			require.True(t, server.Issued(token.AccessToken.Reveal()))

			for param, values := range common {
				own[param] = values
			}
			require.Equal(t, own, server.Last().Form)
			require.Equal(t, 1, server.Requests())
		})
	}
}

func TestRefreshAsksForWhatWasGranted(t *testing.T) {
	r, server := request(t)
	password, _ := flows.Lookup("password")
	first, err := password.Mint(t.Context(), r)
	require.NoError(t, err)

	held := flows.Held{RefreshToken: first.RefreshToken}
	require.True(t, password.CanRefresh(r, held))
	require.False(t, password.CanRefresh(r, flows.Held{AccessToken: first.AccessToken}))
	second, err := password.Refresh(t.Context(), r, held)
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {first.RefreshToken.Reveal()},
		"resource": {"https://a.example", "https://b.example"}, "tenant": {"seven"},
	}, server.Last().Form)
	require.NotEqual(t, first.RefreshToken.Reveal(), second.RefreshToken.Reveal())

	_, err = password.Refresh(t.Context(), r, held)
	require.ErrorContains(t, err, "invalid_grant")
}

func TestTheTable(t *testing.T) {
	require.Equal(t, []string{"client_credentials", "password", "refresh_token", "login"}, flows.Names())
	require.Equal(t, []string{"password", "login"}, flows.Owner("username"))
	require.Equal(t, []string{"client_credentials", "password", "refresh_token"}, flows.Owner("scopes"))
	require.Empty(t, flows.Owner("description"), "common to all")
	_, ok := flows.Lookup("implicit")
	require.False(t, ok)

	require.Equal(t, "scopes", flows.ParamOwner("scope"))
	require.Equal(t, "flow", flows.ParamOwner("grant_type"))
	require.Empty(t, flows.ParamOwner("tenant"))
}
