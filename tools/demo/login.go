// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// loginAPI is an API with a login that is no OAuth: a name and a password as JSON, and a token in the answer. It says
// nowhere how long a token lives, as many such APIs do.
type loginAPI struct {
	passwords map[string][sha256.Size]byte
	lifetime  time.Duration
	length    time.Duration // of what follows from one login, if its answer has a refresh token; else 0
	record    record

	mu       sync.Mutex // guards what follows
	sessions map[[sha256.Size]byte]session
	renewals map[[sha256.Size]byte]session // by refresh token
	stats    loginStats
}

// session is what a token stands for. The token itself is not kept.
type session struct {
	user    string
	expires time.Time
}

// loginStats counts requests since the start.
type loginStats struct {
	TokenRequests int `json:"token_requests"`
	Refused       int `json:"refused"` // refreshes, too
	APIRequests   int `json:"api_requests"`
	Refreshes     int `json:"refreshes,omitempty"`
}

// newLoginAPI returns the handler for everything that the API offers:
//
//	POST /token       {"Username": ..., "Password": ...} is answered with {"securityToken": ...}
//	                  and, if sessions have an end, {"securityToken": ..., "expiresIn": ..., "refreshToken": ...}
//	POST /refresh     {"refreshToken": ...} is answered alike, until so long after the login; a refresh token is good once
//	GET  /api/whoami  wants such a token as bearer and says whose it is
//	GET  /stats       what was asked so far
func newLoginAPI(opts options) http.Handler {
	a := &loginAPI{
		passwords: map[string][sha256.Size]byte{},
		lifetime:  opts.accountLifetime,
		length:    opts.accountSession,
		record:    record(opts.record),
		sessions:  map[[sha256.Size]byte]session{},
		renewals:  map[[sha256.Size]byte]session{},
	}
	for name, password := range opts.accounts {
		a.passwords[name] = sha256.Sum256([]byte(password))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", a.token)
	mux.HandleFunc("POST /refresh", a.refresh)
	mux.HandleFunc("GET /api/whoami", a.whoami)
	mux.HandleFunc("GET /stats", a.count)
	return mux
}

func (a *loginAPI) token(w http.ResponseWriter, r *http.Request) {
	user, status, message := a.login(w, r)
	a.mu.Lock()
	a.stats.TokenRequests++
	if status != http.StatusOK {
		a.stats.Refused++
	}
	a.mu.Unlock()
	if status != http.StatusOK {
		refuse(w, status, message)
		return
	}
	a.answer(w, session{user: user, expires: time.Now().Add(a.length)})
}

func (a *loginAPI) refresh(w http.ResponseWriter, r *http.Request) {
	var body struct{ RefreshToken string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&body)
	key := sha256.Sum256([]byte(body.RefreshToken))
	a.mu.Lock()
	login, known := a.renewals[key]
	delete(a.renewals, key)
	ok := err == nil && known && time.Now().Before(login.expires)
	a.stats.Refreshes++
	if !ok {
		a.stats.Refused++
	}
	a.mu.Unlock()
	if !ok {
		refuse(w, http.StatusUnauthorized, "the session has ended: log in again")
		return
	}
	a.answer(w, login)
}

// answer sends a token that belongs to a login, which ends when the login does.
func (a *loginAPI) answer(w http.ResponseWriter, login session) {
	token, refreshToken := rand.Text()+rand.Text(), ""
	ends := time.Now().Add(a.lifetime)
	said := map[string]any{"securityToken": token}
	if a.length > 0 {
		if login.expires.Before(ends) {
			ends = login.expires
		}
		refreshToken = rand.Text() + rand.Text()
		said["refreshToken"], said["expiresIn"] = refreshToken, int(a.lifetime.Seconds())
		a.mu.Lock()
		a.renewals[sha256.Sum256([]byte(refreshToken))] = login
		a.mu.Unlock()
	}
	if err := a.record.add(token, refreshToken); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	a.remember(token, session{login.user, ends})
	writeJSON(w, said)
}

// login says who is asking, or with which status and message to refuse.
func (a *loginAPI) login(w http.ResponseWriter, r *http.Request) (user string, status int, message string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return "", http.StatusUnsupportedMediaType, "the body must be application/json"
	}
	var account struct{ Username, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&account); err != nil {
		return "", http.StatusBadRequest, "the body must be an object with Username and Password"
	}
	want, known := a.passwords[account.Username]
	given := sha256.Sum256([]byte(account.Password))
	if same := subtle.ConstantTimeCompare(given[:], want[:]) == 1; !same || !known {
		return "", http.StatusUnauthorized, "wrong user name or password"
	}
	return account.Username, http.StatusOK, ""
}

// remember also forgets what has ended.
func (a *loginAPI) remember(token string, s session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	ended := func(_ [sha256.Size]byte, s session) bool { return !now.Before(s.expires) }
	maps.DeleteFunc(a.sessions, ended)
	maps.DeleteFunc(a.renewals, ended)
	a.sessions[sha256.Sum256([]byte(token))] = s
}

func (a *loginAPI) whoami(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a.mu.Lock()
	a.stats.APIRequests++
	s, known := a.sessions[sha256.Sum256([]byte(token))]
	a.mu.Unlock()
	if !strings.EqualFold(scheme, "Bearer") || !known || !time.Now().Before(s.expires) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "no such token, or no more")
		return
	}
	writeJSON(w, map[string]string{"user": s.user})
}

func (a *loginAPI) count(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	stats := a.stats
	a.mu.Unlock()
	writeJSON(w, stats)
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message}) //nolint:errcheck // the client has gone
}
