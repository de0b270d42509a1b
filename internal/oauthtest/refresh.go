// SPDX-License-Identifier: MPL-2.0

package oauthtest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Rotation says what becomes of a refresh token that has been traded for another.
// For as long as grace it is good for a further one, as servers do that have heard
// of lost answers; what it brought before stays good. After that a second use is
// refused, and with reuseDetection taken for theft, which ends the whole grant (RFC
// 9700 section 4.14.2). Without this option there is detection and no grace.
func Rotation(grace time.Duration, reuseDetection bool) Option {
	return func(s *Server) { s.grace, s.lenient = grace, !reuseDetection }
}

// Rotate says whether a refresh returns a new refresh token, which it does until told otherwise.
func (s *Server) Rotate(on bool) { s.set(func() { s.rotate = on }) }

// Grant is all that follows from one consent or one password.
type Grant struct {
	Newest    string // the refresh token that was issued last
	Exchanges int    // refreshes that were answered with a token
	Reused    int    // refreshes with a token that was spent and past its grace
	Revoked   bool
}

// Consent issues a refresh token to a client, as if somebody had consented.
func (s *Server) Consent(client, scope string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newRefreshToken(refreshToken{client: client, scope: scope, family: rand.Text()})
}

// Grant returns the grant that a refresh token of this server belongs to; the
// test fails if there is none.
func (s *Server) Grant(refreshToken string) Grant {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok := s.refresh[refreshToken]
	if !ok {
		s.t.Error("oauthtest: this refresh token was not issued here")
	}
	return s.grants[token.family]
}

// RevokeAll makes every refresh token issued so far invalid.
func (s *Server) RevokeAll() {
	s.set(func() {
		for family := range s.grants {
			s.change(family, func(g *Grant) { g.Revoked = true })
		}
	})
}

// Issued tells whether this server issued the access token.
func (s *Server) Issued(accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.issued[accessToken]
	return ok
}

// Ends returns when an access token of this server ends; zero if it did not
// issue the token, or gave it no life.
func (s *Server) Ends(accessToken string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued[accessToken]
}

// Tokens returns every access token and every refresh token issued so far.
func (s *Server) Tokens() (access, refresh []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.issued)), slices.Collect(maps.Keys(s.refresh))
}

// refreshGrant is RFC 6749 section 6. The caller holds s.mu.
func (s *Server) refreshGrant(id string, form url.Values) (map[string]any, *problem) {
	value := form.Get("refresh_token")
	token, ok := s.refresh[value]
	if !ok || token.client != id || s.grants[token.family].Revoked {
		return nil, refused("invalid_grant", "the refresh token is unknown or revoked")
	}
	if !token.spent.IsZero() && time.Since(token.spent) >= s.grace {
		return nil, s.reused(token.family)
	}
	wanted := form.Get("scope")
	if !form.Has("scope") {
		wanted = token.scope
	}
	for name := range strings.FieldsSeq(wanted) {
		if !slices.Contains(strings.Fields(token.scope), name) {
			return nil, refused("invalid_scope", "more than was granted")
		}
	}
	answer := s.answer(wanted)
	s.change(token.family, func(g *Grant) { g.Exchanges++ })
	if s.rotate {
		if token.spent.IsZero() {
			token.spent = time.Now()
			s.refresh[value] = token
		}
		token.spent = time.Time{}
		answer["refresh_token"] = s.newRefreshToken(token)
	}
	return answer, nil
}

func (s *Server) reused(family string) *problem {
	s.change(family, func(g *Grant) { g.Reused, g.Revoked = g.Reused+1, g.Revoked || !s.lenient })
	if s.lenient {
		return refused("invalid_grant", "the refresh token was used before")
	}
	return refused("invalid_grant", "the refresh token was used before: the grant is revoked")
}

func (s *Server) newRefreshToken(token refreshToken) string {
	value := random()
	s.refresh[value] = token
	s.change(token.family, func(g *Grant) { g.Newest = value })
	return value
}

func (s *Server) change(family string, change func(*Grant)) {
	grant := s.grants[family]
	change(&grant)
	s.grants[family] = grant
}

// ends is when an access token issued now ends, as far as a client can know.
func (s *Server) ends() time.Time {
	var seconds float64
	if json.Unmarshal([]byte(s.lifetime), &seconds) != nil || seconds == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(seconds * float64(time.Second)))
}
