// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documents are all that a person reads.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("docs", "*.md"))
	require.NoError(t, err)
	return append(files, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", filepath.Join("test", "e2e", "README.md"))
}

// prose is a document without its blocks and code, where nothing is a link or a heading.
func prose(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(string(text), "")
}

// anchors are what links to the headings of a document end in, as Markdown viewers make them.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, file), -1) {
		kept := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_", r) {
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])
		names = append(names, strings.ReplaceAll(kept, " ", "-"))
	}
	return names
}

// Each link to a file of the repository leads to one, and to a heading of it.
func TestDocumentLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^()\s]+)\)`)
	for _, file := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(prose(t, file), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			path, heading, named := strings.Cut(found[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", file, found[1]) {
				continue
			}
			if named {
				assert.Contains(t, anchors(t, target), heading, "%s links to a heading of %s", file, target)
			}
		}
	}
}

// README leads to every document.
func TestDocumentsAreFound(t *testing.T) {
	readme := prose(t, "README.md")
	for _, file := range documents(t) {
		if file != "README.md" {
			assert.Contains(t, readme, "]("+filepath.ToSlash(file))
		}
	}
}

// README's table of paths has all of the engine's, with commands that they know.
func TestDocumentedPaths(t *testing.T) {
	verbs := map[logical.Operation]string{logical.ReadOperation: "read", logical.UpdateOperation: "write", logical.DeleteOperation: "delete", logical.ListOperation: "list"}
	nameless := regexp.MustCompile(`:\w+|<\w+>`)
	want := map[string][]string{}
	for _, path := range newBackend("").Paths {
		name := nameless.ReplaceAllString(readable(path), ":")
		if list, is := strings.CutSuffix(name, "/"); is {
			name = list + "/:"
		}
		for operation := range path.Operations {
			if verb := verbs[operation]; verb != "" {
				want[name] = append(want[name], verb)
			}
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(sectionOf(t, "README.md", "## Paths"), -1)
	var have []string
	for _, row := range rows {
		name := nameless.ReplaceAllString(row[1], ":")
		have = append(have, name)
		for _, command := range strings.Split(row[2], ", ") {
			assert.Contains(t, want[name], strings.TrimSuffix(command, " (sudo)"), "README's row for %s", row[1])
		}
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), have)
}

// Documents name hosts that are nobody's, and those of the specifications and manuals they refer to: no registry, no mirror, no
// machine where somebody tried things.
func TestDocumentHosts(t *testing.T) {
	known := []string{"developer.hashicorp.com", "www.rfc-editor.org", "keepachangelog.com", "semver.org", "external-secrets.io", "localhost"}
	host := regexp.MustCompile("\\b[a-z0-9]+://([^/\\s\"'<>()\\[\\]`:,*]+)")
	served := regexp.MustCompile(`(?i)\b(registry|mirror|proxy|artifacts?|artifactory|nexus|pypi|index)\.[a-z0-9-]+\.[a-z]+`)
	local := regexp.MustCompile(`(?:^|[\s"'=(])(/(?:home|root|Users|work|tmp|mnt|opt)/\S*)`)
	reserved := regexp.MustCompile(`^(host|(.*\.)?example\.(com|org|net)|127\.0\.0\.1|169\.254\.169\.254)\.?$`)
	for _, file := range documents(t) {
		bytes, err := os.ReadFile(file)
		require.NoError(t, err)
		text := string(bytes)
		for _, found := range host.FindAllStringSubmatch(text, -1) {
			assert.True(t, reserved.MatchString(found[1]) || slices.Contains(known, found[1]), "%s names the host %s", file, found[1])
		}
		assert.Empty(t, served.FindAllString(text, -1), file)
		assert.Empty(t, local.FindAllString(text, -1), file)
		directory, err := os.Getwd()
		require.NoError(t, err)
		assert.NotContains(t, text, directory, file)
	}
}
