// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestMapsInAllForms(t *testing.T) {
	m := newMountAndServer(t)
	for name, c := range map[string]struct {
		given any
		want  fields
	}{
		"a pair":                  {"q=x=y", fields{"q": "x=y"}},
		"a pair without a value":  {"q=", fields{"q": ""}},
		"pairs":                   {[]any{"a=1", "b=2"}, fields{"a": "1", "b": "2"}},
		"an object":               {fields{"a": "1", "b": "x=y"}, fields{"a": "1", "b": "x=y"}},
		"numbers and booleans":    {fields{"a": 1, "b": true, "c": 12345678}, fields{"a": "1", "b": "true", "c": "12345678"}},
		"JSON text":               {`{"q":"x=y"}`, fields{"q": "x=y"}},
		"JSON text with a number": {` {"q": 12345678901234567890}`, fields{"q": "12345678901234567890"}},
		"an empty text":           {"", fields{}},
		"null":                    {nil, fields{}},
		"an empty object":         {fields{}, fields{}},
		"an empty list":           {[]any{}, fields{}},
		"JSON text {}":            {"{}", fields{}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"roles/app", "config/main"} {
				more := fields{"params": "old=1"}
				if path == "config/main" {
					more["client_secret"] = clientSecret
				}
				m.write(path, more)
				m.write(path, with(more, fields{"params": c.given}))
				require.Equal(t, c.want, m.read(path)["params"])
			}
		})
	}
}

func TestGarbageIsNoMap(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	for _, given := range []any{
		"canary-", "=canary-", []any{"a=1", "a=canary-"}, []any{"a=1", "canary-"}, []any{fields{"a": "canary-"}}, `{"canary-`,
		`{"a":"1"} canary-`, `{"a":"1"}{"b":"canary-"}`, `{"a":["canary-"]}`, `{"a":null}`, fields{"a": nil}, fields{"a": []any{}}, 1, true, `[1]`,
	} {
		for path, field := range map[string]string{"config/main": "headers", "roles/app": "params"} {
			message := m.refused(logical.UpdateOperation, path, fields{field: given})
			require.Contains(t, message, field)
		}
	}
	require.Equal(t, before, m.stored())
}
