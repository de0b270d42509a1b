// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const consumersDocument = "docs/consumers.md"

// TestConsumers runs what TestDocs leaves out of the document, after the commands that it runs: those that need a program which may not
// be here, and Vault Agent, which stays in the foreground, and whose files follow tokens of 20 seconds.
func TestConsumers(t *testing.T) {
	requireE2E(t)
	p := buildVault(t)
	buildTool(t, p.authserver, "tools/demo")
	r := newReader(t, p, consumersDocument)
	r.startVault(mounted)
	r.authorizationServer()
	r.readAll()
	text, err := os.ReadFile(r.document)
	if err != nil {
		t.Fatal(err)
	}
	blocks := r.blocks(string(text))
	needing := regexp.MustCompile(`^TestConsumers runs it where there is (\S+)$`)
	for _, b := range blocks {
		found := needing.FindStringSubmatch(b.notes["not run"])
		if found == nil {
			continue
		}
		if _, err := exec.LookPath(found[1]); err != nil {
			t.Logf("not run, since there is no %s:\n%s", found[1], b.content)
			continue
		}
		r.run(b.content, "")
		if !regexp.MustCompile(`"client_id":"app"|"access_token":"ory_at_`).MatchString(r.output) {
			t.Errorf("there is no token in what this prints:\n%s\n%s", b.content, r.output)
		}
	}
	t.Run("Terraform", func(t *testing.T) { readsBack(t, r.vault) })

	r.vault.write(t, "oauth/roles/orders", map[string]any{"max_ttl": "20s", "min_ttl": "5s"})
	if _, err := r.vault.client.Logical().Delete("oauth/token/orders"); err != nil {
		t.Fatal(err)
	}
	commands := map[string]string{"pitfalls": "vault agent -config=pitfalls.hcl"}
	for _, b := range blocks {
		if found := regexp.MustCompile(`^vault agent -config=(\w+)\.hcl\n$`).FindStringSubmatch(b.content); found != nil {
			commands[found[1]] = b.content
		}
	}
	agents := map[string]func(*agent){"agent": (*agent).unleased, "leased": (*agent).leased, "exec": (*agent).executes, "pitfalls": (*agent).pitfalls}
	for name, check := range agents {
		t.Run("Agent/"+name, func(t *testing.T) { check(r.agent(t, name, commands[name])) })
	}
}

// agent is a Vault Agent that runs in the reader's directory.
type agent struct {
	*testing.T
	reader  *reader
	process *process
	log     string
}

func (r *reader) agent(t *testing.T, name, command string) *agent {
	t.Helper()
	if command == "" {
		t.Fatalf("%s runs no agent with %s.hcl", r.document, name)
	}
	if name == "pitfalls" {
		r.file("pitfalls.hcl", pitfalls)
	}
	a := &agent{T: t, reader: r, log: filepath.Join(t.TempDir(), "agent.log")}
	cmd := exec.Command("sh", "-c", "exec "+strings.TrimSpace(command)+" -log-level=trace")
	cmd.Dir, cmd.Env = r.dir, append(r.env, "VAULT_TOKEN=") // it logs in by itself
	var err error
	if a.process, err = start(cmd, a.log, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.process.stop)
	return a
}

// unleased follows the token without a lease, in three forms.
func (a *agent) unleased() {
	first := a.token("header.txt", "")
	if second := a.token("headers.txt", ""); second != first {
		a.Error("the two files have not the same token")
	}
	environment := func() bool { return strings.Contains(a.content("orders.env"), "\nORDERS_TOKEN_END=20") }
	a.until("orders.env", environment)
	a.token("header.txt", first)
	a.token("headers.txt", first)
	a.until("changes.txt", func() bool { return strings.Count(a.content("changes.txt"), "changed") > 1 })
	// Exactly ttl + 1 s, by Agent's own words.
	slept := regexp.MustCompile(`set lease duration to (\d+) seconds\n[^\n]*oauth/token/orders[^\n]*set sleep for (\S+)\n`).FindAllStringSubmatch(a.logged(), -1)
	if len(slept) < 2 {
		a.Errorf("Agent slept %d times", len(slept))
	}
	for _, found := range slept {
		if ttl, _ := strconv.Atoi(found[1]); found[2] != strconv.Itoa(ttl+1)+"s" {
			a.Errorf("with a ttl of %s Agent sleeps %s", found[1], found[2])
		}
	}
}

// leased follows the token with a lease.
func (a *agent) leased() {
	first := a.token("leased.txt", "")
	a.token("leased.txt", first)
	if log := a.logged(); strings.Contains(log, "Found rotation_period") || !strings.Contains(log, "vault.read(oauth/creds/orders): non-renewable secret, set sleep for ") {
		a.Errorf("Agent goes by something else than the lease:\n%s", log)
	}
}

// executes sees a program start anew with another token.
func (a *agent) executes() {
	a.token("exec.txt", a.token("exec.txt", ""))
}

// pitfalls are two templates that differ only behind the question mark, and one that is an update.
const pitfalls = `
auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "role-id"
      secret_id_file_path                 = "secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}
template {
  contents    = "{{ with secret \"oauth/token/orders?min_ttl=6s\" }}6s: {{ .Data.header_value }}{{ end }}"
  destination = "six.txt"
}
template {
  contents    = "{{ with secret \"oauth/token/orders?min_ttl=7s\" }}7s: {{ .Data.header_value }}{{ end }}"
  destination = "seven.txt"
}
template {
  contents    = "{{ with secret \"oauth/token/orders\" \"min_ttl=8s\" }}8s: {{ .Data.header_value }}{{ end }}"
  destination = "eight.txt"
}
`

func (a *agent) pitfalls() {
	for _, file := range []string{"six.txt", "seven.txt", "eight.txt"} {
		a.token(file, "")
	}
	reads := regexp.MustCompile(`: GET /v1/oauth/token/orders\?min_ttl=\ds`).FindAllString(a.logged(), -1)
	for _, read := range reads {
		if read != reads[0] {
			a.Errorf("both templates are read: %q", reads)
		}
	}
	if len(reads) == 0 || !strings.Contains(a.logged(), ": PUT /v1/oauth/token/orders") {
		a.Errorf("there is no GET with a parameter, or no PUT:\n%s", a.logged())
	}
}

// token waits until a file has another token than old, of which the API must say whose it is.
func (a *agent) token(file, old string) string {
	a.Helper()
	var token string
	a.until(file, func() bool {
		_, after, _ := strings.Cut(a.content(file), "Bearer ")
		token = strings.TrimSpace(after)
		return token != "" && token != old
	})
	api := a.reader.here("https://login.example.com") + "/api/whoami"
	owner := run(a.T, a.reader.dir, a.reader.parts.authserver, "get", api, "Authorization: Bearer "+token)
	if !strings.Contains(owner, `"client_id":"app"`) {
		a.Errorf("the token in %s is %s", file, owner)
	}
	return token
}

func (a *agent) until(file string, done func() bool) {
	a.Helper()
	if err := poll(a.process.ended, done); err != nil {
		a.Fatalf("%s: %v\n%s", file, err, a.logged())
	}
}

// content is "" before the file is there.
func (a *agent) content(file string) string {
	text, err := os.ReadFile(filepath.Join(a.reader.dir, file))
	if err != nil && !os.IsNotExist(err) {
		a.Error(err)
	}
	return string(text)
}

func (a *agent) logged() string {
	text, err := os.ReadFile(a.log)
	if err != nil {
		a.Error(err)
	}
	return string(text)
}

// readsBack does what Terraform's provider does with the resources of the document, and with those that it warns of: it writes, reads,
// and compares the fields that it has written.
func readsBack(t *testing.T, v *loginMount) {
	for path, c := range map[string]struct{ written, drifts string }{
		"oauth/config/tf": {`{"token_url": "https://login.example.com/oauth2/token", "client_id": "app", "client_secret": "s3cret-of-terraform",
			"allowed_roles": ["tf", "tf2"], "request_timeout": 20, "headers": {"X-A": "b"}, "description": ""}`, ""},
		"oauth/roles/tf":  {`{"config": "tf", "scopes": ["orders.read"], "min_ttl": 60, "params": {"a": "b"}, "verify": "off"}`, ""},
		"oauth/roles/tf2": {`{"config": "tf", "scopes": "orders.write orders.read", "min_ttl": "1m", "verify": "off"}`, "min_ttl scopes"},
		"oauth/settings":  {`{"allowed_hosts": ["127.0.0.1", "localhost", "*.example.com"]}`, ""},
	} {
		t.Run(path, func(t *testing.T) {
			if strings.HasPrefix(path, "oauth/roles/") {
				v.write(t, "oauth/config/tf", map[string]any{"token_url": "https://login.example.com/oauth2/token", "client_id": "app",
					"client_secret": "s3cret-of-terraform"})
			}
			var written map[string]any
			if err := json.Unmarshal([]byte(c.written), &written); err != nil {
				t.Fatal(err)
			}
			v.write(t, path, written)
			have, err := json.Marshal(v.read(t, path))
			if err != nil {
				t.Fatal(err)
			}
			var read map[string]any
			if err := json.Unmarshal(have, &read); err != nil {
				t.Fatal(err)
			}
			var drifts []string
			for _, field := range []string{"allowed_hosts", "allowed_roles", "client_id", "config", "description", "headers", "min_ttl", "params", "request_timeout", "scopes", "token_url"} {
				if want, ok := written[field]; ok && !reflect.DeepEqual(read[field], want) {
					drifts = append(drifts, field)
				}
			}
			if got := strings.Join(drifts, " "); got != c.drifts {
				t.Errorf("these drift: %q, want %q\nwritten %v\nread    %v", got, c.drifts, written, read)
			}
			for _, absent := range []string{"client_secret", "verify"} {
				if _, ok := read[absent]; ok {
					t.Errorf("%s reads back", absent)
				}
			}
		})
	}
	if _, err := v.client.Logical().Delete("oauth/settings"); err == nil || !strings.Contains(err.Error(), "Code: 405") {
		t.Errorf("deleting the settings: %v", err)
	}
	v.write(t, "oauth/settings", map[string]any{"allowed_hosts": []string{}})
}
