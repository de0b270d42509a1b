// SPDX-License-Identifier: MPL-2.0

package logins

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"
)

// Server plays a fixture's API on the loopback interface. It answers the requests that the fixture expects, and everything
// else with 500. It may be used from several goroutines.
type Server struct {
	URL string

	t    testing.TB
	part *part

	mu         sync.Mutex // guards everything below
	answered   []int      // by exchange
	requests   int
	mismatches []string
	instead    *answer
}

// answer is what a request gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB, f Fixture) *Server {
	t.Helper()
	s := &Server{t: t}
	web := httptest.NewUnstartedServer(s)
	t.Cleanup(web.Close)
	s.URL = "http://" + web.Listener.Addr().String()
	part, err := f.play(s.URL, time.Now())
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	s.part, s.answered = part, make([]int, len(part.exchanges))
	web.Start()
	return s
}

// Config returns all fields of the config: the document, base_url, allow_http and those of the fixture.
func (s *Server) Config() map[string]any {
	fields := map[string]any{"base_url": s.URL, "allow_http": true, "login": s.part.login}
	maps.Copy(fields, s.part.config)
	if fields["base_url"] == nil {
		delete(fields, "base_url")
	}
	return fields
}

// Role returns the fields of the role, all but the config's name.
func (s *Server) Role() map[string]any { return maps.Clone(s.part.role) }

// Login returns the login document.
func (s *Server) Login() string { return s.part.login }

// Instead has every request from now on answered with a raw answer, in the form of a fixture's answer.1, whatever the
// request is. An empty text ends that.
func (s *Server) Instead(raw string) {
	s.t.Helper()
	var a *answer
	if raw != "" {
		var err error
		if a, err = parseAnswer(raw); err != nil {
			s.t.Fatalf("answer: %v", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = a
}

// Requests returns how many requests came, expected or not.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Answered returns how many logins and how many refreshes came as the fixture expects them.
func (s *Server) Answered() (logins, refreshes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answered) > 1 {
		refreshes = s.answered[1]
	}
	return s.answered[0], refreshes
}

// Mismatches returns, for each request that was not expected, how it differs from the nearest that was. They hold the
// fixture's secrets.
func (s *Server) Mismatches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mismatches)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got, err := canonical(r)
	if err != nil {
		got = fmt.Sprintf("a body that ends with %v", err)
	}
	s.choose(got).write(w)
}

// choose counts a request and returns its answer.
func (s *Server) choose(got string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.instead != nil {
		return s.instead
	}
	for i, expected := range s.part.exchanges {
		if got == expected.request {
			s.answered[i]++
			return expected.answer
		}
	}
	want := s.nearest(got)
	s.mismatches = append(s.mismatches, string(diff.Diff("want", []byte(want+"\n"), "got", []byte(got+"\n"))))
	return &answer{status: http.StatusInternalServerError, header: http.Header{"Content-Type": {"text/plain"}}, body: "the fixture expects another request"}
}

// nearest is the expected request that shares the longest beginning with a request: refresh and login often go to one URL.
func (s *Server) nearest(got string) string {
	shared := func(a, b string) (n int) {
		for n < min(len(a), len(b)) && a[n] == b[n] {
			n++
		}
		return n
	}
	return slices.MaxFunc(s.part.exchanges, func(a, b exchange) int { return shared(a.request, got) - shared(b.request, got) }).request
}

// leftOut are the header lines that no document causes.
var leftOut = map[string]bool{"User-Agent": true, "Accept-Encoding": true, "Content-Length": true, "Connection": true}

// canonical is a request as fixtures write it.
func canonical(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	var lines []string
	for name, values := range r.Header {
		for _, value := range values {
			if !leftOut[name] {
				lines = append(lines, name+": "+value+"\n")
			}
		}
	}
	if len(r.TransferEncoding) > 0 { // net/http takes it out of the header; APIs that want a length refuse it
		lines = append(lines, "Transfer-Encoding: "+strings.Join(r.TransferEncoding, ", ")+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprintf("%s %s %s\n%s\n%s", r.Method, r.RequestURI, r.Proto, strings.Join(lines, ""), body), err
}

func parseAnswer(raw string) (*answer, error) {
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &answer{res.StatusCode, res.Header, strings.TrimSuffix(string(body), "\n")}, nil
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	io.WriteString(w, a.body) //nolint:errcheck // the client has gone
}
