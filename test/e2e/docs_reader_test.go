// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/logins"
)

// reader is a person who does what a document says.
type reader struct {
	*testing.T
	parts     *parts
	document  string
	dir       string            // where the person works
	env       []string          // of the commands
	words     map[string]string // in the document -> here: hosts, addresses, directories
	vault     *loginMount       // nil where the document starts one
	shell     *shell
	terminals []*process
	api       *logins.Server // plays documentHost, where a fixture does
	output    string         // of the last commands
}

func newReader(t *testing.T, p *parts, document string) *reader {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // Vault refuses a plugin directory reached by a symbolic link
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{T: t, parts: p, document: filepath.Join(repository(t), document), dir: dir, words: map[string]string{}}
	r.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "VAULT_BIN=" + p.vault, "GOPROXY=off"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN"} {
		r.env = append(r.env, name+"="+strings.TrimSpace(run(t, repository(t), "go", "env", name)))
	}
	r.shell = startShell(t, dir, r.env)
	t.Cleanup(r.endTerminals)
	return r
}

// says has the person read another word than the document writes.
func (r *reader) says(word, here string) { r.words[word] = here }

func (r *reader) here(text string) string {
	words := slices.SortedFunc(maps.Keys(r.words), longestFirst)
	for _, word := range words {
		text = strings.ReplaceAll(text, word, r.words[word])
	}
	return text
}

func (r *reader) there(output string) string {
	back := map[string]string{}
	for word, here := range r.words {
		back[here] = word
	}
	for _, here := range slices.SortedFunc(maps.Keys(back), longestFirst) {
		output = strings.ReplaceAll(output, here, back[here])
	}
	return output
}

func longestFirst(a, b string) int {
	return cmp.Or(len(b)-len(a), strings.Compare(a, b))
}

// host has a server here play a host of the document's.
func (r *reader) host(name, url string) {
	r.says("https://"+name, url)
	r.says(name, strings.TrimPrefix(url, "http://"))
}

// port has a free port play an address of the document's.
func (r *reader) port(address string) {
	r.Helper()
	free, err := freePort()
	if err != nil {
		r.Fatal(err)
	}
	r.says(address, fmt.Sprintf("127.0.0.1:%d", free))
	_, port, _ := strings.Cut(address, ":")
	r.says("localhost:"+port, fmt.Sprintf("localhost:%d", free))
}

func (r *reader) file(name, text string) {
	r.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// checkout gives the person a clone, without what was built in it.
func (r *reader) checkout() {
	r.Helper()
	root := repository(r.T)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case name == ".git" && !entry.IsDir(): // of a worktree; SkipDir would leave out all that comes after it
			return nil
		case slices.Contains([]string{".git", "bin", "dist", filepath.Join("test", "e2e", "oidc", "node_modules")}, name):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(r.dir, name), 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(r.dir, name), text, info.Mode())
	})
	if err != nil {
		r.Fatal(err)
	}
}

// compiles holds lines of Go against the packages of the checkout.
func (r *reader) compiles(lines string) {
	r.Helper()
	const around = `package snippet

import (
	"github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/client"
)

func Snippet(vault *api.Client) error {
LINES
	return errors(resp, err)
}

func errors(_ any, err error) error { return err }
`
	if err := os.MkdirAll(filepath.Join(r.dir, "snippet"), 0o700); err != nil {
		r.Fatal(err)
	}
	r.file(filepath.Join("snippet", "snippet.go"), strings.Replace(around, "LINES", lines, 1))
	run(r.T, r.dir, "go", "build", "./snippet")
}

// play has a fixture's API answer at documentHost. Its secrets lie in password.txt and secrets.json.
func (r *reader) play(name string) {
	r.Helper()
	fixture, err := logins.Named(name)
	if err != nil {
		r.Fatal(err)
	}
	r.api = play(r.T, fixture)
	r.host(documentHost, r.api.URL)
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

// documentHost is the host that documents write for any API.
const documentHost = "erp.example.com"
