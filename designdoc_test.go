// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// The table "What a change drops" is rendered from the tables of fields.
func TestDesignDocumentHasTheEffectsOfEachField(t *testing.T) {
	path := filepath.Join("docs", "design.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	const first, last = "| Changed |", "\n\n"
	before, rest, found := strings.Cut(string(text), first)
	require.True(t, found)
	_, after, found := strings.Cut(rest, last)
	require.True(t, found)
	want := before + renderEffects(t) + "\n" + after
	if *updateAPIDocument {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	if text, err = os.ReadFile(path); string(text) != want {
		t.Fatalf("%s is stale (%v): run: go test . -run TestDesignDocument -update\n%s", path, err, firstDifference(string(text), want))
	}
}

// effectRows are the sets of effects in the order of the document, each with what
// becomes of the access token and of the refresh token.
var effectRows = []struct {
	effect  field.Effect
	becomes string
}{
	{field.None, "kept | kept"},
	{field.Life, "kept; `renew` holds at once, lives from the next token on | kept"},
	{field.Proves, "kept; the next exchange uses the new value | kept"},
	{field.Shapes, "replaced at the next read | not used for that: the stored credentials are"},
	{field.Steers, "kept | not sent to the new destination before `rebind/<config>`"},
	{field.Shapes | field.Steers, "replaced at the next read | not used for that: the stored credentials are, once the move is accepted"},
	{field.Binds, "replaced at the next read | dropped with it"},
	{field.Binds | field.Steers, "replaced at the next read | dropped with it"},
}

func renderEffects(t *testing.T) string {
	var out strings.Builder
	out.WriteString("| Changed | Moves secrets | Access token | Refresh token |\n|---|---|---|---|\n")
	rendered := 0
	for _, row := range effectRows {
		var of []string
		for _, table := range []struct {
			name   string
			fields []field.Info
		}{{"config", entry.ConfigFields.Fields()}, {"role", entry.RoleFields.Fields()}, {"settings", entry.SettingsFields.Fields()}} {
			var names []string
			for _, info := range table.fields {
				if info.Effect == row.effect {
					names = append(names, "`"+info.Name+"`")
				}
			}
			if rendered += len(names); len(names) > 0 {
				of = append(of, table.name+": "+strings.Join(names, ", "))
			}
		}
		if len(of) == 0 {
			continue
		}
		moves := "no"
		if row.effect.Has(field.Steers) {
			moves = "yes"
		}
		out.WriteString("| " + strings.Join(of, "; ") + " | " + moves + " | " + row.becomes + " |\n")
	}
	require.Equal(t, len(entryFields()), rendered, "a set of effects has no row in effectRows")
	return out.String()
}
