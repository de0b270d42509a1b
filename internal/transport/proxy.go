// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"
)

// proxyVia returns what http.Transport needs to go through the proxy of o.
func proxyVia(o Options, l limits, dial dialFunc, roots *x509.CertPool) (proxyFunc, dialFunc, error) {
	if o.ProxyURL == "" {
		return nil, dial, nil
	}
	scheme, h, err := parseProxy(o.ProxyURL)
	if err != nil {
		return nil, nil, fmt.Errorf("proxy_url: %w", err)
	}
	if err := o.Guard.checkHost(h); err != nil {
		return nil, nil, fmt.Errorf("proxy_url: %w", err)
	}
	address := net.JoinHostPort(h.name, h.port)
	switch scheme {
	case "socks5":
		dial, err = dial.throughSOCKS(address, l)
		return nil, dial, err
	case "https":
		dial = dial.withTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: h.name}, l)
	}
	return http.ProxyURL(&url.URL{Scheme: "http", Host: address}), dial, nil
}

func parseProxy(text string) (scheme string, h host, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || defaultPorts[u.Scheme] == "": // err quotes the URL
		return "", host{}, errors.New("must be http://host:port, https://host:port or socks5://host:port")
	case u.User != nil:
		return "", host{}, errors.New("must not hold a user name or password: whoever may read the config can read this field")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return "", host{}, errors.New("must not hold a path, query or fragment")
	}
	h, err = parseHost(u)
	return u.Scheme, h, err
}

// proxyAnswer words a refusal: net/http's own error is the proxy's status line.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return ownWords(fmt.Sprintf("the proxy refused to connect: status %d", resp.StatusCode))
}

// withTLS is the way to an https proxy. net/http would expect tls_server_name of
// the proxy too, and show it the client certificate; both are for the server
// behind it.
func (dial dialFunc) withTLS(config *tls.Config, l limits) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, l.handshake)
		defer cancel()
		conn := tls.Client(raw, config)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		return conn, nil
	}
}

// throughSOCKS limits the time of the negotiation. net/http's own SOCKS client
// has no limit once the request is gone, and keeps the connection's place.
func (dial dialFunc) throughSOCKS(address string, l limits) (dialFunc, error) {
	socks, err := proxy.SOCKS5("tcp", address, nil, dial)
	if err != nil {
		return nil, errors.New("proxy_url: not usable")
	}
	through, ok := socks.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("proxy_url: socks5 is not usable")
	}
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, l.header)
		defer cancel()
		return through.DialContext(ctx, network, target)
	}, nil
}

// Dial implements proxy.Dialer.
func (dial dialFunc) Dial(network, address string) (net.Conn, error) {
	return dial(context.Background(), network, address)
}

// DialContext implements proxy.ContextDialer.
func (dial dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, network, address)
}
