// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	vault "github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// baseCommit is what one can go back to: its plugin must read all that this one stores, and this one all that it stored.
const baseCommit = "1162036484602c3ff8ea40003e0414e1276f08bb"

// The plugins' versions in Vault's catalog.
const baseVersion, presentVersion = "v1.0.0", "v1.1.0"

// TestUpgrade takes one mount to this plugin and back, as docs/install.md says: configs, roles and tokens stay, and nothing is
// obtained anew because of it.
func TestUpgrade(t *testing.T) {
	requireE2E(t)
	base, present := filepath.Join(t.TempDir(), "base"), filepath.Join(t.TempDir(), "present")
	buildPluginOf(t, checkoutOf(t, baseCommit), baseVersion, base)
	buildPlugin(t, present, presentVersion)
	m := newUpgradeMount(t)

	m.runs(t, base, baseVersion)
	m.define(t, "")

	before := m.readAll(t)
	m.runs(t, present, presentVersion)
	m.keeps(t, before)
	m.renewAll(t)
	m.define(t, "-new") // what only this one has written

	before = m.readAll(t)
	m.runs(t, base, baseVersion)
	m.keeps(t, before)
	m.renewAll(t)
	m.leaksNothing(t)
}

// checkoutOf returns a directory with the files of a commit.
func checkoutOf(t *testing.T, commit string) string {
	t.Helper()
	root, dir := repository(t), t.TempDir()
	if err := exec.CommandContext(t.Context(), "git", "-C", root, "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		t.Fatalf("this clone does not have commit %s, whose plugin is upgraded here: fetch the whole history (git fetch --unshallow)", commit)
	}
	archive := filepath.Join(t.TempDir(), "base.tar")
	run(t, root, "git", "archive", "--output="+archive, commit)
	run(t, dir, "tar", "-xf", archive)
	return dir
}

// buildPluginOf builds the plugin of the source in dir.
func buildPluginOf(t *testing.T, dir, version, file string) {
	t.Helper()
	run(t, dir, "go", "build", "-trimpath", "-ldflags", "-X main.version="+version, "-o", file, "./cmd/"+pluginName)
}

// upgradeMount is a Vault on disk whose engine has roles at a server of this process. Its plugin is exchanged.
type upgradeMount struct {
	*loginMount
	server *oauthtest.Server
	roles  map[string]string // how each is renewed: a grant, or the path of the login
}

func newUpgradeMount(t *testing.T) *upgradeMount {
	t.Helper()
	v := &vaultServer{parts: buildVault(t), mode: "raft", dir: t.TempDir()}
	t.Cleanup(v.stop)
	if err := v.launch(); err != nil {
		t.Fatal(err)
	}
	if err := v.initialize(); err != nil {
		t.Fatal(err)
	}
	audit := &vault.EnableAuditOptions{Type: "file", Options: map[string]string{"file_path": v.auditLog(), "log_raw": "false"}}
	if err := v.client.Sys().EnableAuditWithOptions("file", audit); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VAULT_ADDR", "http://"+v.addr) // for scripts/register.sh
	t.Setenv("VAULT_TOKEN", rootToken)
	t.Setenv("PATH", v.bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("PLUGIN_DIR", v.pluginDir)
	return &upgradeMount{&loginMount{vaultServer: v}, oauthtest.New(t), map[string]string{}}
}

// read is loginMount's for paths without a token, too.
func (m *upgradeMount) read(t *testing.T, path string) map[string]any {
	t.Helper()
	if strings.HasPrefix(path, "oauth/token/") {
		return m.loginMount.read(t, path)
	}
	answer, err := m.client.Logical().Read(path)
	if err != nil || answer == nil {
		t.Fatalf("%s: %v, %v", path, answer, err)
	}
	return answer.Data
}

// runs mounts the plugin, or exchanges it.
func (m *upgradeMount) runs(t *testing.T, file, version string) {
	t.Helper()
	run(t, repository(t), filepath.Join("scripts", "register.sh"), file)
	if running := m.read(t, "sys/mounts/oauth")["running_plugin_version"]; running != version {
		t.Fatalf("the mount runs %v, not %s", running, version)
	}
}

// upgradeLogin has a value of each kind in its requests.
const upgradeLogin = `{"request": {"url": "/login?tenant={{variables.tenant}}", "headers": {"X-Key": "{{secrets.key}}"},
  "json": {"username": "{{username}}", "password": "{{password}}", "site": "{{variables.site}}", "own": "{{secrets.own}}"}},
  "token": {"json": "/token"}, "expires": {"json": "/expires_in"}, "session_ttl": "12h"}`

// define writes configs, and roles of each flow, and has each get its first token.
func (m *upgradeMount) define(t *testing.T, suffix string) {
	t.Helper()
	secret := func(name string) string {
		value := "canary-" + name + suffix + " +%&"
		m.remember(name+suffix, value)
		return value
	}
	client, user := "app"+suffix, "alice"+suffix
	clientSecret, password := secret("client"), secret("password")
	m.server.Client(client, clientSecret)
	m.server.User(user, password)
	m.write(t, "oauth/settings", map[string]any{"allow_loopback": true, "allowed_hosts": "127.0.0.1"})
	m.write(t, "oauth/config/oauth"+suffix, map[string]any{
		"token_url": m.server.TokenURL(), "client_id": client, "client_secret": clientSecret, "allow_http": true,
		"headers": "X-Tenant=<7>", "params": "realm=a&b", "allowed_roles": "*" + suffix,
	})
	m.write(t, "oauth/config/api"+suffix, map[string]any{
		"base_url": m.server.URL, "login": upgradeLogin, "allow_http": true,
		"secrets": map[string]any{"key": secret("key")}, "variables": `{"site": {"b": 1.5, "a": [1, null, "<x>"]}}`,
	})
	add := func(name, way string, fields map[string]any) {
		m.roles[name+suffix] = way
		m.write(t, "oauth/roles/"+name+suffix, fields)
	}
	add("app", "client_credentials", map[string]any{"config": "oauth" + suffix, "scopes": "b a", "audience": "x", "resource": "urn:x", "params": "own=1"})
	add("bare", "client_credentials", map[string]any{"config": "oauth" + suffix})
	add("user", "refresh_token", map[string]any{"config": "oauth" + suffix, "flow": "password", "username": user, "password": password})
	add("imported", "refresh_token", map[string]any{"config": "oauth" + suffix, "flow": "refresh_token", "scopes": "a", "max_ttl": "50m"})
	add("login", "/login", map[string]any{
		"config": "api" + suffix, "username": user, "password": password,
		"secrets": map[string]any{"own": secret("own")}, "variables": map[string]any{"tenant": "seven"},
	})
	m.write(t, "oauth/token/imported"+suffix+"/import", map[string]any{"refresh_token": m.server.Consent(client, "a"), "refresh_token_expires_in": "30d"})
	m.readAll(t)
}

// readAll reads configs, roles and tokens, by path.
func (m *upgradeMount) readAll(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, kind := range []string{"config", "roles"} {
		list, err := m.client.Logical().List("oauth/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range list.Data["keys"].([]any) {
			path := fmt.Sprintf("oauth/%s/%v", kind, name)
			all[path] = m.read(t, path)
		}
	}
	for role := range m.roles {
		all["oauth/token/"+role] = m.read(t, "oauth/token/"+role)
	}
	all["oauth/settings"] = m.read(t, "oauth/settings")
	return all
}

// ages are the members of a token that are others at each read.
var ages = map[string]bool{"expires_in": true, "ttl": true, "rotation_period": true}

// keeps wants all to read as before, and the server not to be asked.
func (m *upgradeMount) keeps(t *testing.T, before map[string]map[string]any) {
	t.Helper()
	requests := m.server.Requests()
	now := m.readAll(t)
	for path, want := range before {
		if now[path] == nil {
			t.Errorf("%s is gone", path)
		}
		for name, value := range want { // a version may show more than another
			if got, shown := now[path][name]; shown && !ages[name] && fmt.Sprint(got) != fmt.Sprint(value) {
				t.Errorf("%s: %s was %v and is %v", path, name, value, got)
			}
		}
	}
	if extra := m.server.Requests() - requests; extra != 0 {
		t.Errorf("%d exchanges for what is stored", extra)
	}
}

// renewAll wants each role to be renewed in its own way, by one request.
func (m *upgradeMount) renewAll(t *testing.T) {
	t.Helper()
	for role, way := range m.roles {
		requests := m.server.Requests()
		old := m.read(t, "oauth/token/"+role)["access_token"]
		answer := m.write(t, "oauth/token/"+role+"/renew", nil)
		fresh := fmt.Sprint(answer["access_token"])
		m.canary = append(m.canary, canary{name: role, value: fresh, shown: true})
		if fresh == old || !m.server.Issued(fresh) {
			t.Errorf("%s was not renewed", role)
		}
		last := m.server.Last()
		if got := last.Form.Get("grant_type"); got != way && last.Path != way || m.server.Requests() != requests+1 {
			t.Errorf("%s was renewed by %d requests, the last of %s %s, not by one of %s", role, m.server.Requests()-requests, last.Path, got, way)
		}
	}
}
