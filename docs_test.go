// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/logins"
)

// loginDocument teaches login documents. The commands of this and of other documents are run by test/e2e (TestDocs).
var loginDocument = filepath.Join("docs", "login.md")

// fencedBlock is a block, with what a comment in the line before it says.
var (
	fencedBlock = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*) -->\n)?```([a-z]+)\n(.*?)^```$")
	blockNote   = regexp.MustCompile(`(file|fixture|part|trace|hint): ([A-Za-z0-9_.-]+)`)
)

type documentBlock struct {
	language, text string
	notes          map[string]string
}

func blocksOf(t *testing.T, file string) []documentBlock {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var blocks []documentBlock
	for _, found := range fencedBlock.FindAllStringSubmatch(string(text), -1) {
		b := documentBlock{found[2], found[3], map[string]string{}}
		for _, note := range blockNote.FindAllStringSubmatch(found[1], -1) {
			b.notes[note[1]] = note[2]
		}
		blocks = append(blocks, b)
	}
	require.Equal(t, strings.Count(string(text), "\n```"), 2*len(blocks), "a block has no language, or another indentation")
	return blocks
}

// Every ```json block is a fixture's document, byte for byte, or compiles by
// itself, or is a <!-- part: NAME -->: lines that are members of a document.
func TestDocumentedLogins(t *testing.T) {
	fixtures := map[string]bool{}
	for _, file := range []string{loginDocument, "README.md"} {
		for _, b := range blocksOf(t, file) {
			switch name := b.notes["fixture"]; {
			case b.language != "json":
				require.Contains(t, []string{"sh", "text", "go"}, b.language, "nobody looks at such a block")
			case name != "":
				fixtures[name] = true
				require.Equal(t, fixtureText(t, name), b.text, "%s: fixture %s", file, name)
			case b.notes["part"] != "":
				for line := range strings.Lines(b.text) {
					require.NoError(t, compilePart(t, line, b.notes["part"]), "%s: %s", file, line)
				}
			default:
				_, err := compiled(b.text)
				require.NoError(t, err, "%s: %s", file, b.text)
			}
		}
	}
	require.GreaterOrEqual(t, len(fixtures), 12)
}

// fixtureText is a fixture's login document, with the host that documents have for any server's.
func fixtureText(t *testing.T, name string) string {
	t.Helper()
	fixture, err := logins.Named(name)
	require.NoError(t, err)
	server := logins.NewServer(t, fixture)
	return strings.ReplaceAll(server.Login(), server.URL, "https://erp.example.com")
}

// compilePart compiles a least document with members laid over it, of which name is one.
func compilePart(t *testing.T, members, name string) error {
	t.Helper()
	document := map[string]json.RawMessage{"request": json.RawMessage(`{"url": "/login"}`), "token": json.RawMessage(`{"json": "/token"}`)}
	var part map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte("{"+members+"}"), &part), members)
	require.Contains(t, part, name, "the comment names another part")
	maps.Copy(document, part)
	text, err := json.Marshal(document)
	require.NoError(t, err)
	_, err = compiled(string(text))
	return err
}

// sectionOf is a document's text from a heading to the next.
func sectionOf(t *testing.T, file, heading string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
	require.True(t, found, "%s has no %s", file, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// The table of times: each sample is read as its row says.
func TestDocumentedTimes(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)`[^|]*\\| ([^|]+) \\|").FindAllStringSubmatch(sectionOf(t, loginDocument, "## Expiry"), -1)
	require.Len(t, rows, 8)
	for _, row := range rows {
		samples := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1)
		require.NotEmpty(t, samples, row[0])
		document, err := compiled(`{"request": {"url": "/"}, "token": {"json": "/token"}, "expires": {"json": "/end", "as": "` + row[1] + `"}}`)
		require.NoError(t, err)
		for _, sample := range samples {
			result, failure := document.ReadLogin(login.Answer{
				Status: 200, Body: []byte(`{"token": "t", "end": ` + sample[1] + `}`), At: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
			})
			require.Nil(t, failure, sample[1])
			require.Empty(t, result.Warnings, sample[1])
			require.Equal(t, "2026-11-24T13:00:00Z", result.Expires.Format(time.RFC3339), "%s as %s", sample[1], row[1])
		}
	}
}

// The table of errors: each document is refused in these words.
func TestDocumentedErrors(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `({.*})` \\| `(.+)` \\|$").FindAllStringSubmatch(sectionOf(t, loginDocument, "## Errors in a document"), -1)
	require.GreaterOrEqual(t, len(rows), 6)
	for _, row := range rows {
		_, err := compiled(row[1])
		require.EqualError(t, err, row[2])
	}
}

var (
	shownDate = regexp.MustCompile(`Date: .* GMT|answered at \S+`)
	shownTime = regexp.MustCompile(`-> (\d+ \w+), \S+`)
)

// The trace of the wrong document is what the engine prints.
// To renew it: go test . -run TestDocumentedTrace -update
func TestDocumentedTrace(t *testing.T) {
	blocks := blocksOf(t, loginDocument)
	wrong := slices.IndexFunc(blocks, func(b documentBlock) bool { return b.notes["file"] == "wrong.json" })
	require.GreaterOrEqual(t, wrong, 0)
	m, server := newLoginMount(t, "json_login")
	m.write("config/trial", fields{"base_url": server.URL, "allow_http": true, "login": blocks[wrong].text})
	m.write("roles/trial", with(server.Role(), fields{"config": "trial", "verify": "warn"}))
	tried := m.write("roles/trial/test", nil).Data
	steady := func(text string) string {
		text = strings.ReplaceAll(text, server.URL, "https://erp.example.com")
		return strings.TrimSpace(shownTime.ReplaceAllString(shownDate.ReplaceAllString(text, "Date"), "-> $1"))
	}
	for _, field := range []string{"trace", "hint"} {
		at := slices.IndexFunc(blocks, func(b documentBlock) bool { return b.notes[field] == "wrong.json" })
		require.GreaterOrEqual(t, at, 0, field)
		have, want := blocks[at].text, strings.ReplaceAll(fmt.Sprint(tried[field]), server.URL, "https://erp.example.com")
		if *updateAPIDocument && steady(have) != steady(want) {
			text, err := os.ReadFile(loginDocument)
			require.NoError(t, err)
			comment := "<!-- " + field + ": wrong.json -->\n```text\n"
			renewed := strings.Replace(string(text), comment+have, comment+strings.TrimSpace(want)+"\n", 1)
			require.NoError(t, os.WriteFile(loginDocument, []byte(renewed), 0o644))
			have = want
		}
		require.Equal(t, steady(want), steady(have), "the engine prints another %s: run: go test . -run TestDocumentedTrace -update", field)
	}
}

// compiled reads a login document as a config does.
func compiled(text string) (*login.Document, error) {
	server, err := (&entry.Config{Login: text}).Effective().Server(nil)
	if err != nil {
		return nil, err
	}
	return server.Document, nil
}
