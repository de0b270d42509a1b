// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

// server is an authorization server, the API its tokens open, and a count of what it was asked.
type server struct {
	provider fosite.OAuth2Provider
	record   record

	mu    sync.Mutex // guards stats
	stats stats
}

// stats counts requests since the start. What a cached token costs the authorization server is read here: nothing.
type stats struct {
	TokenRequests int            `json:"token_requests"`
	Refused       int            `json:"refused"`
	ByGrant       map[string]int `json:"by_grant"`
	Revocations   int            `json:"revocations"`
}

// newServer returns the handler for everything the server offers:
//
//	POST /token       client_credentials, password and refresh_token grants (RFC 6749)
//	POST /revoke      RFC 7009
//	POST /introspect  RFC 7662
//	GET  /api/whoami  an API that wants an access token as bearer (RFC 6750) and says whose it is
//	GET  /stats       what was asked so far
func newServer(opts options) (http.Handler, error) {
	store, err := newStore(opts)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	config := &fosite.Config{
		AccessTokenLifespan:  opts.lifetime,
		RefreshTokenLifespan: opts.refreshLifetime,
		RefreshTokenScopes:   []string{}, // the password grant always gives a refresh token; each use rotates it
		GlobalSecret:         key,
	}
	s := &server{
		provider: compose.Compose(config, store, compose.NewOAuth2HMACStrategy(config),
			compose.OAuth2ClientCredentialsGrantFactory,
			compose.OAuth2ResourceOwnerPasswordCredentialsFactory,
			compose.OAuth2RefreshTokenGrantFactory,
			compose.OAuth2TokenIntrospectionFactory,
			compose.OAuth2TokenRevocationFactory,
		),
		record: record(opts.record),
		stats:  stats{ByGrant: map[string]int{}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", s.revoke)
	mux.HandleFunc("POST /introspect", s.introspect)
	mux.HandleFunc("GET /api/whoami", s.whoami)
	mux.HandleFunc("GET /stats", s.count)
	return mux, nil
}

// store calls users by their names; fosite's invents an id at each login.
type store struct{ *storage.MemoryStore }

func (s store) Authenticate(ctx context.Context, name, password string) (subject string, err error) {
	if _, err := s.MemoryStore.Authenticate(ctx, name, password); err != nil {
		return "", err
	}
	return name, nil
}

func newStore(opts options) (store, error) {
	memory := storage.NewMemoryStore()
	for id := range opts.clientLifetimes {
		if opts.clients[id] == "" && !slices.Contains(opts.publicClients, id) {
			return store{}, fmt.Errorf("-client-lifetime names %s, which is no client", id)
		}
	}
	client := func(id string) *fosite.DefaultClient {
		return &fosite.DefaultClient{
			ID:         id,
			GrantTypes: fosite.Arguments{"client_credentials", "password", "refresh_token"},
			Scopes:     fosite.Arguments(opts.scopes),
			Audience:   fosite.Arguments(opts.audiences),
		}
	}
	for id, secret := range opts.clients {
		// The cheapest hash: nothing here is kept, and a story of 200 readers shall wait for the engine only.
		hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
		if err != nil {
			return store{}, err
		}
		c := client(id)
		c.Secret = hash
		memory.Clients[id] = opts.living(c)
	}
	for _, id := range opts.publicClients {
		c := client(id)
		c.Public = true
		memory.Clients[id] = opts.living(c)
	}
	for name, password := range opts.users {
		memory.Users[name] = storage.MemoryUserRelation{Username: name, Password: password}
	}
	return store{memory}, nil
}

// living gives a client the life that its access tokens have, if it has one of its own.
func (o options) living(c *fosite.DefaultClient) fosite.Client {
	life, ok := o.clientLifetimes[c.ID]
	if !ok {
		return c
	}
	return &fosite.DefaultClientWithCustomTokenLifespans{DefaultClient: c, TokenLifespans: &fosite.ClientLifespanConfig{
		ClientCredentialsGrantAccessTokenLifespan: &life,
		PasswordGrantAccessTokenLifespan:          &life,
		RefreshTokenGrantAccessTokenLifespan:      &life,
	}}
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
	s.countToken(r.PostFormValue("grant_type"), err)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	// No person is asked here: what the client may ask for, it is given.
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetRequestedAudience() {
		request.GrantAudience(audience)
	}
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	refreshToken, _ := response.GetExtra("refresh_token").(string)
	if err := s.record.add(response.GetAccessToken(), refreshToken); err != nil {
		s.provider.WriteAccessError(ctx, w, request, fosite.ErrServerError.WithWrap(err))
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	err := s.provider.NewRevocationRequest(r.Context(), r)
	if err == nil {
		s.mu.Lock()
		s.stats.Revocations++
		s.mu.Unlock()
	}
	s.provider.WriteRevocationResponse(r.Context(), w, err)
}

func (s *server) introspect(w http.ResponseWriter, r *http.Request) {
	response, err := s.provider.NewIntrospectionRequest(r.Context(), r, &fosite.DefaultSession{})
	if err != nil {
		s.provider.WriteIntrospectionError(r.Context(), w, err)
		return
	}
	s.provider.WriteIntrospectionResponse(r.Context(), w, response)
}

func (s *server) whoami(w http.ResponseWriter, r *http.Request) {
	owner, err := s.owner(r.Context(), fosite.AccessTokenFromRequest(r))
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(w, map[string]any{
		"client_id": owner.GetClient().GetID(),
		"user":      owner.GetSession().GetSubject(),
		"scope":     owner.GetGrantedScopes(),
		"audience":  owner.GetGrantedAudience(),
	})
}

func (s *server) owner(ctx context.Context, token string) (fosite.AccessRequester, error) {
	_, owner, err := s.provider.IntrospectToken(ctx, token, fosite.AccessToken, &fosite.DefaultSession{})
	return owner, err
}

func (s *server) countToken(grant string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.TokenRequests++
	s.stats.ByGrant[grant]++
	if err != nil {
		s.stats.Refused++
	}
}

func (s *server) count(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, s.stats)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the client has gone
}
