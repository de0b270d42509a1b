// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const clientSecret = "a-client-secret:/+"

// authorizationServer has tools/demo answer where documents write login.example.com, and by another name new.example.com; and its API
// with a login of its own at documentHost. Secrets lie in files.
func (r *reader) authorizationServer() {
	r.Helper()
	const secret, password = clientSecret, "a-password"
	r.file("secret.txt", secret)
	r.file("password.txt", password)
	r.file("wrong.txt", "a-slip")
	r.file("refresh-token.txt", "a-refresh-token")
	cmd := exec.Command(r.parts.authserver, "-client", "app:"+secret, "-user", "alice:"+password, "-account", "alice:"+password,
		"-scopes", "orders.read invoices.read mail.read")
	var ready struct {
		URL      string
		LoginURL string `json:"login_url"`
	}
	p, err := startServer(cmd, filepath.Join(r.TempDir(), "authserver.log"), &ready)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(p.stop)
	_, port, _ := strings.Cut(strings.TrimPrefix(ready.URL, "http://"), ":")
	r.host("login.example.com", ready.URL)
	r.says("https://login.example.com/oauth2/token", ready.URL+"/token")
	r.says("https://new.example.com/oauth2/token", "http://localhost:"+port+"/token")
	r.host(documentHost, ready.LoginURL)
}

// standsIn has the person write what the document's table says, "| `in place of` | `this` |".
func (r *reader) standsIn() {
	r.Helper()
	text, err := os.ReadFile(r.document)
	if err != nil {
		r.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| in place of | this |\n|---|---|\n")
	if !found {
		r.Fatalf("%s has no table of what stands in for its servers", r.document)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table + "\n") {
		words := regexp.MustCompile("^\\| `(.+)` \\| `(.+)` \\|\n$").FindStringSubmatch(row)
		if words == nil {
			r.Fatalf("%s: two words are wanted in the row %s", r.document, row)
		}
		r.says(words[1], r.here(words[2]))
	}
}

// expectToken asks the API of a role's config whether the role's token is good.
func (r *reader) expectToken(role string) {
	r.Helper()
	token := r.vault.read(r.T, "oauth/token/"+role)
	config := r.vault.read(r.T, "oauth/config/"+r.vault.read(r.T, "oauth/roles/"+role)["config"].(string))
	url, _ := config["base_url"].(string)
	if r.api != nil && strings.Contains(url+config["login"].(string), r.api.URL) {
		want := r.api.Want
		if _, refreshed := r.api.Answered(); refreshed > 0 {
			want = r.api.WantRefreshed
		}
		expectAnswer(r.T, want(token))
		return
	}
	if url == "" {
		url = strings.TrimSuffix(config["token_url"].(string), "/token")
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url+"/api/whoami", nil)
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set(token["header_name"].(string), token["header_value"].(string))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		r.Errorf("%s: the API answers %s to the token of %s", r.document, res.Status, role)
	}
}

// How a Vault for a document begins.
const (
	mounted      = true  // with the engine at oauth/
	emptyPlugins = false // with nothing in its plugin_directory
)

// startVault gives the person a Vault, and a vault command that allows http:// where documents have https://, and loopback addresses
// wherever the engine is mounted.
func (r *reader) startVault(engine bool) {
	r.Helper()
	p := *r.parts
	if !engine {
		p.pluginDir = filepath.Join(r.dir, "plugin_directory")
		if err := os.MkdirAll(p.pluginDir, 0o700); err != nil {
			r.Fatal(err)
		}
		r.says("/etc/vault.d/plugins", p.pluginDir)
	}
	v := &vaultServer{parts: &p, mode: "dev", dir: r.TempDir()}
	r.Cleanup(v.stop)
	if err := v.launch(); err != nil {
		r.Fatal(err)
	}
	r.vault = &loginMount{vaultServer: v}
	if engine {
		if err := v.server.Mount(r.Context(), "oauth", pluginName); err != nil {
			r.Fatal(err)
		}
		r.vault.write(r.T, "oauth/settings", map[string]any{"allow_loopback": true})
	}
	const wrapper = `#!/bin/sh
case "$1 $2 $*" in
*allow_http=*) ;;
'write oauth/config/'*http://*) set -- "$@" allow_http=true ;;
'secrets enable '*)
	"$VAULT_BIN" "$@" && exec "$VAULT_BIN" write oauth/settings allow_loopback=true >/dev/null
	exit 1 ;;
esac
exec "$VAULT_BIN" "$@"
`
	bin := r.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "vault"), []byte(wrapper), 0o700); err != nil {
		r.Fatal(err)
	}
	path := strings.Join([]string{bin, filepath.Dir(p.authserver), os.Getenv("PATH")}, string(filepath.ListSeparator))
	r.env = append(r.env, "PATH="+path, "VAULT_ADDR=http://"+v.addr, "VAULT_TOKEN="+rootToken)
	r.shell = startShell(r.T, r.dir, r.env)
}
