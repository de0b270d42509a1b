// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	vault "github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/client"
)

// applicationPolicy is what the documentation of client asks for, and nothing else.
const applicationPolicy = `
path "oauth/token/orders"       { capabilities = ["read"] }
path "oauth/token/orders/renew" { capabilities = ["update"] }`

// TestClient is an application that uses an API with the Go client: it never notices that its token was revoked, and 20
// requests that do at once cost one exchange.
func TestClient(t *testing.T) {
	requireE2E(t)
	v := loginVault(t)
	secret := strings.Repeat("s3cret ", 4)
	v.remember("client_secret", secret)
	server := demoServer(t, "-client", "app:"+secret)
	v.write(t, "oauth/config/crm", map[string]any{"token_url": server.url + "/token", "client_id": "app", "client_secret": secret, "allow_http": true})
	v.write(t, "oauth/roles/orders", map[string]any{"config": "crm", "scopes": "read", "verify": "off"})

	source, err := client.New(client.Config{Vault: v.application(t), Role: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	api := source.HTTPClient(nil)
	expectWhoami(t, api, server)
	expectWhoami(t, api, server)
	expectCount(t, server, "1")

	first := v.inHand(t, source)
	server.revoke(t, "app", secret, first)
	var (
		gate = make(chan struct{})
		wg   sync.WaitGroup
	)
	for range 20 {
		wg.Go(func() {
			<-gate
			expectWhoami(t, api, server)
		})
	}
	close(gate)
	wg.Wait()
	expectCount(t, server, "2")
	if second := v.inHand(t, source); second == first {
		t.Error("the token in hand is still the one that was revoked")
	}
	if err := source.Err(); err != nil {
		t.Error(err)
	}
	v.leaksNothing(t)
}

// application returns an API client with a token that may do what an application needs.
func (m *loginMount) application(t *testing.T) *vault.Client {
	t.Helper()
	if err := m.client.Sys().PutPolicy("application", applicationPolicy); err != nil {
		t.Fatal(err)
	}
	created, err := m.client.Auth().Token().Create(&vault.TokenCreateRequest{Policies: []string{"application"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.client.Clone()
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(created.Auth.ClientToken)
	return c
}

// inHand returns the token that the application has, and remembers it.
func (m *loginMount) inHand(t *testing.T, source *client.Source) string {
	t.Helper()
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	m.canary = append(m.canary, canary{name: "access token", value: token.AccessToken, shown: true})
	return token.AccessToken
}

// demoServer starts tools/demo.
func demoServer(t *testing.T, args ...string) *tokenServer {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "authserver")
	buildTool(t, binary, "tools/demo")
	var ready struct{ URL string }
	p, err := startServer(exec.Command(binary, args...), filepath.Join(t.TempDir(), "authserver.log"), &ready)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return &tokenServer{process: p, url: ready.URL, client: &http.Client{Timeout: patience}}
}

// revoke ends an access token as RFC 7009 has it, without Vault's knowing.
func (t *tokenServer) revoke(test *testing.T, id, secret, token string) {
	test.Helper()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(test.Context(), http.MethodPost, t.url+"/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		test.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) // RFC 6749 section 2.3.1
	res, err := t.client.Do(req)
	if err != nil {
		test.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		test.Fatalf("%s/revoke answered %s", t.url, res.Status)
	}
}

// expectWhoami may be called by many at once.
func expectWhoami(t *testing.T, api *http.Client, server *tokenServer) {
	t.Helper()
	res, err := api.Get(server.url + "/api/whoami")
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	var owner struct {
		ClientID string `json:"client_id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&owner); res.StatusCode != http.StatusOK || err != nil || owner.ClientID != "app" {
		t.Errorf("whoami answered %s for client %q (%v)", res.Status, owner.ClientID, err)
	}
}

func expectCount(t *testing.T, server *tokenServer, want string) {
	t.Helper()
	if err := server.expect([]string{want}); err != nil {
		t.Error(err)
	}
}
