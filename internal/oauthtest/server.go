// SPDX-License-Identifier: MPL-2.0

// Package oauthtest is an authorization server for tests. It takes nothing on
// trust: a request that RFC 6749 does not allow gets the error that the RFC
// names, so a test that passes shows a client that behaves.
//
// It speaks the grants client_credentials, password and refresh_token, with the
// client authentication methods client_secret_basic, client_secret_post and none.
// Beside them it has a login that is not OAuth (see LoginURL).
// Everything on Server may be used from several goroutines and changed while
// requests are in flight.
package oauthtest

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// Method is how a registered client must authenticate (RFC 6749 section 2.3).
type Method string

// Basic and RawBasic differ in the form-encoding of id and secret before base64,
// which RFC 6749 section 2.3.1 wants and many servers do not undo.
const (
	Basic    Method = "client_secret_basic"
	RawBasic Method = "client_secret_basic, not form-encoded"
	Post     Method = "client_secret_post"
	None     Method = "none"
)

// Request is one request as it came, with the form parsed from its body.
type Request struct {
	Method string
	Path   string
	Query  string
	Header http.Header
	Form   url.Values
}

// Server is a running authorization server.
type Server struct {
	URL string // scheme, host and port; the same after Down and Up

	t      testing.TB
	secure bool

	mu       sync.Mutex         // guards everything below
	web      []*httptest.Server // the last one is up, or was
	clients  map[string]client
	users    map[string]string
	issued   map[string]time.Time    // access tokens, with their ends; zero: none was said
	refresh  map[string]refreshToken // by value, spent ones included
	grants   map[string]Grant        // by refreshToken.family
	lifetime string
	rotate   bool
	grace    time.Duration
	lenient  bool // a reused refresh token is refused, and that is all
	requests []Request
	respond  func(http.ResponseWriter, *http.Request) bool
	held     *hold
}

type client struct {
	secret string
	method Method
}

// refreshToken is bound to its client, and belongs to the grant (the family) it
// was first issued for.
type refreshToken struct {
	client, scope, family string
	spent                 time.Time // when it was traded first; zero: not yet
}

type hold struct{ arrived, release chan struct{} }

// Option changes how a Server starts.
type Option func(*Server)

// TLS makes the server speak TLS with a certificate for 127.0.0.1; see CertificatePEM.
func TLS(s *Server) { s.secure = true }

// New starts a server on 127.0.0.1. It ends with the test. Until told otherwise
// tokens live an hour, and each refresh token can be used once.
func New(t testing.TB, options ...Option) *Server {
	s := &Server{
		t: t, clients: map[string]client{}, users: map[string]string{}, issued: map[string]time.Time{},
		refresh: map[string]refreshToken{}, grants: map[string]Grant{}, lifetime: "3600", rotate: true,
	}
	for _, option := range options {
		option(s)
	}
	s.start("127.0.0.1:0")
	s.URL = s.current().URL
	t.Cleanup(func() {
		s.Respond(nil)
		s.release(s.swapHold(nil))
		for _, web := range s.web {
			web.Close()
		}
	})
	return s
}

// TokenURL returns the token endpoint.
func (s *Server) TokenURL() string { return s.URL + "/token" }

// HTTPClient returns a plain client that trusts the server's certificate.
func (s *Server) HTTPClient() *http.Client { return s.current().Client() }

// CertificatePEM returns the server's certificate, which is its own authority.
// The server must speak TLS.
func (s *Server) CertificatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.current().Certificate().Raw}))
}

// Client registers a client, or changes it. It authenticates with Basic unless
// another method is named.
func (s *Server) Client(id, secret string, method ...Method) {
	how := Basic
	if len(method) > 0 {
		how = method[0]
	}
	s.set(func() { s.clients[id] = client{secret, how} })
}

// User registers a resource owner for the password grant, or changes the password.
func (s *Server) User(name, password string) { s.set(func() { s.users[name] = password }) }

// ExpiresIn sets expires_in of the answers to come, as raw JSON (3600, "3600",
// 3.6e3, null); with "" the answers have none.
func (s *Server) ExpiresIn(raw string) {
	s.t.Helper()
	if raw != "" && !json.Valid([]byte(raw)) {
		s.t.Fatalf("oauthtest: %s is no JSON; use Respond for such an answer", raw)
	}
	s.set(func() { s.lifetime = raw })
}

// Requests returns how many requests have come, whatever became of them.
func (s *Server) Requests() int { return len(s.Recorded()) }

// Recorded returns the requests that have come, the oldest first.
func (s *Server) Recorded() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Last returns the latest request; the test fails if there is none.
func (s *Server) Last() Request {
	s.t.Helper()
	all := s.Recorded()
	if len(all) == 0 {
		s.t.Fatal("oauthtest: no request has come")
	}
	return all[len(all)-1]
}

// Respond puts a handler before the server's own: what it answers (returning
// true) is the answer, unchecked. The request's form is parsed. Nil removes it.
func (s *Server) Respond(handler func(http.ResponseWriter, *http.Request) bool) {
	s.set(func() { s.respond = handler })
}

// Hold keeps the answers to come in the server, after it has acted on the
// requests, until release is called. Arrived receives once for each request held.
func (s *Server) Hold() (arrived <-chan struct{}, release func()) {
	held := &hold{arrived: make(chan struct{}, 4096), release: make(chan struct{})}
	s.release(s.swapHold(held))
	return held.arrived, func() {
		s.mu.Lock()
		mine := s.held == held
		if mine {
			s.held = nil
		}
		s.mu.Unlock()
		if mine {
			close(held.release)
		}
	}
}

func (s *Server) swapHold(next *hold) (previous *hold) {
	s.set(func() { previous, s.held = s.held, next })
	return previous
}

func (s *Server) release(held *hold) {
	if held != nil {
		close(held.release)
	}
}

// Down closes the port and every connection: the next request is refused by the
// kernel, those in flight break.
func (s *Server) Down() {
	web := s.current()
	_ = web.Listener.Close()
	web.CloseClientConnections()
}

// Up listens again, where it did before Down, with everything it knew.
func (s *Server) Up() { s.start(s.current().Listener.Addr().String()) }

func (s *Server) start(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatalf("oauthtest: %v", err)
	}
	web := httptest.NewUnstartedServer(s.handler())
	_ = web.Listener.Close()
	web.Listener = listener
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that refuse the certificate are part of the tests
	if s.secure {
		web.EnableHTTP2 = true
		web.StartTLS()
	} else {
		web.Start()
	}
	s.set(func() { s.web = append(s.web, web) })
}

func (s *Server) current() *httptest.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.web[len(s.web)-1]
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/token", s.token)
	mux.HandleFunc("/login", s.login)
	mux.HandleFunc("/", s.elsewhere)
	return mux
}

// elsewhere records what should not have come, such as a followed redirect.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	s.record(r)
	http.NotFound(w, r)
}

func (s *Server) record(r *http.Request) {
	_ = r.ParseForm()
	form := maps.Clone(r.PostForm)
	s.set(func() {
		s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), form})
	})
}

// random returns a value with characters that a sloppy encoder gets wrong.
func random() string { return "+/" + rand.Text() + "==" }
