// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	vault "github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/logins"
)

var updateDocs = flag.Bool("update", false, "write what commands print into the documents anew")

// TestDocs runs the commands of the documents as a reader would: each ```sh block in its order, with the files that
// ```json blocks name by <!-- file: NAME -->. A ```text block is what the commands before it print.
func TestDocs(t *testing.T) {
	requireE2E(t)
	v := loginVault(t)
	for _, name := range []string{"README.md", "docs/login.md"} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, v, name)
			r.play("json_login") // README and login.md begin with it; <!-- api: NAME --> before a block plays another one
			r.readAll()
		})
	}
}

// documentHost is the host that documents write for any API.
const documentHost = "erp.example.com"

// reader is a person who does what a document says.
type reader struct {
	*testing.T
	vault    *loginMount
	document string
	dir      string            // where the person works
	env      []string          // of the commands
	servers  map[string]string // hosts in the document -> those that play them, host:port
	api      *logins.Server    // plays documentHost
	output   string            // of the last commands
}

// newReader gives a person an engine with nothing in it, and a vault command that allows http:// where documents have https://.
func newReader(t *testing.T, v *loginMount, document string) *reader {
	r := &reader{T: t, vault: v, document: filepath.Join(repository(t), document), dir: t.TempDir(), servers: map[string]string{}}
	if err := v.client.Sys().Unmount("oauth"); err != nil {
		t.Fatal(err)
	}
	if err := v.client.Sys().Mount("oauth", &vault.MountInput{Type: pluginName}); err != nil {
		t.Fatal(err)
	}
	v.write(t, "oauth/settings", map[string]any{"allow_loopback": true})
	bin := t.TempDir()
	wrapper := "#!/bin/sh\ncase \"$1 $2\" in 'write oauth/config/'*) set -- \"$@\" allow_http=true ;; esac\nexec '" + v.parts.vault + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "vault"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	path := bin + string(filepath.ListSeparator) + os.Getenv("PATH")
	r.env = []string{"PATH=" + path, "HOME=" + t.TempDir(), "VAULT_ADDR=http://" + v.addr, "VAULT_TOKEN=" + rootToken}
	return r
}

// play has a fixture's API answer at documentHost. Its secrets lie in password.txt and secrets.json.
func (r *reader) play(name string) {
	r.Helper()
	fixture, err := logins.Named(name)
	if err != nil {
		r.Fatal(err)
	}
	r.api = play(r.T, fixture)
	r.servers[documentHost] = strings.TrimPrefix(r.api.URL, "http://")
	for _, fields := range []map[string]any{r.api.Config(), r.api.Role()} {
		if password, ok := fields["password"].(string); ok {
			r.file("password.txt", password)
		}
		if secrets, ok := fields["secrets"]; ok {
			text, err := json.Marshal(secrets)
			if err != nil {
				r.Fatal(err)
			}
			r.file("secrets.json", string(text))
		}
	}
}

func (r *reader) file(name, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// block is a fenced block, with what a comment in the line before it says.
var (
	block = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*) -->\n)?```([a-z]+)\n(.*?)^```$")
	about = regexp.MustCompile(`(file|api): ([A-Za-z0-9_.-]+)`)
)

func (r *reader) readAll() {
	text, err := os.ReadFile(r.document)
	if err != nil {
		r.Fatal(err)
	}
	ran, last, renewed := 0, 0, ""
	for _, at := range block.FindAllStringSubmatchIndex(string(text), -1) {
		note, language, content := "", string(text[at[4]:at[5]]), string(text[at[6]:at[7]])
		if at[2] >= 0 {
			note = string(text[at[2]:at[3]])
		}
		if language == "sh" {
			ran++
		}
		renewed += string(text[last:at[6]]) + r.follow(note, language, content)
		last = at[7]
	}
	renewed += string(text[last:])
	if ran == 0 {
		r.Errorf("%s has no commands", r.document)
	}
	if *updateDocs && renewed != string(text) {
		if err := os.WriteFile(r.document, []byte(renewed), 0o644); err != nil {
			r.Fatal(err)
		}
	}
}

// follow does what one block says, and returns the block as it ought to be.
func (r *reader) follow(note, language, content string) string {
	said := map[string]string{}
	for _, pair := range about.FindAllStringSubmatch(note, -1) {
		said[pair[1]] = pair[2]
	}
	switch {
	case said["file"] != "":
		r.file(said["file"], content)
	case language == "sh":
		if said["api"] != "" {
			r.play(said["api"])
		}
		r.run(content)
	case language == "text" && steady(content) != steady(r.output):
		if !*updateDocs {
			r.Errorf("%s says\n%s\nand the commands before print\n%s\nTo renew: E2E=1 go test ./test/e2e -run Docs -update", r.document, content, r.output)
		}
		return r.output
	}
	return content
}

var credsRead = regexp.MustCompile(`vault read [^\n]*oauth/creds/([a-z0-9_-]+)`)

// run runs commands, all of which must succeed. Where they read a token it must be the one that the API gave out.
func (r *reader) run(commands string) {
	r.Helper()
	script := commands
	for host, server := range r.servers {
		script = strings.ReplaceAll(script, "https://"+host, "http://"+server)
	}
	cmd := exec.CommandContext(r.Context(), "sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("%s: %v\n%s\n%s", r.document, err, script, out)
	}
	r.output = strings.TrimSpace(string(out)) + "\n"
	for host, server := range r.servers {
		r.output = strings.NewReplacer("http://"+server, "https://"+host, server, host).Replace(r.output)
	}
	for _, read := range credsRead.FindAllStringSubmatch(commands, -1) {
		want := r.api.Want
		if _, refreshed := r.api.Answered(); refreshed > 0 {
			want = r.api.WantRefreshed
		}
		expectAnswer(r.T, want(r.vault.read(r.T, "oauth/token/"+read[1])))
	}
}

// steady is an output without what is another in each run: times, durations, counts of seconds, lease ids.
func steady(output string) string {
	for _, varies := range []string{
		`oauth/creds/\S+/\w{24}`, `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, `[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`,
		`\b(\d+(\.\d+)?(h|m|s|ms|µs))+\b`, `(?m)^(expires_in|ttl|rotation_period) +\d+$`, `\s+`, // Vault wraps its warnings, by the length of the server's name among others
	} {
		output = regexp.MustCompile(varies).ReplaceAllString(output, " ")
	}
	return strings.TrimSpace(output)
}
