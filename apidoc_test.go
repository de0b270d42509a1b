// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

// apiDocument is rendered from the code, so that it cannot say anything else.
var apiDocument = filepath.Join("docs", "api.md")

var updateAPIDocument = flag.Bool("update", false, "write docs/api.md anew")

func TestAPIDocument(t *testing.T) {
	want := renderAPI(newBackend(""))
	require.Equal(t, want, renderAPI(newBackend("")), "rendering depends on chance")
	if *updateAPIDocument {
		require.NoError(t, os.WriteFile(apiDocument, []byte(want), 0o644))
	}
	have, err := os.ReadFile(apiDocument)
	require.NoError(t, err)
	if string(have) != want {
		t.Fatalf("%s is stale: run: go test . -run TestAPIDocument -update\n%s", apiDocument, firstDifference(string(have), want))
	}
}

func TestEveryPathIsDescribed(t *testing.T) {
	for _, path := range newBackend("").Paths {
		t.Run(readable(path), func(t *testing.T) {
			assert.NotContains(t, readable(path), "(", "the pattern cannot be shown as a path")
			assertSentence(t, path.HelpSynopsis)
			assertHelp(t, path.HelpDescription)
			require.NotEmpty(t, path.Operations)
			for name, operation := range path.Operations {
				properties := operation.Properties()
				assertSentence(t, properties.Summary)
				assert.NotEmpty(t, properties.Responses, "responses of %s", name)
				require.NotNil(t, properties.DisplayAttrs, "OpenAPI name of %s", name)
				assert.NotEmpty(t, properties.DisplayAttrs.OperationVerb, "OpenAPI name of %s", name)
				for status, responses := range properties.Responses {
					for _, response := range responses {
						assert.NotEmpty(t, response.Description, "%s, %d", name, status)
						assertFields(t, response.Fields)
						assert.Equal(t, status == http.StatusOK, len(response.Fields) > 0, "fields of %s, %d", name, status)
					}
				}
			}
			assertFields(t, path.Fields)
		})
	}
	assertHelp(t, newBackend("").Help)
}

// TestPathParametersAreFields: the framework would drop a part of the path
// that has no field.
func TestPathParametersAreFields(t *testing.T) {
	for _, path := range newBackend("").Paths {
		for part := range strings.SplitSeq(readable(path), "/") {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				assert.Contains(t, path.Fields, name, readable(path))
			}
		}
	}
}

// TestSealWrappedPrefixes: without the slash Vault takes the text for one
// exact key, and what lies under it is not wrapped.
func TestSealWrappedPrefixes(t *testing.T) {
	wrapped := newBackend("").PathsSpecial.SealWrapStorage
	assert.ElementsMatch(t, []string{string(entry.Configs), string(entry.Roles), string(entry.Tokens), string(entry.Accounts)}, wrapped, "the prefixes under which secrets lie")
	for _, prefix := range wrapped {
		assert.True(t, strings.HasSuffix(prefix, "/"), prefix)
	}
}

func TestDocumentsNameEveryFlowAndField(t *testing.T) {
	concepts, err := os.ReadFile(filepath.Join("docs", "concepts.md"))
	require.NoError(t, err)
	api := renderAPI(newBackend(""))
	for _, flow := range flows.All() {
		about := flow.Describe()
		assert.NotEmpty(t, about.Synopsis, about.Name)
		assert.Contains(t, string(concepts), "| `"+about.Name+"` |", "a row for flow %s in docs/concepts.md", about.Name)
		assert.Contains(t, schema.Write(entry.RoleFields.Fields())["flow"].Description, about.Name)
		for _, field := range slices.Concat(about.Required(), about.Later()) {
			assert.Contains(t, schema.Write(entry.RoleFields.Fields()), field, "a field that flow %s needs", about.Name)
		}
	}
	for _, fields := range []map[string]*framework.FieldSchema{schema.Write(entry.ConfigFields.Fields()), schema.Write(entry.RoleFields.Fields()), schema.Write(entry.SettingsFields.Fields())} {
		for name := range fields {
			assert.Contains(t, api, "| `"+name+"` |")
		}
	}
}

func assertSentence(t *testing.T, text string) {
	t.Helper()
	assert.NotEmpty(t, text)
	assert.NotContains(t, text, "\n")
	assert.LessOrEqual(t, len(text), 120, text)
	assert.True(t, strings.HasSuffix(text, "."), text)
}

// assertHelp keeps help to what a terminal shows well.
func assertHelp(t *testing.T, text string) {
	t.Helper()
	text = strings.TrimSpace(text)
	assert.NotEmpty(t, text)
	lines := strings.Split(text, "\n")
	assert.LessOrEqual(t, len(lines), 24, "help is longer than a screen")
	for _, line := range lines {
		assert.LessOrEqual(t, len(line), 140, line)
		assert.Equal(t, strings.TrimRight(line, " "), line, "space at the end")
		assert.False(t, strings.ContainsFunc(line, unicode.IsControl), "%q", line)
	}
}

func assertFields(t *testing.T, fields map[string]*framework.FieldSchema) {
	t.Helper()
	for name, field := range fields {
		assert.NotEmpty(t, field.Description, name)
		assert.LessOrEqual(t, len(field.Description), 300, name)
		assert.True(t, strings.HasSuffix(field.Description, "."), "%s: %s", name, field.Description)
	}
}

func renderAPI(b *backend) string {
	doc := apiWriter{answers: make(map[string]string)}
	doc.printf("# API\n\n")
	doc.printf("<!-- Generated from the code. To renew: go test . -run TestAPIDocument -update -->\n\n")
	doc.printf("Paths are relative to the mount, `oauth/` in the examples. The same text is in Vault: `vault path-help oauth/config/crm`.\n\n")
	doc.printf("A field that is left out of a write keeps its value; one that is given empty, or null, is cleared. Unknown fields are refused.\n")
	doc.printf("Write-only fields never read back; `<field>_set` says whether they are set.\n\n")
	for _, path := range b.Paths {
		doc.printf("- [`%s`](#%s): %s\n", readable(path), anchor(path), markdown(path.HelpSynopsis))
	}
	for _, path := range b.Paths {
		doc.path(path)
	}
	return doc.String()
}

// apiWriter remembers where it showed an answer, to show each only once.
type apiWriter struct {
	strings.Builder
	answers map[string]string // a table of fields: where it was shown
}

func (w *apiWriter) printf(format string, args ...any) { fmt.Fprintf(&w.Builder, format, args...) }

func (w *apiWriter) path(path *framework.Path) {
	w.printf("\n## %s\n\n%s\n\n", readable(path), markdown(path.HelpSynopsis))
	w.printf("%s\n\n", markdown(strings.TrimSpace(path.HelpDescription)))
	w.printf("| Command | Method | | Answer |\n|---|---|---|---|\n")
	for _, operation := range documented(path) {
		w.printf("| `vault %s` | %s | %s | %s |\n", operation.command, operation.method, markdown(operation.properties.Summary), statuses(operation.properties))
	}
	if len(path.Fields) > 0 {
		w.printf("\nParameters:\n\n| Name | Type | Default | Description |\n|---|---|---|---|\n%s", fieldRows(path.Fields))
	}
	var shown []string
	for _, operation := range documented(path) {
		for _, response := range operation.properties.Responses[http.StatusOK] {
			rows := answerRows(response.Fields)
			if slices.Contains(shown, rows) {
				continue
			}
			shown = append(shown, rows)
			if where, ok := w.answers[rows]; ok {
				w.printf("\nAnswer of `vault %s`: as of %s.\n", operation.command, where)
				continue
			}
			w.answers[rows] = fmt.Sprintf("[`%s`](#%s)", readable(path), anchor(path))
			w.printf("\nAnswer of `vault %s`:\n\n| Name | Type | Description |\n|---|---|---|\n%s", operation.command, rows)
		}
	}
}

type documentedOperation struct {
	command, method string
	properties      framework.OperationProperties
}

// documented lists a path's operations in a fixed order; to a caller, creating
// and updating are one.
func documented(path *framework.Path) []documentedOperation {
	var list []documentedOperation
	add := func(command, method string, kinds ...logical.Operation) {
		for _, kind := range kinds {
			if operation, ok := path.Operations[kind]; ok {
				list = append(list, documentedOperation{command, method, operation.Properties()})
				return
			}
		}
	}
	add("read", "GET", logical.ReadOperation)
	add("list", "LIST", logical.ListOperation)
	add("write", "POST", logical.UpdateOperation, logical.CreateOperation)
	add("patch", "PATCH", logical.PatchOperation)
	add("delete", "DELETE", logical.DeleteOperation)
	return list
}

func statuses(properties framework.OperationProperties) string {
	var texts []string
	for _, status := range slices.Sorted(maps.Keys(properties.Responses)) {
		texts = append(texts, fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	return strings.Join(texts, ", ")
}

func fieldRows(fields map[string]*framework.FieldSchema) string {
	var rows strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, standard := fields[name], ""
		switch value := field.Default.(type) {
		case nil:
		case []string:
			standard = "`" + strings.Join(value, ",") + "`"
		default:
			standard = fmt.Sprintf("`%v`", value)
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", name, typeName(field, "write-only"), standard, markdown(field.Description))
	}
	return rows.String()
}

func answerRows(fields map[string]*framework.FieldSchema) string {
	var rows strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", name, typeName(fields[name], "secret"), markdown(fields[name].Description))
	}
	return rows.String()
}

// typeName is a field's type in plain words, and what a sensitive one is.
func typeName(field *framework.FieldSchema, sensitive string) string {
	name := field.Type.String()
	switch field.Type {
	case framework.TypeBool:
		name = "boolean"
	case framework.TypeInt:
		name = "integer"
	case framework.TypeDurationSecond:
		name = "duration"
	case framework.TypeStringSlice, framework.TypeCommaStringSlice:
		name = "list"
	case framework.TypeKVPairs, framework.TypeMap:
		name = "map"
	}
	if field.DisplayAttrs != nil && field.DisplayAttrs.Sensitive {
		name += ", " + sensitive
	}
	return name
}

// readable shows a pattern as a path, such as config/:name.
func readable(path *framework.Path) string {
	text := path.Pattern
	for name := range path.Fields {
		text = strings.ReplaceAll(text, framework.GenericNameRegex(name), ":"+name)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "$"), "?")
}

// anchor is how Markdown viewers name the heading of a path.
func anchor(path *framework.Path) string {
	return strings.NewReplacer("/", "", ":", "").Replace(readable(path))
}

// markdown keeps text from being taken for markup, except in indented examples.
func markdown(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "    ") {
			lines[i] = strings.NewReplacer("<", "&lt;", "*", `\*`, "|", `\|`).Replace(line)
		}
	}
	return strings.Join(lines, "\n")
}

func firstDifference(have, want string) string {
	haveLines, wantLines := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(haveLines), len(wantLines)) {
		if haveLines[i] != wantLines[i] {
			return fmt.Sprintf("line %d has\n  %s\nand should have\n  %s", i+1, haveLines[i], wantLines[i])
		}
	}
	return fmt.Sprintf("it has %d lines and should have %d", len(haveLines), len(wantLines))
}
