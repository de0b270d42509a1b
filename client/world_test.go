// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/client"
)

// network is servers by host, without sockets: in a synctest bubble time goes on
// while nobody has anything to do, and a connection counts as something. It
// checks that each body is closed.
type network struct {
	t       *testing.T
	servers map[string]http.Handler
}

func (n network) RoundTrip(req *http.Request) (*http.Response, error) {
	r := req.Clone(req.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Host, r.RequestURI = r.URL.Host, r.URL.RequestURI()
	w, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		defer r.Body.Close()
		n.servers[r.URL.Host].ServeHTTP(w, r)
	}()
	select {
	case <-done:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp := w.Result()
	resp.Request, resp.Body = req, newBody(n.t, resp.Body)
	return resp, nil
}

// body must be closed by the end of the test.
type body struct {
	io.ReadCloser
	closed chan struct{}
	once   sync.Once
}

func newBody(t *testing.T, of io.ReadCloser) *body {
	b := &body{ReadCloser: of, closed: make(chan struct{})}
	t.Cleanup(func() {
		select {
		case <-b.closed:
		default:
			t.Error("a body was not closed")
		}
	})
	return b
}

func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.ReadCloser.Close()
}

// world is a Vault and an API, and a source between them.
type world struct {
	*testing.T
	vault  *vault
	store  *store
	net    network
	config client.Config
	source *client.Source
	http   *http.Client
}

const storeURL = "https://store.example.com"

func newWorld(t *testing.T, change ...func(w *world)) *world {
	w := &world{T: t, vault: newVault(), store: &store{rejected: map[string]bool{}, code: http.StatusUnauthorized, redirect: map[string]string{}}}
	w.net = network{t, map[string]http.Handler{"vault.example.com": w.vault, "store.example.com": w.store}}
	w.config = client.Config{Vault: newAPI(t, "http://vault.example.com", w.net), Role: "orders"}
	for _, c := range change {
		c(w)
	}
	source, err := client.New(w.config)
	require.NoError(t, err)
	w.source, w.http = source, source.HTTPClient(&http.Client{Transport: w.net})
	return w
}

func newAPI(t *testing.T, address string, transport http.RoundTripper) *api.Client {
	c, err := api.NewClient(&api.Config{Address: address, HttpClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	c.SetToken(vaultToken)
	c.ClearNamespace()
	return c
}

// token reads the token as an application does.
func (w *world) token() string {
	w.Helper()
	token, err := w.source.Token()
	require.NoError(w, err)
	return token.AccessToken
}

// get returns the answer's code.
func (w *world) get(url string) int {
	w.Helper()
	resp, err := w.http.Get(url)
	require.NoError(w, err)
	require.NoError(w, resp.Body.Close())
	return resp.StatusCode
}

// expect checks how many reads and renewals Vault had.
func (w *world) expect(reads, renewals int) {
	w.Helper()
	require.Equal(w, [2]int{reads, renewals}, w.vault.counts(), "reads and renewals")
}

// setOf counts words.
func setOf(words []string) map[string]int {
	set := map[string]int{}
	for _, word := range words {
		set[word]++
	}
	return set
}
