// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// answerWith makes a client whose server gives one answer, and nothing else.
func answerWith(status int, header http.Header, body string) *http.Client {
	return &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header.Clone(), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}
}

var durations = regexp.MustCompile(`, [0-9.]+(ns|µs|ms|s)\n`)

// text returns a trace's text, with every duration the same.
func text(trace *oauth.Trace) string { return durations.ReplaceAllString(trace.String(), ", 7ms\n") }

func TestTraceOfAnExchange(t *testing.T) {
	client := &oauth.Client{
		TokenURL: "https://as.example/token?key=k%2Dkey&tenant=", ID: "my app", Own: field.Own{"client_secret": secret.String("pa&ss=word")}, Auth: oauth.ClientSecretBasic,
		Header: map[string]string{"x-api-key": "header-value", "Accept": "application/vnd.as+json"}, Params: map[string]string{"audience": "https://api/", "api_key": "p"},
		HTTP: answerWith(200, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"some id"}, "Set-Cookie": {"sid=abcdefgh", "b=c"}},
			`{"access_token":"the-access-token","expires_in":"3600","scope":"read the-access-token","refresh_token":"the-refresh-token"}`),
	}
	grant := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"old one"}, "resource": {"https://a", "https://b"}}
	trace := new(oauth.Trace)
	_, err := client.Exchange(oauth.WithTrace(t.Context(), trace), grant)
	require.NoError(t, err)
	require.Equal(t, `1. POST https://as.example/token?key=[redacted, 5 bytes]&tenant=[redacted, 0 bytes]
   Accept: application/vnd.as+json
   Authorization: Basic base64(my+app:[redacted, 10 bytes])
   Content-Type: application/x-www-form-urlencoded
   User-Agent: vault-plugin-secrets-oauth
   X-Api-Key: [redacted, 12 bytes]

   api_key=[redacted, 1 bytes]&audience=https%3A%2F%2Fapi%2F&grant_type=refresh_token&refresh_token=[redacted, 7 bytes]&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb

   -> 200 OK, 7ms
   Content-Type: application/json
   Set-Cookie: [12 bytes]
   Set-Cookie: [3 bytes]
   X-Request-Id: [7 bytes]

   {
     "access_token": [text, 16 characters],
     "expires_in": [text, 4 characters],
     "scope": [text, 21 characters],
     "refresh_token": [text, 17 characters]
   }

   - access_token: a text of 16 characters
   - token_type: none that could be used, so Bearer
   - expires_in: 3600, as a text
   - refresh_token: a text of 17 characters
   - scope: read [redacted]
`, text(trace))

	client.Auth, client.HTTP = oauth.ClientSecretPost, answerWith(400, http.Header{"Content-Type": {"application/json"}}, `{"error":"invalid_client","error_description":"no such pa&ss=word"}`)
	_, err = client.Exchange(oauth.WithTrace(t.Context(), trace), url.Values{"grant_type": {"client_credentials"}})
	require.Error(t, err)
	require.Len(t, trace.Steps, 2)
	require.Contains(t, text(trace), "\n2. POST https://as.example/token?")
	require.Contains(t, text(trace), "client_id=my+app&client_secret=[redacted, 10 bytes]&grant_type")
	require.Contains(t, text(trace), "\"error\": \"invalid_client\",\n     \"error_description\": \"no such [redacted]\"\n   }\n\n   failed: as.example answered 400: invalid_client: no such [redacted]\n")
}

func TestTraceWhenNothingComesBack(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	trace := new(oauth.Trace)
	ctx := oauth.WithTrace(t.Context(), trace)
	oauth.Note(ctx, "there is no step yet")
	s.Down()
	client.HTTP = &http.Client{Transport: &http.Transport{}}
	_, err := client.Exchange(ctx, clientCredentials)
	require.Error(t, err)
	require.Zero(t, trace.Steps[0].Status)
	require.Equal(t, err.Error(), trace.Steps[0].Failure)
	require.Contains(t, text(trace), "   -> no answer, 7ms\n\n   failed: "+err.Error()+"\n")

	client.TokenURL = "http://user:hunter2@as.example/token?hunter2"
	_, err = client.Exchange(ctx, clientCredentials)
	require.Error(t, err)
	client.TokenURL = "http://[hunter2"
	_, err = client.Exchange(ctx, clientCredentials)
	require.Error(t, err)
	_, failed := oauth.Send(ctx, client.HTTP, oauth.Outgoing{Method: "GET", URL: "hunter2"})
	require.NotNil(t, failed)
	require.Len(t, trace.Steps, 4)
	require.NotContains(t, fmt.Sprintf("%s %+v", trace, *trace), "hunter2")
	require.Contains(t, text(trace), "\n2. POST http://as.example\n")
	require.Contains(t, text(trace), "\n4. GET (no URL)\n")
}

func TestTraceOfSend(t *testing.T) {
	client := answerWith(302, http.Header{"Location": {"https://elsewhere/?code=abc"}, "Set-Cookie": {"sid=the-session-id"}, "Retry-After": {"3"}}, "see there")
	shown := oauth.Shown{Method: "POST", URL: "https://api.example/login?tenant=x", Header: []string{"X-Pin: [redacted, 4 bytes]", "X-Other: my-pass-word"}, Body: "{\n  \"user\": \"my-pass-word\"\n}\x1b[31m"}
	out := oauth.Outgoing{Method: "POST", URL: "https://api.example/login/my-pass-word?tenant=x", Secrets: []string{"my-pass-word"}, Shown: func() oauth.Shown { return shown }}
	trace := new(oauth.Trace)
	ctx := oauth.WithTrace(t.Context(), trace)
	_, failed := oauth.Send(ctx, client, out)
	require.Nil(t, failed)
	oauth.Note(ctx, "token: /x matched my-pass-word", `header "Set-Cookie" has the-session-id`+"\n")
	require.Equal(t, `1. POST https://api.example/login?tenant=x
   X-Pin: [redacted, 4 bytes]
   X-Other: [redacted]

   {
     "user": "[redacted]"
   } [31m

   -> 302 Found, 7ms
   Retry-After: 3
   Set-Cookie: [18 bytes]

   [text, 9 bytes]

   - token: /x matched [redacted]
   - header "Set-Cookie" has [redacted]
`, text(trace))
	require.Equal(t, "X-Other: my-pass-word", shown.Header[1], "the caller's own list is left alone")

	out.Shown = nil
	_, failed = oauth.Send(ctx, answerWith(299, nil, ""), out)
	require.Nil(t, failed)
	require.Equal(t, oauth.Shown{Method: "POST", URL: "https://api.example", Header: []string{}}, trace.Steps[1].Request)
	require.Contains(t, text(trace), "   -> 299, 7ms\n\n   [empty]\n")

	untraced := 0
	out.Shown = func() oauth.Shown { untraced++; return shown }
	_, failed = oauth.Send(t.Context(), client, out)
	require.Nil(t, failed)
	oauth.Note(t.Context(), "nobody watches")
	require.Zero(t, untraced)
	require.Len(t, trace.Steps, 2)
}

func TestAnswerHeadersInATrace(t *testing.T) {
	header := http.Header{"Www-Authenticate": {`Bearer error="x", nonce="my-pass-word", other="` + strings.Repeat("long ", 60) + `"`}, "Server": {"my-pass-word"}, "A7bQ9xKw2LmZ81pRs": {"x"}, "Allow": {""}}
	for i := range 50 {
		header.Set(fmt.Sprintf("X-%02d", i), "v")
	}
	trace := new(oauth.Trace)
	_, failed := oauth.Send(oauth.WithTrace(t.Context(), trace), answerWith(401, header, "{}"), oauth.Outgoing{Method: "GET", URL: "http://a", Secrets: []string{"my-pass-word"}})
	require.Nil(t, failed)
	lines := trace.Steps[0].Header
	require.Len(t, lines, 41)
	require.Equal(t, "Allow:", lines[0])
	require.Equal(t, "Server: [redacted]", lines[1])
	require.True(t, strings.HasPrefix(lines[2], "Www-Authenticate: Bearer error='x', nonce='[redacted]', other='long"), lines[2])
	require.LessOrEqual(t, len(lines[2]), 220)
	require.Equal(t, "X-00: [1 bytes]", lines[3])
	require.Equal(t, "[and 14 more]", lines[40])
}
