// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// standIn is a proxy that answers in place of the servers behind it. So a stored
// config can name a server of one name for ever, whose URL its digests have.
type standIn struct {
	URL string

	mu      sync.Mutex // guards everything below
	answers []storedReply
	sent    []string
	held    chan struct{} // nil: nothing is held
	arrived chan struct{}
}

func newStandIn(t testing.TB) *standIn {
	s := new(standIn)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// next has these answers ready.
func (s *standIn) next(answers []storedReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.sent = slices.Clone(answers), nil
}

// done returns what has come since next, and how many answers are left.
func (s *standIn) done() (sent []string, left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent, len(s.answers)
}

// hold keeps the answers until release is called; arrived receives for a request.
func (s *standIn) hold() (arrived <-chan struct{}, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held, s.arrived = held, make(chan struct{}, 8)
	return s.arrived, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	}
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := asSent(r)
	s.mu.Lock()
	s.sent = append(s.sent, text)
	answer := storedReply{Status: http.StatusInternalServerError}
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	held := s.held
	if held != nil {
		s.arrived <- struct{}{}
	}
	s.mu.Unlock()
	if held != nil {
		<-held
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	_, _ = w.Write(answer.Body)
}

// asSent is a request as the files have it: the URL as a proxy sees it, and the
// headers that a config, a role or a flow causes.
func asSent(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Sprintf("a body that ends with %v", err)
	}
	var lines []string
	for name, values := range r.Header {
		switch name {
		case "User-Agent", "Accept-Encoding", "Content-Length", "Proxy-Connection", "Connection":
		default:
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%s %s\n%s\n\n%s", r.Method, r.RequestURI, strings.Join(lines, "\n"), body)
}
