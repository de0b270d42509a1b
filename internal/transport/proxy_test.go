// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// relay is an http proxy: it sends every request, and every tunnel, to one
// server, and records what it was asked for.
type relay struct {
	target string
	asked  chan string
}

func (p relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked <- r.Method + " " + r.RequestURI
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if r.Method == http.MethodConnect {
		fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
	} else {
		_ = r.Write(server)
	}
	splice(client, server)
}

func splice(a, b net.Conn) {
	go func() { _, _ = io.Copy(a, b); _ = a.Close() }()
	_, _ = io.Copy(b, a)
	_ = b.Close()
}

func TestHTTPProxy(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	secure := serveTLS(t, nil, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	for _, c := range []struct{ url, target, asked string }{
		{"http://example.com/token", server.Listener.Addr().String(), "POST http://example.com/token"},
		{"https://example.com/token", secure.Listener.Addr().String(), "CONNECT example.com:443"},
	} {
		p := relay{c.target, make(chan string, 1)}
		proxy := httptest.NewServer(p)
		t.Cleanup(proxy.Close)
		client := newClient(t, local(Options{ProxyURL: proxy.URL, CACert: certPEM(secure.Certificate())}))
		body, err := fetch(t, client, c.url)
		require.NoError(t, err)
		require.Equal(t, "ok", body)
		require.Equal(t, c.asked, <-p.asked)
		client.CloseIdleConnections()
	}
}

// The server's name and our certificate are for the server, not for the proxy.
func TestHTTPSProxy(t *testing.T) {
	clientCert, certText, key := selfSigned(t)
	seen := make(chan []byte, 1)
	server := serveTLS(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(_ http.ResponseWriter, r *http.Request) {
		seen <- r.TLS.PeerCertificates[0].Raw
	})
	p := relay{server.Listener.Addr().String(), make(chan string, 2)}
	shown := make(chan int, 2)
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- len(r.TLS.PeerCertificates)
		p.ServeHTTP(w, r)
	}))
	proxy.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	proxy.Config.ErrorLog = quiet()
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	client := newClient(t, local(Options{
		ProxyURL: proxy.URL, CACert: certPEM(server.Certificate()), ServerName: "example.com", ClientCert: certText, ClientKey: key,
	}))
	_, err := fetch(t, client, "https://idp.test/token")
	require.NoError(t, err)
	require.Equal(t, "CONNECT idp.test:443", <-p.asked)
	require.Zero(t, <-shown)
	require.Equal(t, clientCert.Raw, <-seen)
	client.CloseIdleConnections()

	_, strange, _ := selfSigned(t)
	_, err = fetch(t, newClient(t, local(Options{ProxyURL: proxy.URL, CACert: strange})), "https://idp.test/token")
	require.ErrorContains(t, err, "unknown authority")
	require.Empty(t, shown)
}

func TestSOCKSProxy(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	asked := make(chan string, 1)
	proxy := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		greeting := make([]byte, 3) // RFC 1928: version 5, one method, none
		if _, err := io.ReadFull(r, greeting); err != nil {
			return
		}
		_, _ = conn.Write([]byte{5, 0})
		head := make([]byte, 5) // version, CONNECT, reserved, domain name, its length
		_, _ = io.ReadFull(r, head)
		name := make([]byte, int(head[4])+2)
		_, _ = io.ReadFull(r, name)
		asked <- string(name[:head[4]])
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		upstream, err := net.Dial("tcp", server.Listener.Addr().String())
		if err == nil {
			splice(conn, upstream)
		}
	})
	client := newClient(t, local(Options{ProxyURL: "socks5" + strings.TrimPrefix(proxy, "http")}))
	body, err := fetch(t, client, "http://idp.test/token")
	require.NoError(t, err)
	require.Equal(t, "ok", body)
	require.Equal(t, "idp.test", <-asked)
}

// The dial goes to the proxy, so the target is checked before.
func TestTargetBehindAProxyIsChecked(t *testing.T) {
	proxy, requests := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, scheme := range []string{"http", "socks5"} {
		address := scheme + "://" + proxy.Listener.Addr().String()
		for _, target := range []string{
			"http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "http://[fd00:ec2::254]/", "https://0xa9fea9fe/",
			"http://idp.evil.example/", "http://[64:ff9b::a9fe:a9fe]/",
		} {
			o := local(Options{ProxyURL: address, Guard: Guard{Hosts: []string{"127.0.0.1", "*.test", "*.254", "*:*:*", "0x*"}}})
			_, err := fetch(t, newClient(t, o), target)
			require.NotNil(t, errorsAs(err), target)
		}
	}
	require.Zero(t, requests.Load())
}

func TestProxyIsGuardedItself(t *testing.T) {
	proxy, requests := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, scheme := range []string{"http", "https", "socks5"} {
		address := scheme + "://" + proxy.Listener.Addr().String()
		for _, g := range []Guard{
			{},
			{AllowLoopback: true, Hosts: []string{"idp.example.com"}},
			{AllowLoopback: true, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		} {
			_, err := New(Options{ProxyURL: address, Guard: g})
			require.NotNil(t, errorsAs(err), address)
			require.ErrorContains(t, err, "proxy_url: 127.0.0.1 is ")
		}
		// A name shows where it leads only when it is dialled.
		dialer := guardedDialer(Guard{}, defaultLimits.dial)
		dialer.Resolver = resolver(func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
		client, err := build(Options{ProxyURL: scheme + "://proxy.test"}, defaultLimits, dialer.DialContext)
		require.NoError(t, err)
		_, err = fetch(t, client, "https://idp.test/")
		refused := errorsAs(err)
		require.NotNil(t, refused, scheme)
		require.Equal(t, "proxy.test", refused.Host)
	}
	require.Zero(t, requests.Load())
}

func TestProxyURLIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"proxy.example.com:3128":                     "proxy_url: must be http://host:port",
		"ftp://proxy.example.com":                    "proxy_url: must be http://host:port",
		"://c4nary":                                  "proxy_url: must be http://host:port",
		"http://c4nary:%zz@proxy.example.com":        "proxy_url: must be http://host:port",
		"http://":                                    "proxy_url: must be http://host:port",
		"http://u:c4nary@proxy.example.com":          "proxy_url: must not hold a user name or password",
		"http://proxy.example.com/c4nary":            "proxy_url: must not hold a path",
		"http://proxy.example.com?c4nary":            "proxy_url: must not hold a path",
		"http://proxy.example.com:0":                 "proxy_url: the URL's port",
		"socks5://[fe80::1%25eth0]":                  "proxy_url: the URL's host is not valid",
		"http://169.254.169.254":                     "proxy_url: 169.254.169.254 is a link-local address",
		"https://localhost:3128":                     "proxy_url: localhost is a loopback address",
		"http://" + strings.Repeat("a", 64) + ".com": "proxy_url: the URL's host is neither",
	} {
		_, err := New(Options{ProxyURL: text})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "c4nary")
	}
	for _, text := range []string{"http://proxy.example.com", "https://proxy.example.com:3128/", "socks5://10.0.0.1:1080", "http://[2001:db8::1]:3128"} {
		_, err := New(Options{ProxyURL: text})
		require.NoError(t, err, text)
	}
}

func TestProxyRefusalIsWordedByUs(t *testing.T) {
	proxy := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		_, _, _ = readRequest(r)
		fmt.Fprint(conn, "HTTP/1.1 407 c4nary c4nary\r\nContent-Length: 0\r\n\r\n")
	})
	_, err := fetch(t, newClient(t, local(Options{ProxyURL: proxy})), "https://idp.test/")
	require.ErrorContains(t, err, "the proxy refused to connect: status 407")
	require.NotContains(t, err.Error(), "c4nary")
}

func TestEnvironmentIsIgnored(t *testing.T) {
	proxy, asked := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	request, err := http.NewRequest(http.MethodPost, "http://idp.test/", nil)
	require.NoError(t, err)
	environment, err := http.ProxyFromEnvironment(request)
	require.NoError(t, err)
	require.NotNil(t, environment, "or this test shows nothing")

	server, served := serve(t, func(http.ResponseWriter, *http.Request) {})
	var dialled atomic.Value
	client, err := build(local(Options{}), defaultLimits, func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Store(address)
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	})
	require.NoError(t, err)
	_, err = fetch(t, client, "http://idp.test/")
	require.NoError(t, err)
	client.CloseIdleConnections()
	require.Equal(t, "idp.test:80", dialled.Load())
	require.EqualValues(t, 1, served.Load())
	require.Zero(t, asked.Load())
	require.False(t, errors.Is(err, ErrNotHTTP))
}
