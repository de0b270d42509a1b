// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// awkward shows whether form-encoding is done, done twice, or forgotten.
const awkward = "p@ss:w/ rd+%41&="

var clientCredentials = url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}}

// register makes a client at the server, known there by the same method.
func register(s *oauthtest.Server, method string) *oauth.Client {
	s.Client("my client", awkward, oauthtest.Method(method))
	return &oauth.Client{HTTP: s.HTTPClient(), TokenURL: s.TokenURL(), ID: "my client", Own: field.Own{"client_secret": secret.String(awkward)}, Auth: method}
}

// failed returns the error of an exchange that must fail.
func failed(t *testing.T, token *oauth.Token, err error) *oauth.Error {
	t.Helper()
	require.Nil(t, token)
	e, ok := errors.AsType[*oauth.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

func TestClientAuthentication(t *testing.T) {
	s := oauthtest.New(t)
	s.User("alice", "wonder land")
	password := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"wonder land"}}
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

	for name, c := range map[string]struct {
		method string
		raw    bool
		header string
		body   url.Values
	}{
		"basic":     {oauth.ClientSecretBasic, false, basic("my+client:p%40ss%3Aw%2F+rd%2B%2541%26%3D"), nil},
		"raw basic": {oauth.ClientSecretBasic, true, basic("my client:" + awkward), nil},
		"post":      {oauth.ClientSecretPost, false, "", url.Values{"client_id": {"my client"}, "client_secret": {awkward}}},
		"none":      {oauth.None, false, "", url.Values{"client_id": {"my client"}}},
	} {
		t.Run(name, func(t *testing.T) {
			client := register(s, c.method)
			if c.raw {
				client.Own["client_secret_basic_encoding"] = oauth.BasicRaw
				s.Client("my client", awkward, oauthtest.RawBasic)
			}
			token, err := client.Exchange(t.Context(), password)
			require.NoError(t, err)
			require.True(t, s.Issued(token.AccessToken.Reveal()))

			want := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"wonder land"}}
			for k, v := range c.body {
				want[k] = v
			}
			require.Equal(t, want, s.Last().Form)
			require.Equal(t, c.header, s.Last().Header.Get("Authorization"))
		})
	}
}

func TestAGrantCannotBringClientAuthentication(t *testing.T) {
	s := oauthtest.New(t)
	grant := url.Values{"grant_type": {"client_credentials"}, "client_id": {"another"}, "client_secret": {"x"}}
	_, err := register(s, oauth.ClientSecretBasic).Exchange(t.Context(), grant)
	require.NoError(t, err)
	require.Equal(t, url.Values{"grant_type": {"client_credentials"}}, s.Last().Form)
	token, err := register(s, oauth.None).Exchange(t.Context(), grant)
	require.Equal(t, "unauthorized_client", failed(t, token, err).Code)
	require.Equal(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {"my client"}}, s.Last().Form)
}

func TestTheOtherBasicIsRefused(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	client.Own["client_secret_basic_encoding"] = oauth.BasicRaw
	token, err := client.Exchange(t.Context(), clientCredentials)
	require.Equal(t, oauth.Error{
		Kind: oauth.Refused, Host: strings.TrimPrefix(s.URL, "http://"), Status: 401, Code: "invalid_client", Description: "client authentication failed",
	}, *failed(t, token, err))
	require.Equal(t, 1, s.Requests(), "no second style is tried")
}

func TestTheRequest(t *testing.T) {
	s := oauthtest.New(t, oauthtest.TLS)
	var body string
	s.Respond(func(w http.ResponseWriter, r *http.Request) bool { body = r.Header.Get("Content-Length"); return false })
	client := register(s, oauth.ClientSecretPost)
	client.Header = map[string]string{"X-Api-Key": "key", "User-Agent": "mine", "Content-Language": "en"}
	client.Params = map[string]string{
		"audience": "https://api", "scope": "not this", "grant_type": "nor this", "client_id": "x", "client_secret": "x",
	}
	grant := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}, "resource": {"https://a", "https://b"}}
	kept := fmt.Sprint(grant)

	before := time.Now()
	token, err := client.Exchange(t.Context(), grant)
	require.NoError(t, err)
	require.Equal(t, kept, fmt.Sprint(grant), "the caller's grant is left alone")

	got := s.Last()
	require.Equal(t, url.Values{
		"grant_type": {"client_credentials"}, "scope": {"read"}, "resource": {"https://a", "https://b"}, "audience": {"https://api"},
		"client_id": {"my client"}, "client_secret": {awkward},
	}, got.Form)
	require.Equal(t, fmt.Sprint(len(got.Form.Encode())), body)
	require.Equal(t, "POST /token", got.Method+" "+got.Path)
	for name, want := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": "mine", "X-Api-Key": "key", "Authorization": "",
	} {
		require.Equal(t, want, got.Header.Get(name), name)
	}
	require.False(t, token.Issued.Before(before.Round(0)))
	require.Equal(t, token.Issued, token.Issued.Round(0), "no monotonic clock")
	require.Equal(t, token.Issued.Add(time.Hour), token.Expires)
	require.Equal(t, "read", token.Scope)

	client.Header = nil
	_, err = client.Exchange(t.Context(), grant)
	require.NoError(t, err)
	require.Equal(t, "vault-plugin-secrets-oauth", s.Last().Header.Get("User-Agent"))
}

func TestParametersInOneOrder(t *testing.T) {
	var bodies []string
	client := oauth.Client{Auth: oauth.None, ID: "id", TokenURL: "http://as.example/token", Params: map[string]string{"b": "1", "y": "2", "a": "3"}}
	client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		raw, err := io.ReadAll(r.Body)
		bodies = append(bodies, string(raw))
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"access_token":"a"}`))}, err
	})}
	for range 20 {
		_, err := client.Exchange(t.Context(), clientCredentials)
		require.NoError(t, err)
	}
	require.Len(t, bodies, 20)
	for _, body := range bodies {
		require.Equal(t, "a=3&b=1&client_id=id&grant_type=client_credentials&scope=read+write&y=2", body)
	}
}

func TestNothingIsSentWhenSomethingIsMissing(t *testing.T) {
	s := oauthtest.New(t)
	host := strings.TrimPrefix(s.URL, "http://")
	for reason, change := range map[string]func(*oauth.Client){
		"client_secret is not set":             func(c *oauth.Client) { delete(c.Own, "client_secret") },
		"client_auth_method is not supported":  func(c *oauth.Client) { c.Auth = "" },
		"client_auth_method is not supported ": func(c *oauth.Client) { c.Auth = "client_secret_jwt" },
		"token_url carries userinfo":           func(c *oauth.Client) { c.TokenURL = "http://user:hunter2@" + host + "/token" },
		"token_url is not a URL":               func(c *oauth.Client) { c.TokenURL = "http://[hunter2" },
		"token_url is not a URL ":              func(c *oauth.Client) { c.TokenURL = "/token" },
		"token_url is not a URL  ":             func(c *oauth.Client) { c.TokenURL = "ftp://" + host },
		"client_id has a colon, which Basic cannot carry unencoded (RFC 7617 section 2): use client_secret_basic_encoding=form": func(c *oauth.Client) { c.ID, c.Own["client_secret_basic_encoding"] = "a:b", oauth.BasicRaw },
	} {
		client := register(s, oauth.ClientSecretBasic)
		change(client)
		token, err := client.Exchange(t.Context(), clientCredentials)
		e := failed(t, token, err)
		require.Equal(t, oauth.Forbidden, e.Kind, reason)
		require.Equal(t, strings.TrimSpace(reason), e.Reason)
		require.NotContains(t, err.Error(), "hunter2")
	}
	post := register(s, oauth.ClientSecretPost)
	delete(post.Own, "client_secret")
	token, err := post.Exchange(t.Context(), clientCredentials)
	require.Equal(t, "client_secret is not set", failed(t, token, err).Reason)
	require.Zero(t, s.Requests())
}

func TestAuthMethods(t *testing.T) {
	require.Equal(t, []string{"client_secret_basic", "client_secret_post", "none"}, oauth.AuthNames())
}

// grants against the strict server, with a refresh token for the last of them.
func grants(t *testing.T, s *oauthtest.Server, client *oauth.Client) map[string]func() url.Values {
	s.User("alice", awkward)
	password := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {awkward}, "scope": {"read"}}
	token, err := client.Exchange(t.Context(), password)
	require.NoError(t, err)
	s.Rotate(false)
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken.Reveal()}}
	return map[string]func() url.Values{
		"client_credentials": func() url.Values { return clientCredentials },
		"password":           func() url.Values { return password },
		"refresh_token":      func() url.Values { return refresh },
	}
}

func TestRefreshRotates(t *testing.T) {
	s := oauthtest.New(t)
	s.User("alice", awkward)
	client := register(s, oauth.ClientSecretBasic)
	token, err := client.Exchange(t.Context(), url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {awkward}})
	require.NoError(t, err)
	first := token.RefreshToken
	refresh := func(with secret.String) (*oauth.Token, error) {
		return client.Exchange(t.Context(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {with.Reveal()}})
	}
	token, err = refresh(first)
	require.NoError(t, err)
	require.True(t, token.RefreshToken.IsSet())
	require.NotEqual(t, first.Reveal(), token.RefreshToken.Reveal())

	spent, err := refresh(first)
	require.Equal(t, "invalid_grant", failed(t, spent, err).Code)
	dead, err := refresh(token.RefreshToken)
	require.Equal(t, "invalid_grant", failed(t, dead, err).Code)
}

func TestLifetimesOfEveryGrant(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	all := grants(t, s, client)
	for raw, want := range map[string]time.Duration{
		`3600`: time.Hour, `3600.0`: time.Hour, `3.6e3`: time.Hour, `"3600"`: time.Hour, `"3600.0"`: time.Hour, `"3.6e3"`: time.Hour,
		`0`: 0, `-1`: 0, `"0"`: 0, `1e99`: 87600 * time.Hour, `null`: -1, `""`: -1, ``: -1, `"soon"`: -1, `{}`: -1, `19`: 19 * time.Second,
	} {
		s.ExpiresIn(raw)
		for name, grant := range all {
			token, err := client.Exchange(t.Context(), grant())
			require.NoError(t, err, "%s %s", name, raw)
			require.Equal(t, want == 0, token.UseOnce)
			if want < 0 {
				require.Zero(t, token.Expires)
			} else {
				require.Equal(t, token.Issued.Add(want), token.Expires)
			}
		}
	}
}

func TestRedirectsSendNothingAnywhere(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretPost)
	all := grants(t, s, client)
	sent := s.Requests()

	for name, grant := range all {
		for status := 300; status <= 308; status++ {
			for _, location := range []string{other.URL + "/token", s.URL + "/other", "/token", "", "http://[secret-in-location", "//" + strings.TrimPrefix(other.URL, "http://")} {
				s.Respond(func(w http.ResponseWriter, r *http.Request) bool {
					if location != "" {
						w.Header().Set("Location", location)
					}
					w.WriteHeader(status)
					return true
				})
				token, err := client.Exchange(t.Context(), grant())
				sent++
				require.Equal(t, oauth.Error{
					Kind: oauth.Redirected, Host: strings.TrimPrefix(s.URL, "http://"), Status: status, Reason: "redirect refused",
				}, *failed(t, token, err), "%s %d %s", name, status, location)
			}
		}
	}
	require.Equal(t, sent, s.Requests())
	require.Zero(t, elsewhere.Load())
}
