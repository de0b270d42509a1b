// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxShownKeys   = 20
	maxShownNumber = 40 // characters
)

// outline tells what a value is; of an object, its keys.
func outline(what, keys string, value any) string {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return what + " is " + describe(value)
	}
	return keys + shownKeys(object)
}

func shownKeys(object map[string]any) string {
	names := slices.Sorted(maps.Keys(object))
	more := ""
	if len(names) > maxShownKeys {
		more = fmt.Sprintf(" and %d more", len(names)-maxShownKeys)
		names = names[:maxShownKeys]
	}
	shown := make([]string, 0, len(names))
	for _, name := range names {
		shown = append(shown, answerKey(name))
	}
	return strings.Join(shown, ", ") + more
}

// answerKey is shownKey for a key of the answer, which may be the very session.
func answerKey(key string) string {
	if digits := strings.Count(strings.Map(digitsOnly, key), "0"); len(key) >= shortest && digits >= 4 || len(key) > maxShownKey {
		return fmt.Sprintf("[name, %d characters]", utf8.RuneCountInString(key))
	}
	return shownKey(key)
}

func digitsOnly(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return -1
}

// describe tells a value's type and size, never the value.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return describeText(v)
	case json.Number:
		return "a number"
	case bool:
		return fmt.Sprint(v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		if len(v) == 0 {
			return "an empty object"
		}
		return "an object with the keys " + shownKeys(v)
	}
	return "null"
}

func describeText(text string) string {
	switch count := utf8.RuneCountInString(text); {
	case count == 0:
		return "an empty text"
	case strings.TrimSpace(text) == "":
		return "a text of white space only"
	default:
		return "a text of " + plural(count, "character")
	}
}

func plural(count int, what string) string {
	if count != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", count, what)
}

// describeScalar is describe, with the value of a number.
func describeScalar(value any) string {
	if number, ok := value.(json.Number); ok && len(number) <= maxShownNumber {
		return number.String()
	}
	return describe(value)
}
