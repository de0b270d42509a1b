// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// oddServer answers token requests as no authorization server should and some do. What it answers is chosen by the path.
type oddServer struct {
	server *httptest.Server
	thief  *httptest.Server // where the redirects point

	mu       sync.Mutex     // guards requests
	requests map[string]int // by path; "thief" counts what reached the thief
}

// httpFixture: http-fixture start            sets $ODD to its URL
// or:          http-fixture count PATH N     checks how often a path was asked for; PATH "thief" is where redirects lead
func httpFixture(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "start":
		s.odd = newOddServer()
		ts.Setenv("ODD", s.odd.server.URL)
		return nil
	case len(args) == 3 && args[0] == "count":
		return s.odd.expect(args[1], args[2])
	}
	return errors.New("usage: http-fixture start, or http-fixture count PATH N")
}

func newOddServer() *oddServer {
	o := &oddServer{requests: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/html", fixed(200, "text/html", `<html><title>Sign in</title><form>...</form></html>`))
	mux.HandleFunc("/minutes", fixed(200, "application/json", `{"token":"good-for-half-an-hour","valid_for_minutes":30}`))
	mux.HandleFunc("/empty", fixed(200, "application/json", ""))
	mux.HandleFunc("/error-200", fixed(200, "application/json", `{"error":"invalid_scope","error_description":"no such scope"}`))
	mux.HandleFunc("/no-token", fixed(200, "application/json", `{"token_type":"Bearer","expires_in":3600}`))
	mux.HandleFunc("/control", fixed(200, "application/json", `{"access_token":"a\u0007b","token_type":"Bearer","expires_in":3600}`))
	mux.HandleFunc("/big", fixed(200, "application/json", `{"access_token":"`+strings.Repeat("x", 2<<20)+`"}`))
	mux.HandleFunc("/error-500", fixed(500, "text/plain", "too many attempts"))
	mux.HandleFunc("/error-403", fixed(403, "text/plain", ""))
	mux.HandleFunc("/busy", busy)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/silent", silent)
	mux.HandleFunc("/life/{spelling}", life)
	mux.HandleFunc("/redirect/{code}", o.redirect)
	o.server = httptest.NewServer(o.counting(mux, func(r *http.Request) string { return r.URL.Path }))
	o.thief = httptest.NewServer(o.counting(http.HandlerFunc(fixed(200, "application/json", `{"access_token":"stolen"}`)),
		func(*http.Request) string { return "thief" }))
	return o
}

func (o *oddServer) close() {
	o.server.CloseClientConnections()
	o.server.Close()
	o.thief.Close()
}

func (o *oddServer) counting(next http.Handler, name func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.requests[name(r)]++
		o.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (o *oddServer) expect(path, count string) error {
	want, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if got := o.requests[path]; got != want {
		return fmt.Errorf("%s was asked %d times, want %d", path, got, want)
	}
	return nil
}

func fixed(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		w.Write([]byte(body)) //nolint:errcheck // the client may refuse to read 2 MiB
	}
}

// busy names its own time.
func busy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "120")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// echo is the server that tells you what you sent: the secrets, back in its error description.
func echo(w http.ResponseWriter, r *http.Request) {
	r.ParseForm() //nolint:errcheck // what parses is echoed
	user, password, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]string{ //nolint:errcheck // the client has gone
		"error": "invalid_grant",
		"error_description": fmt.Sprint("wrong: ", user, " ", password, " ", r.Header.Get("Authorization"), " ",
			r.PostForm.Encode(), " ", r.PostForm),
	})
}

// silent reads the request, without which the end of the connection would go unnoticed, and never answers.
func silent(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // whatever ends the request
	<-r.Context().Done()
}

// life answers with the path's last element as expires_in, as it stands; "absent" leaves the key out.
func life(w http.ResponseWriter, r *http.Request) {
	spelling := r.PathValue("spelling")
	body := `{"access_token":"token-of-life-` + strconv.Itoa(len(spelling)) + `","token_type":"Bearer"`
	if spelling != "absent" {
		body += `,"expires_in":` + spelling
	}
	fixed(200, "application/json", body+"}")(w, r)
}

func (o *oddServer) redirect(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Location", o.thief.URL+"/token")
	w.WriteHeader(code)
}
