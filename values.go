// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// The values that login documents name as {{variables.x}} and {{secrets.x}}.
// Each keeps its JSON type and is stored as its JSON text: one form, by which a
// write that changes nothing is seen to change nothing.
type (
	variables    map[string]json.RawMessage
	secretValues map[string]secret.String
)

// names lists the secrets that are set.
func (s secretValues) names() []string { return orNone(slices.Sorted(maps.Keys(s))) }

// decoded returns the values as a login document takes them.
func (s secretValues) decoded() map[string]any {
	values := make(map[string]any, len(s))
	for name, text := range s {
		values[name] = decoded(text.Reveal())
	}
	return values
}

func (v variables) decoded() map[string]any {
	values := make(map[string]any, len(v))
	for name, text := range v {
		values[name] = decoded(string(text))
	}
	return values
}

// over returns the values of base with top's laid over them.
func over[V any, M ~map[string]V](base, top M) M {
	all := make(M, len(base)+len(top))
	maps.Copy(all, base)
	maps.Copy(all, top)
	return all
}

// encoded is the JSON text of a value that came as JSON, and of nothing more: no
// escapes for HTML, no newline.
func encoded(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", errors.New("a value cannot be written as JSON") // its own words might quote it
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// decoded reverses encoded; numbers keep their digits.
func decoded(text string) (value any) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // written by encoded
	return value
}

var valueName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// checkValueNames holds the names against what a placeholder can say.
func checkValueNames[V any](field string, values map[string]V) error {
	for name := range values {
		if !valueName.MatchString(name) {
			return fmt.Errorf("%s: a name may have letters, digits, \"_\", \"-\" and \".\", up to 64 characters, as in {{%s.api_key}}", field, field)
		}
	}
	return nil
}
