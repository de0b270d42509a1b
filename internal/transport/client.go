// SPDX-License-Identifier: MPL-2.0

// Package transport makes the http.Client of one config: certificate
// authorities, client certificate, proxy, time and size limits, and a guard
// over the addresses it may reach.
//
// It follows no redirect, keeps no cookies and consults no environment variable.
// Its errors quote nothing that a server sent. Nothing is sent again but what
// the server never began with: a request of which no byte was written, or an
// HTTP/2 stream that the server refused (RFC 9113 section 8.7). net/http counts a
// stream that the server reset with PROTOCOL_ERROR among those.
package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// DefaultTimeout is the time that one exchange may take, from the dial to the
// last byte of the answer.
const DefaultTimeout = 30 * time.Second

// Options say what one config needs of its client.
type Options struct {
	// CACert is a PEM bundle that is trusted INSTEAD of the system's roots: for a
	// server behind a private authority, no public one can then vouch. An https
	// proxy is checked against it as well.
	CACert string
	// ClientCert and ClientKey are the PEM pair for mutual TLS (RFC 8705).
	ClientCert string
	ClientKey  secret.String
	// ServerName is expected in the server's certificate, and sent as SNI, in
	// place of the URL's host.
	ServerName string
	// ProxyURL is an http, https or socks5 proxy for all requests. Empty means
	// none: HTTP_PROXY and its kin are never consulted. The proxy is itself a
	// host that the Guard must allow; the names behind it are resolved by it.
	ProxyURL string
	// Timeout limits a whole exchange; 0 means DefaultTimeout.
	Timeout time.Duration
	// AllowHTTP permits plain http. It is looked at again on each request.
	AllowHTTP bool
	Guard     Guard
}

// New returns a client with connections of its own. An answer with a redirect
// status comes back as it is. Errors name the field at fault, never its value.
//
// Client.Do wraps errors in a *url.Error whose text holds the whole URL: unwrap
// it where the query may hold a secret. A *GuardError and the Err values of
// this package are found with errors.AsType and errors.Is.
//
// Call CloseIdleConnections when the client is replaced.
func New(o Options) (*http.Client, error) {
	l := defaultLimits
	return build(o, l, guardedDialer(o.Guard, l.dial).DialContext)
}

// limits bound one exchange.
type limits struct {
	dial        time.Duration
	handshake   time.Duration
	header      time.Duration // until the answer's header is there
	headerBytes int64
	bodyBytes   int64 // decompressed
}

var defaultLimits = limits{
	dial:        5 * time.Second,
	handshake:   5 * time.Second,
	header:      10 * time.Second,
	headerBytes: 64 << 10,
	bodyBytes:   1 << 20,
}

func build(o Options, l limits, dial dialFunc) (*http.Client, error) {
	timeout := o.Timeout
	if timeout < 0 {
		return nil, errors.New("request_timeout: must not be negative")
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	l.header = min(l.header, timeout)

	config, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	proxy, dial, err := proxyVia(o, l, dial.namingHosts(), config.RootCAs)
	if err != nil {
		return nil, err
	}
	base := &http.Transport{
		Proxy:                  proxy, // nil: none, whatever the environment says
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            dial,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    l.handshake,
		ResponseHeaderTimeout:  l.header,
		MaxResponseHeaderBytes: l.headerBytes,
		ForceAttemptHTTP2:      true, // off by default once DialContext is set
		HTTP2: &http.HTTP2Config{
			// Without pings a connection whose peer vanished fails every request
			// until the kernel gives up on it.
			SendPingTimeout:           15 * time.Second,
			PingTimeout:               5 * time.Second,
			MaxReceiveBufferPerStream: 256 << 10,
		},
		MaxIdleConnsPerHost: 8,
		MaxConnsPerHost:     64,
		IdleConnTimeout:     90 * time.Second,
	}
	single := base.Clone()
	single.DisableKeepAlives = true
	return &http.Client{
		Timeout: timeout,
		// The 3xx itself is the answer: a 307 would re-post the secrets.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &roundTripper{
			guard: o.Guard, allowHTTP: o.AllowHTTP, bodyBytes: l.bodyBytes, pooled: base, single: single,
		},
	}, nil
}

// dialFunc opens a connection; New's checks each address it is about to use.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// proxyFunc is http.Transport's Proxy.
type proxyFunc = func(*http.Request) (*url.URL, error)
