// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// patch lays the fields of a write over an entry. A field that was not given
// keeps its value; one that was given empty is cleared.
type patch struct{ *framework.FieldData }

func given[T any](p patch, field string, set func(T)) {
	if raw, ok := p.GetOk(field); ok {
		set(raw.(T))
	}
}

func (p patch) text(field string, to *string) {
	given(p, field, func(v string) { *to = v })
}

// textOr is for fields whose empty value means the default.
func (p patch) textOr(field string, to *string, fallback string) {
	given(p, field, func(v string) {
		if *to = v; v == "" {
			*to = fallback
		}
	})
}

// secret tells whether a value was given, and returns a warning if it looks
// like one made with echo.
func (p patch) secret(field string, to *secret.String) (supplied bool, warnings []string) {
	given(p, field, func(v string) {
		*to, supplied = secret.String(v), v != ""
		if to.EndsInNewline() {
			warnings = append(warnings, endsInNewline(field))
		}
	})
	return supplied, warnings
}

// secretOrFile is secret, with a warning if the value looks like a file's name.
func (p patch) secretOrFile(field string, to *secret.String) (supplied bool, warnings []string) {
	supplied, warnings = p.secret(field, to)
	if supplied && looksLikeFile(to.Reveal()) {
		warnings = append(warnings, perhapsAFile(field))
	}
	return supplied, warnings
}

func (p patch) flag(field string, to *bool) {
	given(p, field, func(v bool) { *to = v })
}

func (p patch) duration(field string, to *time.Duration) {
	given(p, field, func(v int) { *to = seconds(v) })
}

func (p patch) list(field string, to *[]string) {
	given(p, field, func(v []string) {
		*to = orNil(slices.DeleteFunc(slices.Clone(v), func(s string) bool { return s == "" }))
	})
}

// words is a list that is split on spaces too, as scopes are written (RFC 6749 section 3.3).
func (p patch) words(field string, to *[]string) {
	given(p, field, func(v []string) { *to = orNil(strings.Fields(strings.Join(v, " "))) })
}

func (p patch) pairs(field string, to *map[string]string) {
	given(p, field, func(v map[string]string) {
		if *to = v; len(v) == 0 {
			*to = nil
		}
	})
}

func (p patch) variables(field string, to *variables) {
	given(p, field, func(v map[string]any) {
		*to = nil
		for name, value := range v {
			if *to == nil {
				*to = variables{}
			}
			(*to)[name], _ = json.Marshal(value) // it came as JSON; storage writes the same text
		}
	})
}

// secretValues is secret for a map.
func (p patch) secretValues(field string, to *secretValues) (supplied bool, warnings []string) {
	given(p, field, func(v map[string]any) {
		*to, supplied = nil, len(v) > 0
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if *to == nil {
				*to = secretValues{}
			}
			text, _ := encoded(v[name]) // it came as JSON
			(*to)[name] = secret.String(text)
			plain, _ := v[name].(string)
			if secret.String(plain).EndsInNewline() {
				warnings = append(warnings, endsInNewline(field+"."+name))
			}
			if looksLikeFile(plain) {
				warnings = append(warnings, fmt.Sprintf("%s.%s looks like the name of a file, and the vault command reads none there: if that is a file, give all %s in one, as a JSON object: %s=@%s.json", field, name, field, field, field))
			}
		}
	})
	return supplied, warnings
}

func endsInNewline(field string) string {
	return field + " ends in a newline: if it was made with echo, use echo -n or printf"
}

// orNil gives the empty list one form, the one that storage gives back.
func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// maxSeconds keeps a duration in seconds from overflowing; every check refuses more.
const maxSeconds = 100 * 365 * 24 * 3600

func seconds(n int) time.Duration { return time.Duration(min(n, maxSeconds)) * time.Second }

// asSeconds is how durations read back.
func asSeconds(d time.Duration) int64 { return int64(d / time.Second) }

// orEmpty reads back an unset map as {}, never as null.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
