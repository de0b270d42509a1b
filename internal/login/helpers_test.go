// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// awkward ends every kind of text that it is put into.
const awkward = "\"}],'&<>%\n"

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func compile(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Compile(text, Rules{})
	require.NoError(t, err)
	return d
}

// withRequest is a document of a request, written without its braces.
func withRequest(request string) string {
	return `{"request": {` + request + `}, "token": {"json": "/token"}}`
}

// withRest is a document of everything beside a plain request.
func withRest(rest string) string { return `{"request": {"url": "https://h.example/"}, ` + rest + `}` }

func login(t testing.TB, request string, v Values) *Request {
	t.Helper()
	r, err := compile(t, withRequest(request)).Login(v)
	require.NoError(t, err)
	return r
}

func loginError(t testing.TB, request string, v Values) string {
	t.Helper()
	_, err := compile(t, withRequest(request)).Login(v)
	require.Error(t, err)
	return err.Error()
}

// values has one value of everything.
func values() Values {
	return Values{
		BaseURL:  "https://base.example/api",
		Username: "alice", Password: awkward, ClientID: "app", ClientSecret: "in-client-secret",
		Secrets:   map[string]any{"key": "in-secret-key", "pin": json.Number("4711"), "list": []any{"in-secret-list", json.Number("12")}, "other": awkward},
		Variables: map[string]any{"text": "north", "number": json.Number("1.50"), "yes": true, "no": false, "null": nil, "list": []any{"a", json.Number("2"), nil}, "object": map[string]any{"k": "<v>"}, "empty": ""},
		Token:     "in-token", RefreshToken: "in-refresh-token",
	}
}

func header(r *Request, name string) string {
	var all []string
	for _, h := range r.Header {
		if http.CanonicalHeaderKey(h.Name) == name {
			all = append(all, h.Value)
		}
	}
	return strings.Join(all, " AND ")
}

// said is an answer of status 200.
func said(body string) Answer {
	return Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), At: now}
}

func read(t testing.TB, document string, a Answer) *Result {
	t.Helper()
	r, f := compile(t, document).ReadLogin(a)
	require.Nil(t, f)
	return r
}

func fails(t testing.TB, document string, a Answer) *Failure {
	t.Helper()
	r, f := compile(t, document).ReadLogin(a)
	require.Nil(t, r)
	require.NotNil(t, f)
	return f
}
