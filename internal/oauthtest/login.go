// SPDX-License-Identifier: MPL-2.0

package oauthtest

import (
	"encoding/json"
	"net/http"
)

// LoginURL returns the endpoint of a login that is not OAuth: it takes a User's
// name and password as JSON, {"username": ..., "password": ...}, and answers with
// {"token": ..., "expires_in": ...}, or 401 and {"message": ...}.
func (s *Server) LoginURL() string { return s.URL + "/login" }

// login records and acts. Hold and Respond are for the token endpoint alone.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var given struct{ Username, Password string }
	err := json.NewDecoder(r.Body).Decode(&given)
	s.record(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	s.mu.Lock()
	defer s.mu.Unlock()
	password, known := s.users[given.Username]
	if err != nil || r.Method != http.MethodPost || !known || password != given.Password {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]any{"message": "wrong user name or password"})
		return
	}
	answer := s.answer("")
	answer["token"] = answer["access_token"]
	delete(answer, "access_token")
	delete(answer, "token_type")
	_ = json.NewEncoder(w).Encode(answer)
}
