// SPDX-License-Identifier: MPL-2.0

package field

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

// Values and SecretValues are maps that a document names as {{variables.x}} and
// {{secrets.x}}. Each value keeps its JSON type and is stored as its JSON text:
// one form, by which a write that changes nothing is seen to change nothing.
type (
	Values       map[string]json.RawMessage
	SecretValues map[string]secret.String
)

// Names lists the secrets that are set.
func (s SecretValues) Names() []string { return OrNone(slices.Sorted(maps.Keys(s))) }

// Decoded returns the values as a document takes them.
func (s SecretValues) Decoded() map[string]any {
	values := make(map[string]any, len(s))
	for name, text := range s {
		values[name] = decoded(text.Reveal())
	}
	return values
}

// Decoded returns the values as a document takes them.
func (v Values) Decoded() map[string]any {
	values := make(map[string]any, len(v))
	for name, text := range v {
		values[name] = decoded(string(text))
	}
	return values
}

// Over returns the values of base with top's laid over them.
func Over[V any, M ~map[string]V](base, top M) M {
	all := make(M, len(base)+len(top))
	maps.Copy(all, base)
	maps.Copy(all, top)
	return all
}

// Encoded is the JSON text of a value that came as JSON, and of nothing more: no
// escapes for HTML, no newline.
func Encoded(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", errors.New("a value cannot be written as JSON") // its own words might quote it
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// decoded reverses Encoded; numbers keep their digits.
func decoded(text string) (value any) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // written by Encoded
	return value
}

var valueName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// checkNames holds the names against what a placeholder can say.
func checkNames[V any](field string, values map[string]V) error {
	for name := range values {
		if !valueName.MatchString(name) {
			return fmt.Errorf("%s: a name may have letters, digits, \"_\", \"-\" and \".\", up to 64 characters, as in {{%s.api_key}}", field, field)
		}
	}
	return nil
}

// orNil gives the empty list one form, the one that storage gives back.
func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// OrNone reads back an unset list as [], never as null.
func OrNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// OrEmpty reads back an unset map as {}, never as null.
func OrEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
