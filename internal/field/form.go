// SPDX-License-Identifier: MPL-2.0

package field

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// form is what fields of one stored type have in common.
type form[T any] struct {
	kind   Kind
	zero   T // of a new entry
	isSet  func(T) bool
	shown  func(T) any
	stored func(T) any
	value  func(T) any
	parse  func(info Info, given any) (value T, warnings []string) // given has the type that the schema declares
	clone  func(T) T
	check  func(info Info, value T) error
}

// fallback is the default of a row, nil if that is the zero value.
func (f form[T]) fallback() any {
	if f.isSet(f.zero) {
		return f.shown(f.zero)
	}
	return nil
}

// isDefault tells whether a value is the one that a new entry has.
func (f form[T]) isDefault(value T) bool {
	return !f.isSet(value) && !f.isSet(f.zero) || reflect.DeepEqual(value, f.zero)
}

// plain is the form of a type that has nothing to hide and nothing to share.
func plain[T comparable](kind Kind, parse func(given any) T) form[T] {
	same := func(value T) any { return value }
	return form[T]{
		kind: kind, shown: same, stored: same, value: same,
		isSet: func(value T) bool { return value != *new(T) },
		parse: func(_ Info, given any) (T, []string) { return parse(given), nil },
		clone: func(value T) T { return value },
		check: func(Info, T) error { return nil },
	}
}

func textForm(kind Kind, fallback string) form[string] {
	f := plain(kind, func(given any) string {
		if text := given.(string); text != "" {
			return text
		}
		return fallback
	})
	f.zero = fallback
	return f
}

func choiceForm(options []string, otherWords map[string]string) form[string] {
	f := textForm(KindText, options[0])
	f.check = func(info Info, value string) error {
		if slices.Contains(options, value) {
			return nil
		}
		return fmt.Errorf("%s must be one of %s%s", info.Name, strings.Join(options, ", "), DidYouMean(value, options, otherWords))
	}
	return f
}

func flagForm() form[bool] { return plain(KindFlag, func(given any) bool { return given.(bool) }) }

func durationForm(least, most time.Duration) form[time.Duration] {
	f := plain(KindDuration, func(given any) time.Duration { return Seconds(given.(int)) })
	f.shown = func(value time.Duration) any { return int64(value / time.Second) }
	f.check = func(info Info, value time.Duration) error {
		if value != 0 && (value < least || value > most) {
			return fmt.Errorf("%s must be between %s and %s, or 0 for the default", info.Name, least, most)
		}
		return nil
	}
	return f
}

// maxSeconds keeps a duration in seconds from overflowing; every check refuses more.
const maxSeconds = 100 * 365 * 24 * 3600

// Seconds is a number of seconds as a duration.
func Seconds(n int) time.Duration { return time.Duration(min(n, maxSeconds)) * time.Second }

func listForm(kind Kind, fallback []string) form[[]string] {
	return form[[]string]{
		kind: kind, zero: fallback,
		isSet:  func(list []string) bool { return len(list) > 0 },
		shown:  func(list []string) any { return OrNone(list) },
		stored: func(list []string) any { return list },
		value:  func(list []string) any { return list },
		parse: func(_ Info, given any) ([]string, []string) {
			return orNil(slices.DeleteFunc(slices.Clone(given.([]string)), func(s string) bool { return s == "" })), nil
		},
		clone: slices.Clone[[]string],
		check: func(Info, []string) error { return nil },
	}
}

func wordsForm() form[[]string] {
	f := listForm(KindWords, nil)
	f.parse = func(_ Info, given any) ([]string, []string) {
		return orNil(strings.Fields(strings.Join(given.([]string), " "))), nil
	}
	return f
}

func pairsForm() form[map[string]string] {
	return form[map[string]string]{
		kind:   KindPairs,
		isSet:  func(pairs map[string]string) bool { return len(pairs) > 0 },
		shown:  func(pairs map[string]string) any { return OrEmpty(pairs) },
		stored: func(pairs map[string]string) any { return pairs },
		value:  func(pairs map[string]string) any { return pairs },
		parse: func(_ Info, given any) (map[string]string, []string) {
			if pairs := given.(map[string]string); len(pairs) > 0 {
				return pairs, nil
			}
			return nil, nil
		},
		clone: maps.Clone[map[string]string],
		check: func(Info, map[string]string) error { return nil },
	}
}

func valuesForm() form[Values] {
	return form[Values]{
		kind:   KindValues,
		isSet:  func(values Values) bool { return len(values) > 0 },
		shown:  func(values Values) any { return values.Decoded() },
		stored: func(values Values) any { return values },
		value:  func(values Values) any { return values },
		parse: func(_ Info, given any) (values Values, warnings []string) {
			for name, value := range given.(map[string]any) {
				if values == nil {
					values = Values{}
				}
				values[name], _ = json.Marshal(value) // it came as JSON; storage writes the same text
			}
			return values, nil
		},
		clone: maps.Clone[Values],
		check: func(info Info, values Values) error { return checkNames(info.Name, values) },
	}
}

func secretForm() form[secret.String] {
	f := plain(KindText, func(given any) secret.String { return secret.String(given.(string)) })
	f.shown = func(value secret.String) any { return value.IsSet() }
	f.stored = func(value secret.String) any { return secret.Plain(value) }
	f.value = func(value secret.String) any { return hashed(value.Reveal()) }
	f.parse = func(info Info, given any) (secret.String, []string) {
		value := secret.String(given.(string))
		if info.Custody == Kept { // PEM ends in a newline, and the name of a file is no PEM
			return value, nil
		}
		return value, doubts(info.Name, value)
	}
	return f
}

// doubts warns of a secret that looks like one made with echo, or like the name of a file.
func doubts(name string, value secret.String) (warnings []string) {
	if value.EndsInNewline() {
		warnings = append(warnings, EndsInNewline(name))
	}
	if LooksLikeFile(value.Reveal()) {
		warnings = append(warnings, perhapsAFile(name))
	}
	return warnings
}

func secretsForm() form[SecretValues] {
	return form[SecretValues]{
		kind:   KindValues,
		isSet:  func(values SecretValues) bool { return len(values) > 0 },
		shown:  func(values SecretValues) any { return values.Names() },
		stored: func(values SecretValues) any { return secret.PlainMap(values) },
		value: func(values SecretValues) any {
			hashes := make(map[string]string, len(values))
			for name, value := range values {
				hashes[name] = hashed(value.Reveal())
			}
			return hashes
		},
		parse: parseSecrets,
		clone: maps.Clone[SecretValues],
		check: func(info Info, values SecretValues) error { return checkNames(info.Name, values) },
	}
}

func parseSecrets(info Info, given any) (values SecretValues, warnings []string) {
	all := given.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if values == nil {
			values = SecretValues{}
		}
		text, _ := Encoded(all[name]) // it came as JSON
		values[name] = secret.String(text)
		plain, _ := all[name].(string)
		if secret.String(plain).EndsInNewline() {
			warnings = append(warnings, EndsInNewline(info.Name+"."+name))
		}
		if LooksLikeFile(plain) {
			warnings = append(warnings, fmt.Sprintf("%s.%s looks like the name of a file, and the vault command reads none there: if that is a file, give all %s in one, as a JSON object: %s=@%s.json", info.Name, name, info.Name, info.Name, info.Name))
		}
	}
	return values, warnings
}

// hashed stands for a secret where it is compared or digested: as text all
// secrets are alike.
func hashed(value string) string {
	if value == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
