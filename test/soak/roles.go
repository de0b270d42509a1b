// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// The ways in which roles obtain their tokens.
const (
	clientCredentials = "client_credentials"
	refreshTokens     = "refresh_token"
	passwords         = "password" // of oidc-provider; with refresh tokens, too
	logins            = "login"    // of an API that is no OAuth
)

// role is one of the engine's, and an account of the same name.
type role struct {
	name string
	flow string
	life time.Duration
}

// plan gives each flow its third of the roles, and each life its share of the flow.
func plan(n int, lives []time.Duration) []role {
	roles := make([]role, n)
	for i := range roles {
		turn := i / 3
		r := role{name: fmt.Sprintf("soak-%03d", i+1), life: lives[turn%len(lives)]}
		switch i % 3 {
		case 0:
			r.flow = clientCredentials
		case 1:
			r.flow = refreshTokens
		case 2:
			r.flow = []string{passwords, logins}[turn%2]
			r.life = lives[turn/2%len(lives)]
		}
		roles[i] = r
	}
	return roles
}

func (r role) config() string {
	if r.flow == logins {
		return "login-" + r.life.String()
	}
	return clientID(r.life)
}

// stage is where the soak plays.
type stage struct {
	vault     *cluster
	provider  *provider
	loginURLs map[time.Duration]string
	roles     []role
	client    *http.Client // for what is asked beside Vault
}

const loginDocument = `{
  "request": {"url": "/token", "json": {"Username": "{{username}}", "Password": "{{password}}"}},
  "token": {"json": "/securityToken"}
}`

// write sets the engine up: settings, a config for each client and API, the roles, and the refresh tokens that they begin with.
func (s *stage) write(ctx context.Context) error {
	write := func(path string, data map[string]any) error {
		_, err := s.vault.first().Client.Logical().WriteWithContext(ctx, mountPath+"/"+path, data)
		return err
	}
	if err := write("settings", map[string]any{"allow_loopback": true}); err != nil {
		return err
	}
	var written []string
	for _, r := range s.roles {
		if !slices.Contains(written, r.config()) {
			written = append(written, r.config())
			if err := write("config/"+r.config(), s.configData(r)); err != nil {
				return err
			}
		}
		if err := write("roles/"+r.name, r.data()); err != nil {
			return err
		}
		if r.flow != refreshTokens {
			continue
		}
		token, err := s.consent(ctx, r)
		if err != nil {
			return err
		}
		if err := write("token/"+r.name+"/import", map[string]any{"refresh_token": token}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) configData(r role) map[string]any {
	if r.flow == logins {
		return map[string]any{"base_url": s.loginURLs[r.life], "allow_http": true, "login": loginDocument}
	}
	id := clientID(r.life)
	return map[string]any{"token_url": s.provider.url + "/token", "allow_http": true, "client_id": id, "client_secret": clientSecret(id)}
}

func (r role) data() map[string]any {
	data := map[string]any{"config": r.config()}
	switch r.flow {
	case clientCredentials:
		data["scopes"] = "read"
	case refreshTokens:
		data["flow"], data["verify"] = refreshTokens, "off"
	case passwords:
		data["flow"], data["username"], data["password"], data["scopes"] = passwords, r.name, password, "read offline_access"
	case logins:
		data["username"], data["password"], data["access_token_ttl"] = r.name, password, r.life.String()
	}
	return data
}

// consent obtains a refresh token beside the engine, as a person in a browser would.
func (s *stage) consent(ctx context.Context, r role) (string, error) {
	form := url.Values{"grant_type": {"password"}, "username": {r.name}, "password": {password}, "scope": {"read offline_access"}}
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	err := s.ask(ctx, r, "/token", form, &answer)
	if err == nil && answer.RefreshToken == "" {
		err = fmt.Errorf("the provider gave no refresh token to %s", r.name)
	}
	return answer.RefreshToken, err
}

// ask sends a form to the provider, as the role's client.
func (s *stage) ask(ctx context.Context, r role, path string, form url.Values, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.provider.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	id := clientID(r.life)
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(clientSecret(id))) // RFC 6749 section 2.3.1
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = s.send(req, answer)
	return err
}

// send returns an error for anything but 200 and 401: of the latter the caller makes sense.
func (s *stage) send(req *http.Request, answer any) (status int, err error) {
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusUnauthorized {
		return res.StatusCode, fmt.Errorf("%s answers %s: %s", req.URL.Path, res.Status, body.String())
	}
	return res.StatusCode, json.Unmarshal(body.Bytes(), answer)
}

// accepted asks whoever issued a token of the role whether it is good, and whether it is this role's.
func (s *stage) accepted(ctx context.Context, r role, token string) (good, own bool, err error) {
	if r.flow == logins {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.loginURLs[r.life]+"/api/whoami", nil)
		if err != nil {
			return false, false, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		var answer struct{ User string }
		status, err := s.send(req, &answer)
		return status == http.StatusOK, answer.User == r.name, err
	}
	var answer struct {
		Active   bool   `json:"active"`
		ClientID string `json:"client_id"`
		Subject  string `json:"sub"`
	}
	// RFC 7662 section 2.
	err = s.ask(ctx, r, "/token/introspection", url.Values{"token": {token}}, &answer)
	own = answer.ClientID == clientID(r.life) && (r.flow == clientCredentials || answer.Subject == r.name)
	return answer.Active, own, err
}

// statuses reads what the engine says about itself and about each role.
func (s *stage) statuses(ctx context.Context) (all *api.Secret, each map[string]*api.Secret, err error) {
	if all, err = s.vault.first().Client.Logical().ReadWithContext(ctx, mountPath+"/status"); err != nil {
		return nil, nil, err
	}
	each = map[string]*api.Secret{}
	for _, r := range s.roles {
		if each[r.name], err = s.vault.first().Client.Logical().ReadWithContext(ctx, mountPath+"/status/"+r.name); err != nil {
			return nil, nil, err
		}
	}
	return all, each, nil
}
