// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// socket listens on 127.0.0.1 and gives each connection to serve. The URL has a
// query that must not show up anywhere.
func socket(t *testing.T, scheme string, serve func(*net.TCPConn)) *oauth.Client {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn.(*net.TCPConn))
		}
	}()
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return &oauth.Client{
		HTTP: &http.Client{Transport: own}, TokenURL: scheme + "://" + listener.Addr().String() + "/path-in-url?key=query-in-url",
		ID: "id", Own: field.Own{"client_secret": secret.String(awkward)}, Auth: oauth.ClientSecretBasic,
	}
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// afterRequest reads one whole request before it hands over the connection.
func afterRequest(serve func(*net.TCPConn)) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_, err = io.Copy(io.Discard, req.Body)
		}
		if err != nil {
			_ = conn.Close()
			return
		}
		serve(conn)
	}
}

func write(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// check exchanges and returns the error, which must not show URL or cause.
func check(t *testing.T, ctx context.Context, client *oauth.Client) *oauth.Error {
	t.Helper()
	token, err := client.Exchange(ctx, clientCredentials)
	e := failed(t, token, err)
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", *e, e)} {
		require.NotContains(t, text, "in-url")
		require.NotContains(t, text, "Post")
		require.NotContains(t, text, "token?")
	}
	require.Nil(t, errors.Unwrap(err))
	return e
}

func TestConnectionFailures(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct {
		scheme  string
		serve   func(*net.TCPConn)
		kind    oauth.Kind
		status  int
		reasons []string // any of them: the kernel decides between a reset and an end
	}{
		"reset before the request":     {"https", reset, oauth.Unreachable, 0, []string{"connection reset", "the server closed the connection"}},
		"closed before the request":    {"https", write(""), oauth.Unreachable, 0, []string{"connection reset", "the server closed the connection"}},
		"no TLS there":                 {"https", write("HTTP/1.1 400 Bad Request\r\n\r\n"), oauth.Unreachable, 0, []string{"the server does not speak TLS there"}},
		"not even HTTP there":          {"https", write("SSH-2.0-OpenSSH_9\r\n"), oauth.Unreachable, 0, []string{"the server does not speak TLS there"}},
		"reset after the request":      {"http", afterRequest(reset), oauth.Ambiguous, 0, []string{"connection reset", "the server closed the connection"}},
		"closed after the request":     {"http", afterRequest(write("")), oauth.Ambiguous, 0, []string{"the server closed the connection"}},
		"half a status line":           {"http", afterRequest(write("HTTP/1.1 2")), oauth.Ambiguous, 0, []string{"the server closed the connection", "the answer could not be read"}},
		"no HTTP":                      {"http", afterRequest(write("hello, secret\r\n\r\n")), oauth.Ambiguous, 0, []string{"the answer could not be read"}},
		"body cut off":                 {"http", afterRequest(write(ok + "Content-Length: 99\r\n\r\n{\"access_token\":\"a")), oauth.Ambiguous, 200, []string{"the server closed the connection"}},
		"empty body cut off":           {"http", afterRequest(write(ok + "Content-Length: 99\r\n\r\n")), oauth.Ambiguous, 200, []string{"the server closed the connection"}},
		"form cut off":                 {"http", afterRequest(write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\naccess_token=a")), oauth.Ambiguous, 200, []string{"the server closed the connection"}},
		"chunk cut off":                {"http", afterRequest(write(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"acc")), oauth.Ambiguous, 200, []string{"the server closed the connection"}},
		"400 cut off":                  {"http", afterRequest(write("HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":\"inval")), oauth.Ambiguous, 400, []string{"the server closed the connection"}},
		"400 cut off behind its error": {"http", afterRequest(write("HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":\"invalid_grant\"}")), oauth.Refused, 400, []string{""}},
		"503 cut off":                  {"http", afterRequest(write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\n<h")), oauth.Unavailable, 503, []string{""}},
		"gzip that is none":            {"http", afterRequest(write(ok + "Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\nthis is certainly none")), oauth.Ambiguous, 200, []string{"the answer could not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := check(t, t.Context(), socket(t, c.scheme, c.serve))
			require.Equal(t, c.kind, e.Kind, "%v", e)
			require.Equal(t, c.status, e.Status)
			require.Contains(t, c.reasons, e.Reason)
			require.True(t, strings.HasPrefix(e.Host, "127.0.0.1:"))
		})
	}
}

func TestAWholeObjectIsAWholeAnswer(t *testing.T) {
	client := socket(t, "http", afterRequest(write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access_token\":\"a\",\"refresh_token\":\"r\"}")))
	token, err := client.Exchange(t.Context(), clientCredentials)
	require.NoError(t, err, "the connection broke behind the token: a rotated refresh token must not be lost")
	require.Equal(t, "r", token.RefreshToken.Reveal())
}

func TestConnectionRefused(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	client.HTTP = &http.Client{Transport: &http.Transport{}}
	s.Down()
	e := check(t, t.Context(), client)
	require.Equal(t, oauth.Unreachable, e.Kind)
	require.Equal(t, "connection refused", e.Reason)
	require.Equal(t, e.Host+": connection refused", e.Error())
	s.Up()
	_, err := client.Exchange(t.Context(), clientCredentials)
	require.NoError(t, err)
}

// ended is a context whose end the test decides, deadline or not.
type ended struct {
	context.Context
	done chan struct{}
	err  error
}

func (c ended) Done() <-chan struct{} { return c.done }
func (c ended) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

func TestTheCallersContext(t *testing.T) {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		after := ended{t.Context(), make(chan struct{}), cause}
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		client := socket(t, "http", afterRequest(func(conn *net.TCPConn) {
			close(after.done)
			<-hang
			_ = conn.Close()
		}))
		e := check(t, after, client)
		require.Equal(t, oauth.Ambiguous, e.Kind, "the server has the request")
		requireEnd(t, cause, "no answer", e.Reason)

		before := ended{t.Context(), make(chan struct{}), cause}
		client = socket(t, "https", func(conn *net.TCPConn) { // accepts, and never shakes hands
			close(before.done)
			<-hang
			_ = conn.Close()
		})
		e = check(t, before, client)
		require.Equal(t, oauth.Unreachable, e.Kind)
		requireEnd(t, cause, "no connection", e.Reason)

		over := ended{t.Context(), make(chan struct{}), cause}
		close(over.done)
		s := oauthtest.New(t)
		e = check(t, over, register(s, oauth.ClientSecretBasic))
		require.Equal(t, oauth.Unreachable, e.Kind)
		require.Zero(t, s.Requests())
	}
}

func TestHTTP2AfterTheRequestIsAmbiguous(t *testing.T) {
	s := oauthtest.New(t, oauthtest.TLS)
	client := register(s, oauth.ClientSecretBasic)
	_, err := client.Exchange(t.Context(), clientCredentials) // and now on a connection that is there
	require.NoError(t, err)
	arrived, release := s.Hold()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	require.Equal(t, oauth.Ambiguous, check(t, ctx, client).Kind)
	require.Equal(t, 2, s.Requests())
}

func TestABrokenKeptConnectionIsNotTriedAgain(t *testing.T) {
	var requests atomic.Int32
	client := socket(t, "http", func(conn *net.TCPConn) {
		in := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				_ = conn.Close()
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if requests.Add(1) > 1 {
				reset(conn)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"access_token\":\"a\"}")
		}
	})
	_, err := client.Exchange(t.Context(), clientCredentials)
	require.NoError(t, err)
	require.Equal(t, oauth.Ambiguous, check(t, t.Context(), client).Kind)
	require.EqualValues(t, 2, requests.Load())
}

// dying is a connection whose writes can be made to fail before the first byte.
type dying struct {
	net.Conn
	dead *atomic.Bool
}

func (c dying) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return 0, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return c.Conn.Write(b)
}

func TestAKeptConnectionFoundClosedSentNothing(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	var dead atomic.Bool
	client.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dead.Load() {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return dying{conn, &dead}, err
	}}}
	_, err := client.Exchange(t.Context(), clientCredentials)
	require.NoError(t, err)
	dead.Store(true)
	e := check(t, t.Context(), client)
	require.Equal(t, oauth.Unreachable, e.Kind, "neither the kept nor the new connection carried anything")
	require.Equal(t, "connection refused", e.Reason)
	require.Equal(t, 1, s.Requests())
}

func requireEnd(t *testing.T, cause error, words, reason string) {
	t.Helper()
	if cause == context.Canceled {
		require.Equal(t, "cancelled", reason)
		return
	}
	require.Regexp(t, "^"+words+" (within [0-9]+m?s|in time)$", reason)
}

func TestADeadlineWithACauseOfItsOwn(t *testing.T) {
	s := oauthtest.New(t)
	ctx, cancel := context.WithDeadlineCause(t.Context(), time.Unix(0, 0), errors.New("in-url"))
	defer cancel()
	e := check(t, ctx, register(s, oauth.ClientSecretBasic))
	require.Equal(t, oauth.Unreachable, e.Kind)
	require.Contains(t, e.Reason, "no connection")
}

func TestTimeoutInTheBody(t *testing.T) {
	ctx := ended{t.Context(), make(chan struct{}), context.DeadlineExceeded}
	client := socket(t, "http", afterRequest(func(conn *net.TCPConn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access_token\":")
	}))
	own := client.HTTP.Transport
	client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		resp, err := own.RoundTrip(r)
		close(ctx.done) // the header is here
		return resp, err
	})}
	e := check(t, ctx, client)
	require.Equal(t, oauth.Ambiguous, e.Kind)
	require.Equal(t, 200, e.Status)
	require.Contains(t, e.Reason, "no answer")
}

func TestTimeoutsOfTheTransport(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	wait := func(conn *net.TCPConn) { <-hang; _ = conn.Close() }

	client := socket(t, "http", afterRequest(wait))
	client.HTTP.Transport = &http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond} // runs from the end of the request
	e := check(t, t.Context(), client)
	require.Equal(t, oauth.Ambiguous, e.Kind)
	require.Contains(t, e.Reason, "no answer within ")

	client = socket(t, "https", wait)
	client.HTTP.Transport = &http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}
	e = check(t, t.Context(), client)
	require.Equal(t, oauth.Unreachable, e.Kind)
	require.Contains(t, e.Reason, "no connection within ")
}

func TestTLS(t *testing.T) {
	s := oauthtest.New(t, oauthtest.TLS)
	client := register(s, oauth.ClientSecretBasic)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(s.CertificatePEM())))
	for reason, config := range map[string]*tls.Config{
		"certificate signed by unknown authority":         {RootCAs: x509.NewCertPool()},
		"the certificate is for another name":             {RootCAs: pool, ServerName: "as.invalid"},
		"the certificate has expired or is not yet valid": {RootCAs: pool, Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }},
		"the certificate is not valid":                    {RootCAs: pool, VerifyConnection: func(tls.ConnectionState) error { return &tls.CertificateVerificationError{Err: errors.New("x")} }},
	} {
		client.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		e := check(t, t.Context(), client)
		require.Equal(t, oauth.Unreachable, e.Kind)
		require.Equal(t, reason, e.Reason)
	}
	require.Zero(t, s.Requests())
	client.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	_, err := client.Exchange(t.Context(), clientCredentials)
	require.NoError(t, err)
}

func TestAMissingClientCertificateIsNotAmbiguous(t *testing.T) {
	for version, reason := range map[uint16]string{
		tls.VersionTLS12: "the server broke off TLS", // during the handshake, with no word about why
		tls.VersionTLS13: "the server did not accept our TLS client certificate",
	} {
		web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
		web.Config.ErrorLog = quiet()
		web.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version}
		web.StartTLS()
		t.Cleanup(web.Close)
		client := &oauth.Client{HTTP: web.Client(), TokenURL: web.URL, ID: "id", Own: field.Own{"client_secret": secret.String(awkward)}, Auth: oauth.ClientSecretPost}
		e := check(t, t.Context(), client)
		require.Equal(t, oauth.Unreachable, e.Kind, "%x: %v", version, e)
		require.Equal(t, reason, e.Reason)
	}
}

// The errors of internal/transport, which this package knows by their methods only.
type guard struct{}

func (guard) Error() string       { return "guard: /path-in-url" }
func (guard) GuardReason() string { return "127.0.0.1 is a loopback address" }
func (guard) Setting() string     { return "allow_loopback" }

type tooLarge struct{}

func (tooLarge) Error() string      { return "too large" }
func (tooLarge) BodyTooLarge() bool { return true }

type worded struct{}

func (worded) Error() string  { return "worded, and the URL" }
func (worded) Worded() string { return "the proxy refused to connect: status 407" }

func TestErrorsOfTheTransport(t *testing.T) {
	dial := func(err error) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}}
	}
	for reason, c := range map[string]struct {
		err  error
		kind oauth.Kind
	}{
		"127.0.0.1 is a loopback address":          {fmt.Errorf("dial: %w", guard{}), oauth.Forbidden},
		"the name does not resolve":                {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "in-url", IsNotFound: true}}, oauth.Unreachable},
		"the name could not be looked up":          {&net.DNSError{Err: "server misbehaving", IsTemporary: true}, oauth.Unreachable},
		"the name could not be looked up ":         {&net.DNSError{Err: "timeout", IsTimeout: true}, oauth.Unreachable},
		"the proxy refused to connect: status 407": {fmt.Errorf("dial: %w", worded{}), oauth.Unreachable},
		"the connection failed":                    {errors.New("proxyconnect in-url"), oauth.Unreachable},
	} {
		client := &oauth.Client{HTTP: dial(c.err), TokenURL: "http://as.example/path-in-url?in-url", ID: "id", Own: field.Own{"client_secret": secret.String(awkward)}, Auth: oauth.ClientSecretBasic}
		e := check(t, t.Context(), client)
		require.Equal(t, c.kind, e.Kind)
		require.Equal(t, strings.TrimSpace(reason), e.Reason)
		require.Equal(t, "as.example", e.Host)
		require.Equal(t, c.kind == oauth.Forbidden, e.Setting == "allow_loopback")
	}
}

func TestTooLargeAnAnswer(t *testing.T) {
	for status, c := range map[int]struct {
		body   string
		kind   oauth.Kind
		reason string
	}{
		200: {`{"access_token":"a"}`, oauth.Malformed, "the answer is larger than allowed"},
		400: {`{"error":"invalid_grant"}`, oauth.Refused, ""},
		401: {`<html>`, oauth.Refused, ""},
		502: {`<html>`, oauth.Unavailable, ""},
	} {
		client := &oauth.Client{TokenURL: "http://as.example/", ID: "id", Auth: oauth.None, HTTP: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader(c.body), failing{}))}, nil
		})}}
		e := check(t, t.Context(), client)
		require.Equal(t, c.kind, e.Kind, status)
		require.Equal(t, c.reason, e.Reason, status)
		require.Equal(t, status, e.Status)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, tooLarge{} }

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
