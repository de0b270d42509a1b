// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/seed-6323ea89/vault-plugin-secrets-oauth"

// TestImportStar keeps the parts apart: each internal package can be read, and
// replaced, without the others.
func TestImportStar(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if _, err := os.Stat(filepath.Join(path, "go.mod")); path != "." && err == nil || strings.HasPrefix(entry.Name(), ".") && path != "." {
				return filepath.SkipDir // a module of its own
			}
			return nil
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		folder := filepath.ToSlash(filepath.Dir(path))
		seen[folder] = true
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if wrong := forbiddenImport(folder, imported); wrong != "" {
				t.Errorf("%s imports %s: %s", path, imported, wrong)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(seen), 15, "the walk has found the tree")
	parts := partsOf(t)
	for folder := range seen {
		if folder != "." && !slices.ContainsFunc(parts, func(part string) bool { return strings.HasPrefix(folder+"/", part) }) {
			t.Errorf("docs/design.md, Parts: no row has %s/", folder)
		}
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && !slices.Contains(parts, file) {
			t.Errorf("docs/design.md, Parts: no row has %s", file)
		}
	}
	for _, part := range parts {
		if _, err := os.Stat(part); err != nil {
			t.Errorf("docs/design.md, Parts: %s is not there", part)
		}
	}
}

// partsOf returns the files and folders in the table of parts of docs/design.md.
func partsOf(t *testing.T) (parts []string) {
	t.Helper()
	text, err := os.ReadFile("docs/design.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(text), "\n## Parts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for row := range strings.Lines(section) {
		if !strings.HasPrefix(row, "| `") {
			continue
		}
		names, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for name := range strings.SplitSeq(names, ",") {
			parts = append(parts, strings.Trim(name, " `"))
		}
	}
	require.NotEmpty(t, parts)
	return parts
}

// knowStorage are the packages that store what they are about.
var knowStorage = []string{"internal/entry", "internal/engine"}

// mayImport is what a package may import of ours: those below it.
func mayImport(folder string) []string {
	words := []string{"internal/secret", "internal/spelling"}
	fields := append(words, "internal/field")
	switch folder {
	case "internal/field":
		return words
	case "internal/schema":
		return fields
	case "flows":
		return append(fields, "internal/oauth", "internal/login")
	case "internal/engine":
		return append(mayImport("internal/entry"), "internal/entry", "internal/refresh")
	case "internal/entry":
		return append(fields, "internal/oauth", "internal/login", "internal/transport", "internal/rotation", "internal/tokencache", "flows")
	}
	return fields
}

// forbiddenImport tells why a folder's code must not import a package, or "".
func forbiddenImport(folder, imported string) string {
	ours, own := strings.CutPrefix(imported, module+"/")
	top, _, _ := strings.Cut(folder, "/")
	switch {
	case top == "client": // for applications: Vault's API client and x/oauth2 are what it joins
		if own && ours != "internal/secret" || imported == module {
			return "it is for applications, and shares no code with the engine"
		}
	case strings.HasPrefix(imported, "golang.org/x/oauth2"):
		return "the token exchange is ours"
	case imported == "github.com/hashicorp/vault/sdk/logical" && slices.Contains(knowStorage, folder): // for its storage
	case strings.HasPrefix(imported, "github.com/hashicorp/vault/sdk/") && folder == "internal/schema": // between the framework and our rows
	case strings.HasPrefix(imported, "github.com/hashicorp/vault/") && folder != "." && top != "cmd" && top != "test":
		return "only the root package, internal/schema and cmd know Vault"
	case imported == module && top != "cmd" && top != "test":
		return "the root package is the middle of the star"
	case own && strings.HasPrefix(ours, "internal/oauthtest") && top != "test":
		return "it is for tests only"
	case own && (top == "internal" || top == "flows") && !strings.HasPrefix(ours, folder+"/") && !slices.Contains(mayImport(folder), ours):
		return "imports go down only: " + folder + " may import " + strings.Join(mayImport(folder), ", ")
	}
	return ""
}

func TestForbiddenImports(t *testing.T) {
	for _, c := range []struct{ folder, imported string }{
		{"internal/oauth", module + "/internal/transport"}, {"internal/oauth", "github.com/hashicorp/vault/sdk/logical"},
		{"flows", module + "/internal/tokencache"}, {"flows", module}, {"flows", module + "/internal/entry"},
		{"internal/field", module + "/internal/oauth"}, {"internal/entry", "github.com/hashicorp/vault/sdk/framework"},
		{"internal/entry", module + "/internal/engine"}, {"internal/engine", module}, {"internal/engine", "github.com/hashicorp/vault/sdk/framework"}, {".", "golang.org/x/oauth2"},
		{".", module + "/internal/oauthtest"}, {"client", module + "/internal/oauth"}, {"client", module},
	} {
		require.NotEmpty(t, forbiddenImport(c.folder, c.imported), c)
	}
	for _, c := range []struct{ folder, imported string }{
		{".", "github.com/hashicorp/vault/sdk/logical"}, {".", module + "/internal/oauth"}, {"cmd/x", module},
		{"internal/oauth", module + "/internal/secret"}, {"internal/entry", module + "/flows"}, {"internal/entry", "github.com/hashicorp/vault/sdk/logical"}, {"flows", module + "/internal/oauth"}, {"internal/oauth", "net/http"},
		{"client", "golang.org/x/oauth2"}, {"client", "github.com/hashicorp/vault/api"},
	} {
		require.Empty(t, forbiddenImport(c.folder, c.imported), c)
	}
}

// A grant is known by what its description says: its name, its fields and what it
// works with stand in flows alone.
func TestNoFlowIsNamedOutsideFlows(t *testing.T) {
	named := regexp.MustCompile(`[Ff]low\s*[!=]=\s*"[a-z]|flows\.(Login|Password|ClientCredentials|RefreshToken)\b|request\.Document\b|"password"`)
	for _, file := range production(t, ".", "internal/entry", "internal/engine", "internal/schema") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotRegexp(t, named, string(text), file)
	}
}

// The root package is what Vault sees, and no more.
func TestTheRootIsSmallAndNoFileIsLong(t *testing.T) {
	lines := func(files []string) (sum int) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			n := strings.Count(string(text), "\n")
			if !strings.HasSuffix(file, "_fields.go") { // tables of fields
				require.LessOrEqual(t, n, 250, file)
			}
			sum += n
		}
		return sum
	}
	root := production(t, ".")
	require.LessOrEqual(t, len(root), 25)
	require.LessOrEqual(t, lines(root), 2900)
	folders, err := filepath.Glob("internal/*")
	require.NoError(t, err)
	require.Greater(t, len(folders), 8)
	require.NotZero(t, lines(production(t, append(folders, "flows", "client")...)))
}

// production returns the Go files of folders that are not tests.
func production(t *testing.T, folders ...string) (files []string) {
	t.Helper()
	for _, folder := range folders {
		all, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, all, folder)
		files = append(files, slices.DeleteFunc(all, func(file string) bool {
			return strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/oauthtest")
		})...)
	}
	return files
}
