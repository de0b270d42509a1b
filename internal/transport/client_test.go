// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRedirectsSendNothing(t *testing.T) {
	other, hits := serve(t, func(http.ResponseWriter, *http.Request) {})
	var status atomic.Int64
	var location atomic.Value
	server, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", location.Load().(string))
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, "moved")
	})
	client := newClient(t, local(Options{}))
	want := int64(0)
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			for _, target := range []string{other.URL + "/stolen", "/elsewhere", "//" + other.Listener.Addr().String() + "/", "https://a@b:c/", "::not a URL"} {
				status.Store(int64(code))
				location.Store(target)
				want++
				req, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("client_secret=s3cret"))
				require.NoError(t, err)
				req.Header.Set("Authorization", "Basic czNjcmV0")
				resp, err := client.Do(req)
				require.NoError(t, err, "%d %s %s", code, method, target)
				require.Equal(t, code, resp.StatusCode)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, "moved", string(body))
				require.NoError(t, resp.Body.Close())
				require.Equal(t, server.URL, resp.Request.URL.String())
			}
		}
	}
	require.Zero(t, hits.Load())
	require.Equal(t, want, asked.Load())
}

func TestNoCookiesAreKept(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) > 0 {
			w.WriteHeader(http.StatusTeapot)
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
	})
	client := newClient(t, local(Options{}))
	for range 2 {
		resp, err := post(t, client, server.URL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

// The settings may be narrower than when the URL was stored.
func TestEachRequestIsChecked(t *testing.T) {
	server, requests := serve(t, func(http.ResponseWriter, *http.Request) {})
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	for name, o := range map[string]Options{
		"plain http":       {Guard: Guard{AllowLoopback: true}},
		"loopback":         {AllowHTTP: true},
		"hosts":            local(Options{Guard: Guard{Hosts: []string{"idp.example.com"}}}),
		"port":             local(Options{Guard: Guard{Hosts: []string{"127.0.0.1:1"}}}),
		"networks":         local(Options{Guard: Guard{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}),
		"networks outside": {AllowHTTP: true, Guard: Guard{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
	} {
		body := &closable{Reader: strings.NewReader("x")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		require.NoError(t, err)
		_, err = newClient(t, o).Do(req)
		refused, ok := errors.AsType[*GuardError](err)
		require.True(t, ok, name)
		require.Equal(t, u.Hostname(), refused.Host, name)
		require.NotEmpty(t, refused.Reason, name)
		require.True(t, body.closed.Load(), name)
	}
	require.Zero(t, requests.Load())

	o := local(Options{Guard: Guard{Hosts: []string{"127.0.0.1:" + u.Port()}, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	_, err = fetch(t, newClient(t, o), server.URL)
	require.NoError(t, err)
	require.EqualValues(t, 1, requests.Load())
}

type closable struct {
	io.Reader
	closed atomic.Bool
}

func (c *closable) Close() error { c.closed.Store(true); return nil }

func TestHeadersAreChecked(t *testing.T) {
	server, requests := serve(t, func(http.ResponseWriter, *http.Request) {})
	client := newClient(t, local(Options{}))
	for name, value := range map[string]string{
		"X-Api-Key": "c4nary\r\nHost: evil", "Idempotency-Key": "c4nary", "X-Idempotency-Key": "c4nary", "Connection": "c4nary", "Bad Name": "c4nary",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
		require.NoError(t, err)
		req.Header[name] = []string{value}
		_, err = client.Do(req)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "c4nary")
	}
	require.Zero(t, requests.Load())
}

// A Host header of its own would send a proxy, or a shared front, elsewhere.
func TestHostHeaderIsTheURLs(t *testing.T) {
	var host atomic.Value
	server, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { host.Store(r.Host) })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
	require.NoError(t, err)
	req.Host = "169.254.169.254"
	resp, err := newClient(t, local(Options{})).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, server.Listener.Addr().String(), host.Load())
	require.Equal(t, "169.254.169.254", req.Host, "the caller's request is left alone")
}

// net/http sends a GET again when a connection that it reused breaks, and a POST
// too if it carries an Idempotency-Key.
func TestNothingIsSentTwice(t *testing.T) {
	for _, method := range []string{"", "GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE"} {
		var requests atomic.Int64
		address := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			for {
				if _, _, err := readRequest(r); err != nil {
					return
				}
				if requests.Add(1) > 1 {
					return // without an answer
				}
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		client := newClient(t, local(Options{}))
		send := func() error {
			req := (&http.Request{Method: method, URL: mustParse(t, address), Header: http.Header{}}).WithContext(t.Context())
			resp, err := client.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		}
		require.NoError(t, send(), method)
		require.Error(t, send(), method)
		require.EqualValues(t, 2, requests.Load(), method)
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestConnectionsAreReusedAndClosed(t *testing.T) {
	opened, closed := make(chan net.Conn, 8), make(chan net.Conn, 8)
	address := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		opened <- conn
		defer func() { closed <- conn }()
		for {
			if _, _, err := readRequest(r); err != nil {
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	client := newClient(t, local(Options{}))
	for range 3 {
		body, err := fetch(t, client, address)
		require.NoError(t, err)
		require.Equal(t, "ok", body)
	}
	require.Len(t, opened, 1)
	require.Empty(t, closed)
	client.CloseIdleConnections()
	require.Equal(t, <-opened, <-closed)

	// Another client has connections of its own.
	other := newClient(t, local(Options{}))
	for _, c := range []*http.Client{client, other} {
		_, err := fetch(t, c, address)
		require.NoError(t, err)
	}
	require.Len(t, opened, 2)
}

func TestProductionLimits(t *testing.T) {
	client := newClient(t, Options{})
	require.Equal(t, 30*time.Second, client.Timeout)
	require.Nil(t, client.Jar)
	for _, inner := range []*http.Transport{client.Transport.(*roundTripper).pooled, client.Transport.(*roundTripper).single} {
		require.Nil(t, inner.Proxy)
		require.Equal(t, 64, inner.MaxConnsPerHost)
		require.Equal(t, 8, inner.MaxIdleConnsPerHost)
		require.Equal(t, 90*time.Second, inner.IdleConnTimeout)
	}
	require.Equal(t, 5*time.Second, guardedDialer(Guard{}, defaultLimits.dial).Timeout)
	require.EqualValues(t, 1<<20, client.Transport.(*roundTripper).bodyBytes)

	_, err := New(Options{Timeout: -1})
	require.EqualError(t, err, "request_timeout: must not be negative")
}
