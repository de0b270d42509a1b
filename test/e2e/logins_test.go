// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	vault "github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/logins"
)

// TestLogins takes each fixture of test/logins through one Vault: two writes and a read, compared byte by byte on the
// API's side and value by value on the reader's.
func TestLogins(t *testing.T) {
	requireE2E(t)
	fixtures, err := logins.Load()
	if err != nil {
		t.Fatal(err)
	}
	v := loginVault(t)
	for _, f := range fixtures {
		t.Run(f.Name, func(t *testing.T) {
			api := play(t, f)
			v.set(t, f.Name, api, map[string]any{"verify": "off"})
			expectExchanges(t, api, 0, 0)
			expectAnswer(t, api.Want(v.read(t, "oauth/creds/"+f.Name)))
			expectAnswer(t, api.Want(v.read(t, "oauth/token/"+f.Name)))
			expectExchanges(t, api, 1, 0)
			if f.Refreshes() {
				expectAnswer(t, api.WantRefreshed(v.write(t, "oauth/token/"+f.Name+"/renew", nil)))
				expectExchanges(t, api, 1, 1)
			}
			v.trace(t, f.Name, api)
		})
	}
	t.Run("verify", func(t *testing.T) { v.verifies(t) })
	t.Run("refusals", func(t *testing.T) { v.refuses(t) })
	v.leaksNothing(t)
}

// play starts a fixture's API, which takes no request but those that the fixture expects.
func play(t *testing.T, f logins.Fixture) *logins.Server {
	t.Helper()
	api := logins.NewServer(t, f)
	t.Cleanup(func() {
		for _, mismatch := range api.Mismatches() {
			t.Errorf("a request that was not expected:\n%s", mismatch)
		}
	})
	return api
}

// loginMount is a Vault with the engine at oauth/, and the secrets that went into it.
type loginMount struct {
	*vaultServer
	canary []canary
}

func loginVault(t *testing.T) *loginMount {
	t.Helper()
	v := &vaultServer{parts: buildVault(t), mode: "dev", dir: t.TempDir()}
	t.Cleanup(v.stop)
	if err := v.launch(); err != nil {
		t.Fatal(err)
	}
	if err := v.server.Audit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.server.Mount(t.Context(), "oauth", pluginName); err != nil {
		t.Fatal(err)
	}
	m := &loginMount{vaultServer: v}
	m.write(t, "oauth/settings", map[string]any{"allow_loopback": true})
	return m
}

// set writes config and role of a fixture under a name, and remembers their secrets.
func (m *loginMount) set(t *testing.T, name string, api *logins.Server, more map[string]any) (role map[string]any) {
	t.Helper()
	config, role := api.Config(), api.Role()
	maps.Copy(role, more)
	role["config"] = name
	for _, fields := range []map[string]any{config, role} {
		for _, field := range []string{"password", "client_secret"} {
			m.remember(name+" "+field, fields[field])
		}
		secrets, _ := fields["secrets"].(map[string]any)
		for key, value := range secrets {
			m.remember(name+" secrets."+key, value)
		}
	}
	m.write(t, "oauth/config/"+name, config)
	return m.write(t, "oauth/roles/"+name, role)
}

func (m *loginMount) remember(name string, value any) {
	if text, ok := value.(string); ok && text != "" {
		m.canary = append(m.canary, canary{name: name, value: text})
	}
}

// write returns the data of the answer.
func (m *loginMount) write(t *testing.T, path string, fields map[string]any) map[string]any {
	t.Helper()
	answer, err := m.client.Logical().Write(path, fields)
	if err != nil {
		t.Fatal(err)
	}
	if answer == nil {
		return nil
	}
	return answer.Data
}

func (m *loginMount) read(t *testing.T, path string) map[string]any {
	t.Helper()
	answer, err := m.client.Logical().Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if answer == nil {
		t.Fatalf("nothing is at %s", path)
	}
	m.canary = append(m.canary, canary{name: path, value: fmt.Sprint(answer.Data["access_token"]), shown: true})
	return answer.Data
}

// trace has the engine show the login. A person must be able to pass on what it shows.
func (m *loginMount) trace(t *testing.T, name string, api *logins.Server) {
	t.Helper()
	answer := m.write(t, "oauth/roles/"+name+"/test", nil)
	if answer["ok"] != true {
		t.Errorf("the test says: %v, %v", answer["failure"], answer["hint"])
	}
	shown := fmt.Sprint(answer)
	if !strings.Contains(shown, strings.TrimPrefix(api.URL, "http://")) {
		t.Errorf("the trace does not say where the login went: %s", shown)
	}
	for _, c := range m.canary {
		if err := c.look("the trace", shown); err != nil {
			t.Error(err)
		}
	}
}

// verifies: by default a role write logs in, and what it gets is the role's first token.
func (m *loginMount) verifies(t *testing.T) {
	f, err := logins.Named("json_login")
	if err != nil {
		t.Fatal(err)
	}
	api := play(t, f)
	m.set(t, "verified", api, nil)
	expectExchanges(t, api, 1, 0)
	expectAnswer(t, api.Want(m.read(t, "oauth/creds/verified")))
	expectExchanges(t, api, 1, 0)
}

// refuses: what a reader and a writer are told when the API answers otherwise than its document says.
func (m *loginMount) refuses(t *testing.T) {
	f, err := logins.Named("json_login")
	if err != nil {
		t.Fatal(err)
	}
	const header = "HTTP/1.1 200 OK\nContent-Type: application/json\n\n"
	for name, c := range map[string]struct {
		answer string
		wants  []string
	}{
		"refused":  {"HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n" + `{"message":"not with $PASSWORD"}`, []string{`401`}},
		"misnamed": {header + `{"expires":3600,"SecurityToken":"8SbFvsSXnLKLUPh1WWmMGx0QgxYj"}`, []string{`/securityToken`, `expires`, `SecurityToken`}},
		"null":     {header + `{"securityToken":null}`, []string{`/securityToken`, `null`}},
		"page":     {"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<html><title>Sign in</title></html>", []string{`HTML`}},
		"empty":    {"HTTP/1.1 204 No Content\n\n", []string{`(?i)empty`}},
		"broken":   {header + `{"securityToken":"8SbFvsSXnLKLUPh1WWmMGx0QgxYj`, []string{`JSON`}},
		"moved":    {"HTTP/1.1 307 Temporary Redirect\nLocation: http://127.0.0.1:1/token\n\n", []string{`(?i)redirect`}},
	} {
		t.Run(name, func(t *testing.T) {
			api := logins.NewServer(t, f)
			m.set(t, name, api, map[string]any{"verify": "off"})
			password := api.Role()["password"].(string)
			api.Instead(strings.ReplaceAll(c.answer, "$PASSWORD", strings.ReplaceAll(strings.ReplaceAll(password, `"`, `\"`), "\n", `\n`)))
			m.expectError(t, c.wants, func() (*vault.Secret, error) { return m.client.Logical().Read("oauth/creds/" + name) })

			role := api.Role()
			role["config"], role["verify"] = name, "require"
			m.expectError(t, c.wants, func() (*vault.Secret, error) { return m.client.Logical().Write("oauth/roles/"+name+"-2", role) })
			if stored, err := m.client.Logical().Read("oauth/roles/" + name + "-2"); err != nil || stored != nil {
				t.Errorf("the role that was to be verified is there: %v, %v", stored, err)
			}
			if got := api.Requests(); got != 1 {
				t.Errorf("%d requests for a read, and a write for the same account", got)
			}
		})
	}
}

// expectError wants an answer of 4xx or 5xx from Vault, with a text that matches and holds no secret.
func (m *loginMount) expectError(t *testing.T, wants []string, do func() (*vault.Secret, error)) {
	t.Helper()
	_, err := do()
	var response *vault.ResponseError
	if !errors.As(err, &response) {
		t.Errorf("want an error from Vault, not %v", err)
		return
	}
	text := strings.Join(response.Errors, "\n")
	for _, want := range wants {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("nothing matches %s in %s", want, text)
		}
	}
	secrets := append([]canary{{name: "token", value: "8SbFvsSXnLKLUPh1WWmMGx0QgxYj"}}, m.canary...)
	for _, c := range secrets {
		if err := c.look("the error", text); err != nil {
			t.Error(err)
		}
	}
}

// leaksNothing searches Vault's logs for everything that was written and read.
func (m *loginMount) leaksNothing(t *testing.T) {
	t.Helper()
	for _, file := range []string{m.serverLog(), m.auditLog()} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "oauth") {
			t.Errorf("%s does not mention the engine: this search would prove nothing", file)
		}
		for _, c := range m.canary {
			if err := c.look(file, string(text)); err != nil {
				t.Error(err)
			}
		}
	}
}

func expectExchanges(t *testing.T, api *logins.Server, wantLogins, wantRefreshes int) {
	t.Helper()
	gotLogins, gotRefreshes := api.Answered()
	if gotLogins != wantLogins || gotRefreshes != wantRefreshes || api.Requests() != wantLogins+wantRefreshes {
		t.Errorf("the API had %d logins and %d refreshes in %d requests, want %d and %d", gotLogins, gotRefreshes, api.Requests(), wantLogins, wantRefreshes)
	}
}

func expectAnswer(t *testing.T, differences []string) {
	t.Helper()
	for _, difference := range differences {
		t.Error(difference)
	}
}
