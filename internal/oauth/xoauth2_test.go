// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// TestLikeXOauth2 holds Exchange against golang.org/x/oauth2 where nothing is
// odd: the same request goes out, and the same token comes back.
func TestLikeXOauth2(t *testing.T) {
	s := oauthtest.New(t, oauthtest.TLS)
	s.User("alice", awkward)
	styles := map[string]oauth2.AuthStyle{
		oauth.ClientSecretBasic: oauth2.AuthStyleInHeader, oauth.ClientSecretPost: oauth2.AuthStyleInParams, oauth.None: oauth2.AuthStyleInParams,
	}
	for method, style := range styles {
		ours := register(s, method)
		theirs := oauth2.Config{ClientID: ours.ID, ClientSecret: oauth.ClientSecret.Of(ours.Own).Reveal(), Scopes: []string{"read", "write"},
			Endpoint: oauth2.Endpoint{TokenURL: ours.TokenURL, AuthStyle: style}}
		if method == oauth.None {
			theirs.ClientSecret = ""
		}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, ours.HTTP)
		for name, c := range map[string]struct {
			grant url.Values
			their func() (*oauth2.Token, error)
		}{
			"client_credentials": {clientCredentials, func() (*oauth2.Token, error) {
				config := clientcredentials.Config{ClientID: ours.ID, ClientSecret: awkward, TokenURL: ours.TokenURL, Scopes: theirs.Scopes, AuthStyle: style}
				return config.Token(ctx)
			}},
			"password": {
				url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {awkward}, "scope": {"read write"}},
				func() (*oauth2.Token, error) { return theirs.PasswordCredentialsToken(ctx, "alice", awkward) },
			},
			"refresh_token": {
				url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"+/old=="}},
				func() (*oauth2.Token, error) {
					return theirs.TokenSource(ctx, &oauth2.Token{RefreshToken: "+/old=="}).Token()
				},
			},
		} {
			if method == oauth.None && name == "client_credentials" {
				continue // a public client has none
			}
			for body, life := range map[string]time.Duration{
				`{"access_token":"+/a==","token_type":"Bearer","expires_in":3600,"scope":"read write","refresh_token":"+/new=="}`: time.Hour,
				`{"access_token":"a.b.c","token_type":"bearer","expires_in":"60","refresh_token":"r"}`:                            time.Minute,
				`{"access_token":"a","token_type":"Bearer","refresh_token":"+/old=="}`:                                            0,
			} {
				t.Run(string(method)+" "+name, func(t *testing.T) { compare(t, s, ours, c.grant, c.their, body, life) })
			}
		}
	}
}

func compare(t *testing.T, s *oauthtest.Server, ours *oauth.Client, grant url.Values, their func() (*oauth2.Token, error), body string, life time.Duration) {
	s.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(body))
		return err == nil
	})
	start := time.Now().Round(0)
	want, err := their()
	require.NoError(t, err)
	wantRequest := s.Last()
	got, err := ours.Exchange(t.Context(), grant)
	require.NoError(t, err)
	gotRequest := s.Last()
	end := time.Now().Round(0)

	wantRequest.Header.Del("User-Agent") // theirs names Go
	gotRequest.Header.Del("User-Agent")
	require.Equal(t, []string{"application/json"}, gotRequest.Header["Accept"]) // they send none
	gotRequest.Header.Del("Accept")
	require.Equal(t, wantRequest, gotRequest)

	require.Equal(t, want.AccessToken, got.AccessToken.Reveal())
	require.Equal(t, want.TokenType, got.TokenType)
	require.Equal(t, want.RefreshToken, got.RefreshToken.Reveal())
	scope, _ := want.Extra("scope").(string)
	require.Equal(t, scope, got.Scope)
	if life == 0 {
		require.Zero(t, want.Expiry)
		require.Zero(t, got.Expires)
		return
	}
	require.Equal(t, life, got.Expires.Sub(got.Issued))
	for _, expires := range []time.Time{want.Expiry.Round(0), got.Expires} { // they count from the answer, we from the request
		require.False(t, expires.Before(start.Add(life)) || expires.After(end.Add(life)), "%v", expires)
	}
}
