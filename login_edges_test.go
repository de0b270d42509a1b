// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// api is a server of which a test says how it answers its n'th request, from 1.
type api struct {
	*httptest.Server
	asked atomic.Int64
}

func newAPI(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request)) *api {
	t.Helper()
	a := new(api)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(a.asked.Add(1), w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func says(text string) func(int64, http.ResponseWriter, *http.Request) {
	return func(_ int64, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// loggingIn is a mount with a config c for the API and a role r there. more
// follows the request and the token in the document.
func loggingIn(t *testing.T, a *api, more string, config fields) *mount {
	t.Helper()
	m := newMount(t)
	m.write("settings", fields{"allow_loopback": true})
	m.write("config/c", with(fields{
		"base_url": a.URL, "allow_http": true,
		"login": `{"request": {"url": "/t", "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"json": "/token"}` + more + `}`,
	}, config))
	m.write("roles/r", fields{"config": "c", "username": "alice", "password": userPassword})
	return m
}

func TestASessionsEndIsItsTokensEnd(t *testing.T) {
	m := loggingIn(t, newAPI(t, says(`{"token": "tok"}`)),
		`, "expires": {"fixed": "2h"}, "session_ttl": "1h", "refresh": {"request": {"url": "/refresh", "json": {"t": "{{token}}"}}}`, nil)
	m.token("r")
	held := m.storedToken("r")
	require.Equal(t, held.Refresh.Session.Ends, held.Expires)
	m.write("token/r/renew", nil)
	refreshed := m.storedToken("r")
	require.EqualValues(t, 2, refreshed.Generation())
	require.True(t, held.Refresh.Session.Ends.Equal(refreshed.Expires), "a refresh makes a session no longer")
}

func TestARefreshThatCannotBeSentIsALogin(t *testing.T) {
	a := newAPI(t, says(`{"token": "tok", "rt": "with a newline\n"}`))
	m := loggingIn(t, a, `, "refresh_token": {"json": "/rt"}, "refresh": {"request": {"url": "/refresh", "headers": {"X-R": "{{refresh_token}}"}}}`, nil)
	m.token("r")
	m.write("token/r/renew", nil)
	require.EqualValues(t, 2, a.asked.Load())
}

func TestARefreshWithThePasswordIsCountedAsALogin(t *testing.T) {
	a := newAPI(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n > 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{"token": "tok", "rt": "rt-1"}`)
	})
	m := loggingIn(t, a, `, "refresh_token": {"json": "/rt"}, "refresh": {"request": {"url": "/refresh",
		"basic": {"username": "{{username}}", "password": "{{password}}"}, "json": {"rt": "{{refresh_token}}"}}}`, nil)
	m.token("r")
	for range 10 {
		_, _ = m.do(logical.UpdateOperation, "token/r/renew", nil)
	}
	require.EqualValues(t, 2, a.asked.Load())
}

// A wrong password may be answered with a page, or a redirect to one.
func TestWhatMayBeARefusalIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]func(int64, http.ResponseWriter, *http.Request){
		"null": says(`{"token": null, "message": "bad password"}`),
		"page": says(`<html>Please sign in`),
		"redirect": func(_ int64, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?error", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, answer)
			m := loggingIn(t, a, "", nil)
			require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "This may have been a refusal, and accounts lock")
			for range 10 {
				m.write("roles/r/test", nil)
				_, _ = m.do(logical.UpdateOperation, "token/r/renew", nil)
			}
			require.EqualValues(t, 1, a.asked.Load())
		})
	}
}

func TestAnAccountOfTheConfigIsOneForAllItsRoles(t *testing.T) {
	a := newAPI(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	m := newMount(t)
	m.write("settings", fields{"allow_loopback": true})
	m.write("config/c", fields{
		"base_url": a.URL, "allow_http": true, "secrets": fields{"user": "svc", "pass": "canary-x"},
		"login": `{"request": {"url": "/t", "json": {"u": "{{secrets.user}}", "p": "{{secrets.pass}}", "s": "{{variables.s}}"}}, "token": {"json": "/token"}}`,
	})
	for i := range 5 {
		m.write(fmt.Sprintf("roles/r%d", i), fields{"config": "c", "variables": fields{"s": i}})
		m.refused(logical.ReadOperation, fmt.Sprintf("creds/r%d", i), nil)
	}
	require.EqualValues(t, 1, a.asked.Load())
}

func TestATokenThatCannotBeUsed(t *testing.T) {
	m := loggingIn(t, newAPI(t, says(`{"token": "a;b"}`)), `, "use": {"cookie": "sid", "headers": {"X-A": "b"}}`, nil)
	require.Contains(t, m.refused(logical.ReadOperation, "token/r", nil), `a text that can be sent as "use" says`)
}

func TestATraceShowsNoSecretThatTheAPIRepeats(t *testing.T) {
	const session = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
	echo := newAPI(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message": "unknown agent `+r.UserAgent()+` here"}`)
	})
	m := loggingIn(t, echo, "", fields{
		"secrets": fields{"k": "canary-open-sesame"},
		"login":   `{"request": {"url": "/t", "headers": {"User-Agent": "{{secrets.k}}"}, "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"json": "/token"}}`,
	})
	require.Equal(t, false, m.write("roles/r/test", nil).Data["ok"]) // the mount looks for canaries

	keyed := newAPI(t, says(`{"sessions": {"`+session+`": {"user": "alice"}}}`))
	m = loggingIn(t, keyed, "", fields{"login": `{"request": {"url": "/t", "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"json": "/sessions/id"}}`})
	tried := m.write("roles/r/test", nil).Data
	require.NotContains(t, strings.Join([]string{tried["trace"].(string), tried["failure"].(string), tried["hint"].(string)}, "\n"), session)
}

func TestAnEndThatTheAnswerHasIsSuggested(t *testing.T) {
	const hint = `"/valid_for_minutes" is a number: if that says when the token ends, write "expires": {"json": "/valid_for_minutes", "as": "minutes"}`
	m := loggingIn(t, newAPI(t, says(`{"token": "canary-tok", "valid_for_minutes": 30, "message": "canary-x"}`)), "", nil)
	resp := m.write("roles/r", fields{"config": "c", "username": "bob", "password": userPassword, "verify": "warn"})
	require.Equal(t, []string{
		"the server did not say how long the token lives: 1h is assumed; say better with access_token_ttl on the role",
		"the answer seems to say how long the token lives: " + hint,
	}, resp.Warnings)
	tried := m.write("roles/r/test", nil).Data
	require.Equal(t, hint, tried["hint"])
	require.Contains(t, tried["trace"], "To try: "+hint)
	require.Nil(t, m.write("roles/r", fields{"username": "carol", "password": userPassword, "access_token_ttl": "30m", "verify": "warn"}), "somebody has said how long")

	right := `{"request": {"url": "/t", "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"json": "/token"}, "expires": {"json": "/valid_for_minutes"AS}}`
	resp = m.write("config/c", fields{"login": strings.Replace(right, "AS", "", 1)})
	require.Contains(t, resp.Warnings[1], `login: expires.json (line 1, column `)
	require.Contains(t, resp.Warnings[1], `: /valid_for_minutes says minutes by its name, and is read as a number of seconds: if the name is right, write "as": "minutes"`)
	require.Nil(t, m.write("config/c", fields{"description": "it is known"}))
	require.Len(t, m.write("config/c", fields{"login": strings.Replace(right, "AS", `, "as": "minutes"`, 1)}).Warnings, 1, "of the move only")
	require.Nil(t, m.write("roles/r", fields{"password": userPassword, "access_token_ttl": 0, "verify": "warn"}))
	require.Equal(t, 30*time.Minute, m.storedToken("r").Expires.Sub(m.storedToken("r").Issued))
	require.Empty(t, m.write("roles/r/test", nil).Data["hint"])
}
