// SPDX-License-Identifier: MPL-2.0

package oauthtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// problem is an error answer (RFC 6749 section 5.2); nil is success.
type problem struct {
	status            int
	code, description string
}

func invalidRequest(description string) *problem {
	return &problem{http.StatusBadRequest, "invalid_request", description}
}

func refused(code, description string) *problem {
	return &problem{http.StatusBadRequest, code, description}
}

// token is the token endpoint (RFC 6749 section 3.2): record, act, hold, answer.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.record(r)
	s.mu.Lock()
	respond, held := s.respond, s.held
	s.mu.Unlock()

	var answer map[string]any
	var wrong *problem
	if respond == nil {
		answer, wrong = s.exchange(r)
	}
	if held != nil {
		held.arrived <- struct{}{}
		<-held.release
	}
	if respond != nil {
		if respond(w, r) {
			return
		}
		answer, wrong = s.exchange(r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if wrong != nil {
		if wrong.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="oauthtest"`)
		}
		w.WriteHeader(wrong.status)
		answer = map[string]any{"error": wrong.code, "error_description": wrong.description}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) exchange(r *http.Request) (map[string]any, *problem) {
	for name, values := range r.PostForm {
		if len(values) == 1 && values[0] == "" { // as if omitted (RFC 6749 section 3.2)
			delete(r.PostForm, name)
		}
	}
	if wrong := checkRequest(r); wrong != nil {
		return nil, wrong
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, wrong := s.authenticate(r)
	if wrong != nil {
		return nil, wrong
	}
	switch form := r.PostForm; form.Get("grant_type") {
	case "client_credentials":
		return s.clientCredentials(id, form)
	case "password":
		return s.password(id, form)
	case "refresh_token":
		return s.refreshGrant(id, form)
	case "":
		return nil, invalidRequest("grant_type is missing")
	}
	return nil, refused("unsupported_grant_type", "this server does not know the grant")
}

// checkRequest refuses what RFC 6749 sections 3.2 and 3.1 forbid of any grant.
func checkRequest(r *http.Request) *problem {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return &problem{http.StatusMethodNotAllowed, "invalid_request", "the method must be POST"}
	case media != "application/x-www-form-urlencoded":
		return invalidRequest("the body must be application/x-www-form-urlencoded")
	case r.URL.RawQuery != "":
		return invalidRequest("parameters belong into the body")
	case len(r.PostForm) == 0:
		return invalidRequest("the body is no form")
	}
	repeatable := []string{"resource", "audience"} // RFC 8707 section 2, RFC 8693 section 2.1
	for name, values := range r.PostForm {
		if len(values) > 1 && !slices.Contains(repeatable, name) {
			return invalidRequest("a parameter is included more than once")
		}
	}
	return nil
}

// authenticate returns the client's id if it authenticates with the method it is
// registered for and with no other. The caller holds s.mu.
func (s *Server) authenticate(r *http.Request) (string, *problem) {
	form, header := r.PostForm, r.Header.Get("Authorization")
	if header != "" {
		if form.Has("client_id") || form.Has("client_secret") { // RFC 6749 section 2.3
			return "", invalidRequest("more than one client authentication method")
		}
		return s.authenticateBasic(header)
	}
	id := form.Get("client_id")
	known, ok := s.clients[id]
	switch {
	case !ok:
		return "", unknownClient()
	case known.method == None && !form.Has("client_secret"):
		return id, nil
	case known.method == Post && form.Get("client_secret") == known.secret:
		return id, nil
	}
	return "", unknownClient()
}

func (s *Server) authenticateBasic(header string) (string, *problem) {
	scheme, encoded, _ := strings.Cut(header, " ")
	pair, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, found := strings.Cut(string(pair), ":")
	if !strings.EqualFold(scheme, "Basic") || err != nil || !found {
		return "", unknownClient()
	}
	if known, ok := s.clients[id]; ok && known.method == RawBasic && known.secret == secret {
		return id, nil
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil {
		return "", unknownClient()
	}
	if known, ok := s.clients[id]; ok && known.method == Basic && known.secret == secret {
		return id, nil
	}
	return "", unknownClient()
}

// unknownClient does not say what was wrong, as a real server would not.
func unknownClient() *problem {
	return &problem{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
}

// clientCredentials is RFC 6749 section 4.4: for confidential clients, without a
// refresh token.
func (s *Server) clientCredentials(id string, form url.Values) (map[string]any, *problem) {
	if s.clients[id].method == None {
		return nil, refused("unauthorized_client", "a public client has no credentials")
	}
	return s.answer(form.Get("scope")), nil
}

// password is RFC 6749 section 4.3.
func (s *Server) password(id string, form url.Values) (map[string]any, *problem) {
	if !form.Has("username") || !form.Has("password") {
		return nil, invalidRequest("username or password is missing")
	}
	if want, ok := s.users[form.Get("username")]; !ok || want != form.Get("password") {
		return nil, refused("invalid_grant", "wrong username or password")
	}
	answer := s.answer(form.Get("scope"))
	answer["refresh_token"] = s.newRefreshToken(refreshToken{client: id, scope: form.Get("scope"), family: rand.Text()})
	return answer, nil
}

// answer issues an access token. The caller holds s.mu.
func (s *Server) answer(scope string) map[string]any {
	access := random()
	s.issued[access] = s.ends()
	answer := map[string]any{"access_token": access, "token_type": "Bearer"}
	if s.lifetime != "" {
		answer["expires_in"] = json.RawMessage(s.lifetime)
	}
	if scope != "" {
		answer["scope"] = scope
	}
	return answer
}
