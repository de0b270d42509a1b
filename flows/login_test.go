// SPDX-License-Identifier: MPL-2.0

package flows_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

const document = `{
	"request": {"url": "/login", "json": {"user": "{{username}}", "pass": "{{password}}"}},
	"token": {"json": "/token"},
	"expires": {"json": "/seconds"},
	"refresh_token": {"json": "/refresh", "ttl": "12h"},
	"refresh": {"request": {"url": "/refresh", "headers": {"X-Old": "{{token}}"}, "form": {"refresh": "{{refresh_token}}"}}},
	"extra": {"host": {"json": "/host"}}
}`

// loginAt is a request for the document at a server that answers as told, and
// what the server was asked.
func loginAt(t *testing.T, answer http.HandlerFunc) (flows.Flow, flows.Request, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Old")+" "+string(body))
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	client, err := transport.New(transport.Options{AllowHTTP: true, Guard: transport.Guard{AllowLoopback: true}})
	require.NoError(t, err)
	compiled, err := login.Compile(document, login.Rules{})
	require.NoError(t, err)
	flow, ok := flows.Lookup("login")
	require.True(t, ok)
	return flow, flows.Request{
			Server: &flows.Server{Client: &oauth.Client{HTTP: client}, BaseURL: server.URL, Document: compiled},
			Own:    field.Own{"username": "alice", "password": secret.String("canary-password")},
		}, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return asked
		}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestALoginAndItsRefresh(t *testing.T) {
	flow, r, asked := loginAt(t, says(200, `{"token": "t-1", "seconds": 60, "refresh": "r-1", "host": "eu"}`))
	token, err := flow.Mint(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, []string{"t-1", "r-1", "Bearer"}, []string{token.AccessToken.Reveal(), token.RefreshToken.Reveal(), token.TokenType})
	require.True(t, token.Issued.Add(time.Minute).Equal(token.Expires))
	require.Equal(t, map[string]string{"host": "eu"}, token.Extra)
	require.False(t, token.UseOnce)

	held := flows.Held{AccessToken: token.AccessToken, Expires: token.Expires, RefreshToken: token.RefreshToken}
	require.True(t, flow.CanRefresh(r, held))
	_, err = flow.Refresh(t.Context(), r, held)
	require.NoError(t, err)
	require.Equal(t, []string{
		`POST /login  {"user":"alice","pass":"canary-password"}`,
		`POST /refresh t-1 refresh=r-1`,
	}, asked())

	require.False(t, flow.CanRefresh(r, flows.Held{AccessToken: "t-1", Expires: token.Expires}), "no refresh token")
	held.Expires = time.Now()
	require.False(t, flow.CanRefresh(r, held), "an access token that has ended cannot be sent along")
}

func TestWhatALoginFailsWith(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   oauth.Error
		text   string
	}{
		"refused":       {says(401, `{"message": "no such user"}`), oauth.Error{Kind: oauth.Refused, Status: 401}, "no such user"},
		"without words": {says(403, ``), oauth.Error{Kind: oauth.Refused, Status: 403}, "expected success"},
		"error in 200":  {says(200, `{"error": {"message": "wrong"}}`), oauth.Error{Kind: oauth.Refused, Status: 200}, "wrong"},
		"redirect":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/canary-place", http.StatusFound) }, oauth.Error{Kind: oauth.Redirected, Status: 302}, "redirect refused"},
		"down":          {says(503, `{}`), oauth.Error{Kind: oauth.Unavailable, Status: 503}, "503"},
		"later": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, oauth.Error{Kind: oauth.Unavailable, Status: 429, RetryAfter: 7 * time.Second}, "429"},
		"HTML":       {says(200, `<html>canary-answer</html>`), oauth.Error{Kind: oauth.Unexpected, Status: 200}, "HTML"},
		"empty":      {says(200, ``), oauth.Error{Kind: oauth.Unexpected, Status: 200}, "empty"},
		"binary":     {says(200, "\x00\x01\xffcanary-answer"), oauth.Error{Kind: oauth.Unexpected, Status: 200}, "not JSON"},
		"wrong type": {says(200, `{"token": {"a": 1}}`), oauth.Error{Kind: oauth.Unexpected, Status: 200}, "/token"},
		"no token":   {says(200, `{"token": " "}`), oauth.Error{Kind: oauth.Unexpected, Status: 200}, "/token"},
		"2 MiB":      {says(200, `{"token": "`+strings.Repeat("a", 2<<20)+`"}`), oauth.Error{Kind: oauth.Malformed, Status: 200}, "larger than allowed"},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, oauth.Error{Kind: oauth.Ambiguous}, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			flow, r, asked := loginAt(t, c.answer)
			_, err := flow.Mint(t.Context(), r)
			failed := (*oauth.Error)(nil)
			require.ErrorAs(t, err, &failed)
			require.Equal(t, c.want, oauth.Error{Kind: failed.Kind, Status: failed.Status, RetryAfter: failed.RetryAfter}, failed.Error())
			require.Contains(t, err.Error(), c.text)
			require.NotContains(t, err.Error()+failed.Hint, "canary")
			require.Len(t, asked(), 1, "a login is sent once")
		})
	}
}

func TestADocumentThatCannotBeFilledIn(t *testing.T) {
	flow, r, asked := loginAt(t, says(200, `{}`))
	delete(r.Own, "password")
	_, err := flow.Mint(context.Background(), r)
	require.ErrorContains(t, err, "the login document cannot be filled in")
	require.Empty(t, asked())
}
