// SPDX-License-Identifier: MPL-2.0

package schema_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

const canary = "canary-value"

func configPath() *framework.Path {
	fields := schema.WithName(schema.Write(entry.ConfigFields.Fields()), "Name.", nil)
	return &framework.Path{
		Pattern: "config/" + framework.GenericNameRegex("name"), Fields: fields,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: &framework.PathOperation{Responses: map[int][]framework.Response{200: {{Fields: schema.Answer(entry.ConfigFields.Fields())}}}},
		},
		ExistenceCheck: func(ctx context.Context, _ *logical.Request, _ *framework.FieldData) (bool, error) { return true, nil },
	}
}

func tidied(path *framework.Path, data map[string]any) (*logical.Request, []string, error) {
	return schema.Tidy(&logical.Request{Operation: logical.UpdateOperation, Data: data}, path, entry.ConfigFields.Fields())
}

func TestTidyRefusesWhatIsNoField(t *testing.T) {
	for name, want := range map[string]string{
		"clientid":        "unknown field clientid: did you mean client_id?",
		"url":             "unknown field url: did you mean token_url?",
		"nothing_like_it": `unknown field nothing_like_it; run "vault path-help" on this path to see its fields`,
		"a " + canary:     `a field's name has characters that no field's name has; run "vault path-help" on this path to see its fields`,
		"name":            "name is part of the path and must not be given as a field too",
		"client_secrt":    "unknown field client_secrt: did you mean client_secret?",
	} {
		_, _, err := tidied(configPath(), map[string]any{name: canary})
		require.EqualError(t, err, want)
	}
	req, warnings, err := tidied(configPath(), map[string]any{"client_secret_set": true, "client_id": "a"})
	require.NoError(t, err)
	require.Equal(t, []string{"client_secret_set is computed by the engine and was ignored"}, warnings)
	require.Equal(t, map[string]any{"client_id": "a"}, req.Data)
}

func TestTidyTakesAnObjectForADocumentOnly(t *testing.T) {
	req, _, err := tidied(configPath(), map[string]any{"login": map[string]any{"a": "<b>"}})
	require.NoError(t, err)
	require.Equal(t, `{"a":"<b>"}`, req.Data["login"])
	_, _, err = tidied(configPath(), map[string]any{"token_url": map[string]any{"a": canary}})
	require.EqualError(t, err, "token_url must be a text")
	_, _, err = tidied(configPath(), map[string]any{"client_secret": []any{canary}})
	require.EqualError(t, err, "client_secret must be a text (the value given is not repeated here, it is a secret)")
}

// Whatever JSON somebody writes: it is refused without a word of it, or the
// framework and the rows can read it, and what they make of it is stored.
func FuzzTidy(f *testing.F) {
	for _, seed := range []string{
		`{"client_id": "a", "params": "a=1"}`, `{"params": ["a=1", "b=2"]}`, `{"params": {"a": 1, "b": true, "c": null}}`, `{"secrets": "{\"a\": [1e400]}"}`,
		`{"variables": {"a": {"b": [1.5, 12345678901234567890]}}}`, `{"allow_http": "yes"}`, `{"request_timeout": "1h"}`, `{"request_timeout": -1}`,
		`{"allowed_roles": "a,b"}`, `{"allowed_roles": [1, true]}`, `{"login": {"request": {}}}`, `{"headers": ""}`, `{"client_id": null}`, `{"nothing": 1}`,
	} {
		f.Add(seed)
	}
	path := configPath()
	f.Fuzz(func(t *testing.T, text string) {
		var data map[string]any
		if json.Unmarshal([]byte(text), &data) != nil {
			return
		}
		req, _, err := tidied(path, data)
		if err != nil {
			for _, value := range data {
				if s, ok := value.(string); ok && len(s) > 40 && strings.Contains(err.Error(), s) {
					t.Fatalf("%q is in %q", s, err)
				}
			}
			return
		}
		write := &framework.FieldData{Raw: req.Data, Schema: path.Fields}
		for name := range req.Data {
			if _, _, err := write.GetOkErr(name); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		config := entry.NewConfig()
		entry.ConfigFields.Apply(config, write)
		if entry.ConfigFields.Check(config) != nil {
			return
		}
		stored, err := json.Marshal(entry.ConfigFields.Stored(config))
		require.NoError(t, err)
		var raw map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(stored, &raw))
		loaded := entry.NewConfig()
		require.NoError(t, entry.ConfigFields.Load(loaded, raw))
		require.Empty(t, entry.ConfigFields.Changed(config, loaded, 0xff), "stored and loaded again")
	})
}
