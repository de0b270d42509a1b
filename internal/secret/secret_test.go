// SPDX-License-Identifier: MPL-2.0

package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

const canary = "c4nary-value"

type holder struct {
	Name  string
	Value secret.String
	Named map[string]secret.String
}

func TestNothingPrintsASecret(t *testing.T) {
	h := holder{Name: "n", Value: canary, Named: map[string]secret.String{"k": canary}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{h, &h, h.Value, &h.Value, h.Named, []secret.String{canary}} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, canary, verb)
			require.NotContains(t, out, fmt.Sprintf("%x", canary), verb)
		}
	}
	raw, err := json.Marshal(h)
	require.NoError(t, err)
	require.NotContains(t, string(raw), canary)

	for _, asJSON := range []bool{true, false} {
		var log bytes.Buffer
		hclog.New(&hclog.LoggerOptions{Output: &log, JSONFormat: asJSON}).
			Info("message", "value", h.Value, "holder", h, "error", fmt.Errorf("failed: %v", h))
		require.NotContains(t, log.String(), canary)
		require.Contains(t, log.String(), "[redacted]")
	}
}

func TestStoredFormKeepsTheValue(t *testing.T) {
	raw, err := json.Marshal(struct {
		Value secret.Plain
		Named map[string]secret.Plain
	}{canary, map[string]secret.Plain{"k": canary}})
	require.NoError(t, err)

	var back holder
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, canary, back.Value.Reveal())
	require.Equal(t, canary, back.Named["k"].Reveal())
}

func TestEmptyPrintsAsNothing(t *testing.T) {
	require.Empty(t, secret.String("").String())
	require.False(t, secret.String("").IsSet())
	require.True(t, secret.String("x\n").EndsInNewline())
}
