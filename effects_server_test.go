// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seen is one request as a server has seen it, by what a change of it means.
type seen struct {
	place   string // where it went, and how that was found to be the right place
	proof   string // what shows who we are
	headers string // further headers
	content string // what is asked for, and for whom
	grant   string // the grant_type, if there is one
}

// recorder is a server by HTTP, another one, one by TLS, and a proxy for it. Each answer
// has another token.
type recorder struct {
	plain, other, secure, proxy *httptest.Server

	mu  sync.Mutex
	all []seen
}

func newRecorder(t *testing.T) *recorder {
	r := new(recorder)
	start := func(name string) *httptest.Server {
		return httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.answer(name, w, req) }))
	}
	r.plain, r.other, r.secure, r.proxy = start("plain"), start("other"), start("secure"), start("proxy")
	r.secure.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	for _, s := range []*httptest.Server{r.plain, r.other, r.proxy} {
		s.Start()
	}
	r.secure.StartTLS()
	for _, s := range []*httptest.Server{r.plain, r.other, r.secure, r.proxy} {
		t.Cleanup(s.Close)
	}
	return r
}

// secretNames are the parts of a body that show who we are.
var secretNames = []string{"client_secret", "password", "key"}

func (r *recorder) answer(server string, w http.ResponseWriter, req *http.Request) {
	s := seen{place: server + " " + req.URL.Path}
	if req.TLS != nil {
		s.place += " for " + req.TLS.ServerName
		for _, certificate := range req.TLS.PeerCertificates {
			s.proof += "certificate of " + certificate.Subject.CommonName
		}
	}
	body, _ := io.ReadAll(req.Body)
	form, _ := url.ParseQuery(string(body)) // login documents of the test send forms, too
	for name, values := range form {
		if slices.Contains(secretNames, name) {
			s.proof += fmt.Sprint(name, values)
			form.Del(name)
		}
	}
	if id, _, basic := req.BasicAuth(); basic {
		s.proof += req.Header.Get("Authorization")[len("Basic "):]
		form.Set("client_id", id)
	}
	s.content, s.grant, s.headers = form.Encode(), form.Get("grant_type"), req.Header.Get("X-Further")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, s)
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": "access-%d", "refresh_token": "refresh-%d", "expires_in": 3600}`, len(r.all), len(r.all))
}

// last is the request seen last.
func (r *recorder) last() seen { return r.at(r.count() - 1) }

func (r *recorder) at(i int) seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[i]
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

// changes names what is different in two requests. Basic has id and secret in one:
// another id alone is another content, and no other proof.
func (s seen) changes(after seen) (names []string) {
	if s.place != after.place {
		names = append(names, "place")
	}
	if s.content != after.content {
		names = append(names, "content")
	}
	if s.headers != after.headers {
		names = append(names, "header")
	}
	if s.proof != after.proof && !strings.Contains(after.content, "client_id=renamed") {
		names = append(names, "proof")
	}
	return names
}

// certified returns a client certificate and its key, in PEM.
func certified(t *testing.T, name string) (certificate, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	template.Subject.CommonName = name
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// authority is the certificate of the server by TLS, in PEM.
func (r *recorder) authority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.secure.Certificate().Raw}))
}
