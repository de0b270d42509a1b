// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update", false, "write what commands print into the documents anew")

// accountLogin is the login of the demo's API.
const accountLogin = `{"request": {"url": "/token", "json": {"Username": "{{username}}", "Password": "{{password}}"}}, "token": {"json": "/securityToken"}}`

// documents are those whose commands are run, with what their reader has before reading.
var documents = map[string]func(*reader){
	"README.md": func(r *reader) {
		r.checkout()
		r.startVault(emptyPlugins)
		r.says("https://127.0.0.1:8200", "http://"+r.vault.addr)
		r.authorizationServer()
		r.says("the-secret-of-your-client", clientSecret)
		r.play("json_login")
		r.says("'the-password-of-alice'", "'"+strings.ReplaceAll(r.api.Role()["password"].(string), "'", `'\''`)+"'")
	},
	"docs/quickstart.md": func(r *reader) {
		r.checkout()
		r.port("127.0.0.1:8200")
		r.port("127.0.0.1:9000")
		r.port("127.0.0.1:9001")
	},
	installDocument: func(r *reader) {
		r.checkout()
		r.startVault(emptyPlugins)
		r.releases("v1.0.0", "v1.1.0")
	},
	"docs/login.md": func(r *reader) {
		r.startVault(mounted)
		r.play("json_login") // it begins with it; <!-- api: NAME --> before a block plays another one
	},
	"docs/concepts.md": func(r *reader) {
		r.startVault(mounted)
		r.authorizationServer()
		r.file("login.json", accountLogin)
	},
	"docs/operations.md": func(r *reader) {
		r.startVault(mounted)
		r.authorizationServer()
		r.host("down.example.com", "http://127.0.0.1:1")
		r.file("login.json", accountLogin)
	},
	"docs/policies.md": func(r *reader) {
		r.startVault(mounted)
		r.port("127.0.0.1:9000")
		r.standsIn() // the document starts the authorization server itself
	},
	consumersDocument: func(r *reader) {
		r.startVault(mounted)
		r.authorizationServer()
	},
	"docs/security.md": func(r *reader) {
		r.startVault(mounted)
		r.authorizationServer()
		r.says("/var/log/vault", r.dir)
	},
}

// TestDocs runs the commands of the documents as a reader would: the blocks of a document in their order, in one shell,
// with the files that <!-- file: NAME --> names. A ```text block is what the commands before it print.
func TestDocs(t *testing.T) {
	requireE2E(t)
	p := buildVault(t)
	buildTool(t, p.authserver, "tools/demo")
	for name, settle := range documents {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, p, name)
			settle(r)
			r.readAll()
		})
	}
}

func (r *reader) readAll() {
	text, err := os.ReadFile(r.document)
	if err != nil {
		r.Fatal(err)
	}
	ran, last, renewed := 0, 0, ""
	for _, b := range r.blocks(string(text)) {
		if b.language == "sh" && b.notes["not run"] == "" {
			ran++
		}
		renewed += string(text[last:b.start]) + r.follow(b)
		last = b.end
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
func (r *reader) follow(b docBlock) string {
	r.Helper()
	if b.before != "" {
		r.run(b.before, "")
	}
	switch {
	case b.notes["not run"] != "":
	case b.notes["file"] != "":
		r.file(b.notes["file"], b.content)
	case b.notes["terminal"] != "":
		r.terminal(b.content, b.notes["terminal"])
	case b.language == "go":
		r.compiles(b.content)
	case b.language == "sh":
		if b.has["end of terminals"] {
			r.endTerminals()
		}
		if b.notes["api"] != "" {
			r.play(b.notes["api"])
		}
		r.run(b.content, b.notes["refused"])
	case b.language == "text":
		return r.compare(b)
	}
	return b.content
}

// compare holds what the document shows against what the commands before it printed.
func (r *reader) compare(b docBlock) string {
	r.Helper()
	have, want := steady(r.output), steady(b.content)
	same, output := have == want, r.output
	if b.has["in the output"] {
		same = want != "" && strings.Contains(have, want)
		output = strings.Join(strings.Fields(anError.FindString(r.output)), " ") + "\n"
	}
	if same {
		return b.content
	}
	if !*updateDocs {
		r.Errorf("%s says\n%s\nand the commands before print\n%s\nTo renew: E2E=1 go test ./test/e2e -run Docs -update", r.document, b.content, r.output)
	}
	return output
}

// anError is an error or a warning as the vault command prints it.
var anError = regexp.MustCompile(`(?s)\* .*?(\n\n|$)`)

var credsRead = regexp.MustCompile(`vault read [^\n]*oauth/creds/([a-z0-9_.-]*[a-z0-9])`)

// run runs commands. All must succeed, and where they read a token it must be one that its API takes. With a code of Vault's
// each command must be refused with this code.
func (r *reader) run(commands, code string) {
	r.Helper()
	script := r.here(commands)
	if code != "" {
		r.output = ""
		for command := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
			if strings.TrimSpace(command) == "" {
				continue
			}
			out, status := r.shell.try(command)
			if r.output += out; status == "0" || !strings.Contains(out, "Code: "+code) {
				r.Errorf("%s: want %s refused with %s, got status %s\n%s", r.document, command, code, status, out)
			}
		}
		r.output = r.there(r.output)
		return
	}
	out, err := r.shell.run(script)
	if err != nil {
		r.Fatalf("%s: %v\n%s\n%s", r.document, err, script, out)
	}
	r.output = r.there(strings.TrimSpace(out) + "\n")
	if r.vault == nil {
		return
	}
	for _, read := range credsRead.FindAllStringSubmatch(commands, -1) {
		r.expectToken(read[1])
	}
}

// steady is an output without what is another in each run: times, durations, counts of seconds, lease ids, tokens.
func steady(output string) string {
	for _, varies := range []string{
		`oauth/creds/\S+/\w{24}`, `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, `[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`,
		`\b(\d+(\.\d+)?(h|m|s|ms|µs))+\b`, `(?m)^(expires_in|ttl|rotation_period) +\d+$`, `ory_at_[\w.-]+`,
		`\s+`, // Vault wraps its warnings, by the length of the server's name among others
	} {
		output = regexp.MustCompile(varies).ReplaceAllString(output, " ")
	}
	return strings.TrimSpace(output)
}
