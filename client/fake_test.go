// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// vaultToken is what the application is known to Vault by.
const vaultToken = "hvs.application"

// vault plays Vault's API with the engine at oauth/ and a role named orders. It
// refuses every other request. Its tokens are token-1, token-2 and so on.
type vault struct {
	mu       sync.Mutex // guards what follows
	number   int        // of the token in force; a read obtains the first
	issued   time.Time  // when it was
	life     time.Duration
	minTTL   time.Duration                               // of the role
	each     bool                                        // each read obtains a token of its own
	use      func(token string) (h, q map[string]string) // how the API wants it
	refusals map[string]string                           // by "read" or "renew": status code and error
	hold     chan struct{}                               // answers wait until it closes
	reads    []string                                    // queries
	renewals []string                                    // rejected tokens
}

func newVault() *vault {
	return &vault{life: time.Hour, minTTL: 30 * time.Second, refusals: map[string]string{}, use: bearer}
}

func bearer(token string) (headers, query map[string]string) {
	return map[string]string{"Authorization": "Bearer " + token}, nil
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	data, code, message := v.serve(r, body)
	v.mu.Lock()
	hold := v.hold
	v.mu.Unlock()
	if hold != nil {
		<-hold
	}
	w.Header().Set("Content-Type", "application/json")
	if message != "" {
		w.WriteHeader(code)
		writeJSON(w, map[string]any{"errors": []string{message}})
		return
	}
	writeJSON(w, map[string]any{"request_id": "1", "lease_id": "", "data": data})
}

// serve checks a request and answers it, all at one instant.
func (v *vault) serve(r *http.Request, body []byte) (data map[string]any, code int, message string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if got := r.Header.Get("X-Vault-Token"); got != vaultToken {
		return nil, 403, "permission denied"
	}
	var least time.Duration
	verb := r.Method + " " + r.URL.Path
	switch {
	case verb == "GET /v1/oauth/token/orders" && len(body) == 0:
		v.reads = append(v.reads, r.URL.RawQuery)
		if text := r.URL.Query().Get("min_ttl"); text != "" {
			least, _ = time.ParseDuration(text + "s")
		}
		verb = "read"
	case verb == "PUT /v1/oauth/token/orders/renew" && r.URL.RawQuery == "":
		v.renewals = append(v.renewals, v.rejected(body))
		verb = "renew"
	default:
		return nil, 405, "unexpected: " + verb + " " + string(body)
	}
	if status, text, refused := strings.Cut(v.refusals[verb], " "); refused {
		_, err := fmt.Sscan(status, &code)
		if err != nil {
			panic(err)
		}
		return nil, code, text
	}
	now, least := time.Now(), max(least, v.minTTL)
	left := v.issued.Add(v.life).Sub(now)
	if verb == "renew" && v.renewals[len(v.renewals)-1] == v.current() || verb == "read" && (v.number == 0 || left < least || v.each) {
		v.number, v.issued, left = v.number+1, now, v.life
	}
	headers, query := v.use(v.current())
	return map[string]any{
		"access_token": v.current(), "token_type": "Bearer", "scope": "orders.read",
		"expires_in": int(left.Seconds()), "ttl": max(1, int((left - least - time.Second).Seconds())),
		"expire_time": "2000-01-01T00:00:00Z", // by a clock that is wrong
		"headers":     headers, "query": query, "extra": map[string]string{"instance_url": "https://eu.example.com"},
	}, 0, ""
}

func (v *vault) current() string { return fmt.Sprintf("token-%d", v.number) }

// rejected finds the token whose hash a renewal names, which must be all it has.
func (v *vault) rejected(body []byte) string {
	fields := map[string]string{}
	if err := json.Unmarshal(body, &fields); err != nil || len(fields) != 1 {
		return "no token: " + string(body)
	}
	for i := range v.number {
		token := fmt.Sprintf("token-%d", i+1)
		if sum := sha256.Sum256([]byte(token)); hex.EncodeToString(sum[:]) == fields["rejected_sha256"] {
			return token
		}
	}
	return "no token: " + string(body)
}

// set changes the fake while it is in use.
func (v *vault) set(change func(v *vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

// counts returns the numbers of reads and renewals so far.
func (v *vault) counts() [2]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return [2]int{len(v.reads), len(v.renewals)}
}

// store is an API. It answers 401 to rejected tokens and to requests without
// one, and 200 with what the request had.
type store struct {
	mu       sync.Mutex // guards what follows
	rejected map[string]bool
	code     int             // for rejected tokens
	seen     []*http.Request // with bodies read
	bodies   []string
	redirect map[string]string // by path
	gather   *sync.WaitGroup   // if not nil, requests that are rejected wait until all are there
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	to, code, gather := s.redirect[r.URL.Path], http.StatusOK, s.gather
	if token == "" || s.rejected[token] {
		code = s.code
	}
	s.mu.Unlock()
	switch {
	case to != "":
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		return
	case code != http.StatusOK && gather != nil:
		gather.Done()
		gather.Wait()
	}
	w.WriteHeader(code)
	fmt.Fprint(w, token)
}

func (s *store) reject(tokens ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range tokens {
		s.rejected[token] = true
	}
}

// tokens returns what the requests so far came with, in their order.
func (s *store) tokens() (tokens []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		tokens = append(tokens, token)
	}
	return tokens
}

func writeJSON(w io.Writer, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}
