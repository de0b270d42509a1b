// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// respond serves one answer to everybody and returns where.
func respond(t *testing.T, handler http.HandlerFunc) (*http.Client, string) {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return web.Client(), web.URL
}

func TestSendSendsExactlyWhatItIsGiven(t *testing.T) {
	var seen *http.Request
	var body string
	client, base := respond(t, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen, body = r, string(raw)
		w.Header().Set("X-Token", "in a header")
		w.WriteHeader(418)
		_, _ = io.WriteString(w, "short and stout")
	})
	before := time.Now().Round(0)
	answer, failed := oauth.Send(t.Context(), client, oauth.Outgoing{
		Method: "PUT", URL: base + "/a%2Fb?x=1&x=2#f", Body: []byte("hello"),
		Header: []oauth.HeaderLine{{"User-Agent", "mine"}, {"X-Two", "1"}, {"X-Two", "2"}, {"Content-Type", "text/odd"}},
	})
	require.Nil(t, failed)
	require.Equal(t, "PUT /a%2Fb?x=1&x=2 hello", seen.Method+" "+seen.RequestURI+" "+body)
	require.Equal(t, http.Header{"User-Agent": {"mine"}, "X-Two": {"1", "2"}, "Content-Type": {"text/odd"}, "Content-Length": {"5"}, "Accept-Encoding": {"gzip"}}, seen.Header)
	require.Equal(t, strings.TrimPrefix(base, "http://"), answer.Host)
	require.Equal(t, 418, answer.Status)
	require.Equal(t, "short and stout", string(answer.Body))
	require.Equal(t, "in a header", answer.Header.Get("X-Token"))
	require.False(t, answer.Issued.Before(before))

	_, failed = oauth.Send(t.Context(), client, oauth.Outgoing{Method: "GET", URL: base})
	require.Nil(t, failed)
	require.Equal(t, http.Header{"Accept-Encoding": {"gzip"}}, seen.Header, "nothing is added")
	require.Empty(t, body)
}

func TestARedirectIsAnAnswer(t *testing.T) {
	for status := 300; status <= 308; status++ {
		asked := 0
		client, base := respond(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.Header().Set("Location", "http://[secret-in-location")
			w.Header().Set("Set-Cookie", "sid=1")
			w.WriteHeader(status)
		})
		answer, failed := oauth.Send(t.Context(), client, oauth.Outgoing{Method: "POST", URL: base, Body: []byte("x")})
		require.Nil(t, failed)
		require.Equal(t, status, answer.Status)
		require.Equal(t, "sid=1", answer.Header.Get("Set-Cookie"))
		require.Empty(t, answer.Header.Get("Location"))
		require.Equal(t, oauth.Error{Kind: oauth.Redirected, Host: answer.Host, Status: status, Reason: "redirect refused"}, *answer.Redirected())
		require.Equal(t, 1, asked)
	}
}

func TestWhatAnAnswerStandsFor(t *testing.T) {
	const hidden = "s3cret-in-document"
	for body, want := range map[string]oauth.Error{
		`{"message":"user ` + hidden + ` is locked","errorCode":"AUTH-7"}`: {Kind: oauth.Refused, Code: "AUTH-7", Description: "user [redacted] is locked"},
		`[{"message":"Session expired","errorCode":"INVALID_SESSION_ID"}]`: {Kind: oauth.Refused, Code: "INVALID_SESSION_ID", Description: "Session expired"},
		`{"error":"temporarily_unavailable"}`:                              {Kind: oauth.Unavailable, Code: "temporarily_unavailable"},
		`[]`:                                                               {Kind: oauth.Refused}, `<html>`: {Kind: oauth.Refused}, ``: {Kind: oauth.Refused}, `[17]`: {Kind: oauth.Refused},
	} {
		client, base := respond(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(403)
			_, _ = io.WriteString(w, body)
		})
		answer, failed := oauth.Send(t.Context(), client, oauth.Outgoing{Method: "POST", URL: base, Secrets: []string{hidden}})
		require.Nil(t, failed)
		want.Host, want.Status, want.RetryAfter = answer.Host, 403, 17*time.Second
		require.Equal(t, want, *answer.Refusal(), body)
		require.Equal(t, oauth.Error{Kind: oauth.Malformed, Host: answer.Host, Status: 403, Reason: `no "[redacted]" there`}, *answer.Malformed(`no "` + hidden + `" there`))
		require.Equal(t, "its keys are [redacted], b", answer.Scrub("its keys are "+hidden+",\nb"))
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", answer, *answer, *answer, answer), "17")
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", oauth.Outgoing{URL: hidden}, &oauth.Outgoing{Body: []byte(hidden)}, oauth.Outgoing{Secrets: []string{hidden}}), hidden)
}

func TestSendFailures(t *testing.T) {
	cutOff := func(text string) func(*net.TCPConn) { return afterRequest(write(text)) }
	for name, c := range map[string]struct {
		serve  func(*net.TCPConn)
		kind   oauth.Kind
		status int
		code   string
	}{
		"closed":               {cutOff(""), oauth.Ambiguous, 0, ""},
		"whole object":         {cutOff("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"token\":\"t\"}"), oauth.Ambiguous, 200, ""},
		"whole error with 200": {cutOff("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"error\":\"no\"}"), oauth.Refused, 200, "no"},
		"302":                  {cutOff("HTTP/1.1 302 Found\r\nContent-Length: 99\r\n\r\n<h"), oauth.Ambiguous, 302, ""},
		"400":                  {cutOff("HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":\"inval"), oauth.Ambiguous, 400, ""},
		"400 with its error":   {cutOff("HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"errorCode\":\"E7\"}"), oauth.Refused, 400, "E7"},
		"503":                  {cutOff("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\n<h"), oauth.Unavailable, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			there := socket(t, "http", c.serve)
			answer, failed := oauth.Send(t.Context(), there.HTTP, oauth.Outgoing{Method: "POST", URL: there.TokenURL, Body: []byte("b")})
			require.Nil(t, answer)
			require.Equal(t, c.kind, failed.Kind, "%v", failed)
			require.Equal(t, c.status, failed.Status)
			require.Equal(t, c.code, failed.Code)
			require.NotContains(t, fmt.Sprintf("%+v", *failed), "in-url")
		})
	}
}

func TestTooLargeAnAnswerToSend(t *testing.T) {
	for status, kind := range map[int]oauth.Kind{200: oauth.Malformed, 302: oauth.Malformed, 401: oauth.Refused, 502: oauth.Unavailable} {
		client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader("{}"), failing{}))}, nil
		})}
		answer, failed := oauth.Send(t.Context(), client, oauth.Outgoing{Method: "GET", URL: "http://api.example/"})
		require.Nil(t, answer)
		require.Equal(t, kind, failed.Kind, status)
	}
}

func TestSendRefusesWhatIsNoRequest(t *testing.T) {
	client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, io.EOF
	})}
	for _, out := range []oauth.Outgoing{
		{Method: "GET", URL: "hunter2"}, {Method: "GET", URL: "http://[hunter2"}, {Method: "GET", URL: "ftp://api.example/hunter2"}, {Method: "GET", URL: "/hunter2"},
		{Method: "GET", URL: "http://user:hunter2@api.example"}, {Method: "GET hunter2", URL: "http://api.example"}, {Method: "GET", URL: "https:///hunter2"},
	} {
		answer, failed := oauth.Send(t.Context(), client, out)
		require.Nil(t, answer)
		require.Equal(t, oauth.Forbidden, failed.Kind)
		require.NotEmpty(t, failed.Reason)
		require.NotContains(t, fmt.Sprintf("%+v", *failed), "hunter2")
	}
}

// TestAGetThatNetHTTPRepeatsHasGoneOut: the request was read, the connection
// broke, and net/http found no other one.
func TestAGetThatNetHTTPRepeatsHasGoneOut(t *testing.T) {
	for method, kind := range map[string]oauth.Kind{"GET": oauth.Ambiguous, "POST": oauth.Ambiguous} {
		asked := make(chan struct{}, 9)
		there := socket(t, "http", func(conn *net.TCPConn) {
			for i := range 2 {
				one := make([]byte, 4096)
				if _, err := conn.Read(one); err != nil || i == 1 {
					asked <- struct{}{}
					reset(conn)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		dials := 0
		there.HTTP.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		out := oauth.Outgoing{Method: method, URL: there.TokenURL}
		_, failed := oauth.Send(t.Context(), there.HTTP, out)
		require.Nil(t, failed)
		_, failed = oauth.Send(t.Context(), there.HTTP, out)
		<-asked
		require.Equal(t, kind, failed.Kind, "%s: %v", method, failed)
	}
}
