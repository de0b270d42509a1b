// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Everything that the engine says goes with the request, and the rest of it stays.
func TestWhatARequestCarries(t *testing.T) {
	w := newWorld(t)
	w.vault.use = func(token string) (headers, query map[string]string) {
		return map[string]string{"authorization": "Bearer " + token, "X-Api-Key": "key of " + token, "Cookie": "session=" + token},
			map[string]string{"access_token": token + "&=%", "v": "2"}
	}
	req, err := http.NewRequest(http.MethodPost, storeURL+"/a%2Fb?z=1&access%5ftoken=mine&a=%7e;x&z=2", strings.NewReader("body"))
	require.NoError(t, err)
	req.Header.Set("Authorization", "mine")
	req.Header.Set("X-Other", "mine")
	req.AddCookie(&http.Cookie{Name: "colour", Value: "blue"})
	unchanged := req.Clone(t.Context())

	resp, err := w.http.Transport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, unchanged.Header, req.Header)
	require.Equal(t, unchanged.URL, req.URL)
	require.Same(t, req, resp.Request, "not the request with the token in its URL")

	got := w.store.seen[0]
	require.Equal(t, http.Header{
		"Authorization": {"Bearer token-1"}, "X-Api-Key": {"key of token-1"}, "X-Other": {"mine"},
		"Cookie": {"colour=blue; session=token-1"},
	}, got.Header)
	require.Equal(t, "/a%2Fb?z=1&a=%7e;x&z=2&access_token=token-1%26%3D%25&v=2", got.RequestURI)
	require.Equal(t, "body", w.store.bodies[0])
}

func TestAQueryOnly(t *testing.T) {
	w := newWorld(t)
	w.vault.use = func(token string) (headers, query map[string]string) { return nil, map[string]string{"key": token} }
	resp, err := w.http.Transport.RoundTrip(&http.Request{URL: mustParse(t, storeURL)}) // as bare as can be
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "/?key=token-1", w.store.seen[0].RequestURI)
}

func TestRedirects(t *testing.T) {
	const other = "https://other.example.com"
	for name, c := range map[string]struct {
		from, to, back string
		hosts          []string
		want           map[string][]string // tokens by host
	}{
		"to the same server": {
			from: storeURL + "/a", to: "/b", want: map[string][]string{"store.example.com": {"token-1", "token-1"}},
		},
		"to the same server, spelled otherwise": {
			from: storeURL + "/a", to: "https://STORE.example.com:443/b",
			want: map[string][]string{"store.example.com": {"token-1"}, "STORE.example.com:443": {"token-1"}},
		},
		"to another host": {
			from: storeURL + "/a", to: other + "/b",
			want: map[string][]string{"store.example.com": {"token-1"}, "other.example.com": {""}},
		},
		"to another host that is listed": {
			from: storeURL + "/a", to: other + "/b", hosts: []string{"store.example.com", "other.example.com"},
			want: map[string][]string{"store.example.com": {"token-1"}, "other.example.com": {""}},
		},
		"to a host below": {
			from: storeURL + "/a", to: "https://eu.store.example.com/b",
			want: map[string][]string{"store.example.com": {"token-1"}, "eu.store.example.com": {""}},
		},
		"to another port": {
			from: storeURL + "/a", to: "https://store.example.com:8443/b",
			want: map[string][]string{"store.example.com": {"token-1"}, "store.example.com:8443": {""}},
		},
		"to plain text": {
			from: storeURL + "/a", to: "http://store.example.com/b", want: map[string][]string{"store.example.com": {"token-1", ""}},
		},
		"to plain text on the same port": {
			from: "https://store.example.com:8443/a", to: "http://store.example.com:8443/b",
			want: map[string][]string{"store.example.com:8443": {"token-1", ""}},
		},
		"there and back": {
			from: storeURL + "/a", to: other + "/b", back: storeURL + "/c",
			want: map[string][]string{"store.example.com": {"token-1", ""}, "other.example.com": {""}},
		},
		"to a host that is not listed": {
			from: other + "/a", to: storeURL + "/b", hosts: []string{"store.example.com"},
			want: map[string][]string{"other.example.com": {""}, "store.example.com": {""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.config.Hosts = c.hosts })
			w.vault.use = func(token string) (headers, query map[string]string) {
				return map[string]string{"Authorization": "Bearer " + token}, map[string]string{"key": token}
			}
			servers := map[string]*store{}
			for host := range c.want {
				servers[host] = &store{code: 401, rejected: map[string]bool{}, redirect: map[string]string{"/a": c.to, "/b": c.back}}
				w.net.servers[host] = servers[host]
			}
			req, err := http.NewRequest(http.MethodGet, c.from, nil)
			require.NoError(t, err)
			resp, err := w.http.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Empty(t, resp.Request.URL.RawQuery)
			for host, tokens := range c.want {
				require.Equal(t, tokens, servers[host].tokens(), host)
				for i, r := range servers[host].seen {
					require.Equal(t, tokens[i] != "", r.URL.RawQuery != "", r.URL)
					require.NotContains(t, r.Referer(), "token-1")
				}
			}
			require.Zero(t, w.vault.counts()[1], "a request without a token says nothing about it")
		})
	}
}

func TestHosts(t *testing.T) {
	for url, want := range map[string]string{
		storeURL: "token-1", "https://STORE.example.com": "token-1", "https://store.example.com:8443": "token-1",
		"https://a.example.com:8443": "token-1", "https://a.example.com": "", "https://a.store.example.com": "", "https://[::1]:80": "token-1",
	} {
		w := newWorld(t, func(w *world) { w.config.Hosts = []string{"store.example.com", "a.example.com:8443", "::1"} })
		w.net.servers[mustParse(t, url).Host] = w.store
		w.get(url)
		require.Equal(t, []string{want}, w.store.tokens(), url)
	}
}

// Where there is no token, the request is not sent, and its body is closed.
func TestNoToken(t *testing.T) {
	w := newWorld(t)
	w.vault.refusals["read"] = "400 no role named orders"
	_, err := w.http.Post(storeURL, "text/plain", newBody(t, io.NopCloser(strings.NewReader("order"))))
	require.EqualError(t, err, `Post "`+storeURL+`": role orders: reading oauth/token/orders: Vault answered 400: no role named orders`)
	require.Empty(t, w.store.seen)
}

func TestTheBaseClientIsKept(t *testing.T) {
	w := newWorld(t)
	base := &http.Client{Timeout: time.Minute, Transport: w.net, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w.http = w.source.HTTPClient(base)
	w.store.redirect["/a"] = storeURL + "/b"
	require.Equal(t, http.StatusTemporaryRedirect, w.get(storeURL+"/a"))
	require.Equal(t, time.Minute, w.http.Timeout)
	require.Equal(t, http.RoundTripper(w.net), base.Transport)

	closed := &closer{network: w.net}
	w.source.HTTPClient(&http.Client{Transport: closed}).CloseIdleConnections()
	require.True(t, closed.called)
}

type closer struct {
	network
	called bool
}

func (c *closer) CloseIdleConnections() { c.called = true }

func mustParse(t *testing.T, text string) *url.URL {
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}
