// SPDX-License-Identifier: MPL-2.0

package login

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

const (
	hintDepth = 4
	hintNodes = 2000 // values that are looked at
	shortest  = 16   // characters of a text that may be a token, whatever its key
)

// candidate is a text of the answer that may be the token.
type candidate struct {
	pointer string
	key     string // the last of the pointer
	depth   int
	length  int
	words   string // what it is
}

// hint guesses where the token is, after it was not where the document says.
func hint(s source, a *answer) string {
	wanted := ""
	if pointer, ok := s.(*jsonSource); ok && len(pointer.pointer.Parts) > 0 {
		wanted = pointer.pointer.Parts[len(pointer.pointer.Parts)-1]
	}
	value, trouble := a.json()
	if text, ok := value.(string); ok && tokenLike(text) {
		return fmt.Sprintf(`the whole answer is %s: if that is the token, write "token": {"body": true}`, describeText(text))
	}
	if trouble == "" {
		if c := likeliest(candidates(value), wanted); c != nil {
			return fmt.Sprintf(`%[1]q is %[2]s: if that is the token, write "token": {"json": %[1]q}`, c.pointer, c.words)
		}
	}
	if words := headerHint(a); words != "" {
		return words
	}
	switch text := string(a.body); {
	case trouble != "" && tokenLike(text):
		return fmt.Sprintf(`the whole body is %s: if that is the token, write "token": {"body": true}`, describeText(text))
	case strings.HasPrefix(text, "<"):
		return "the url may be that of a web page and not of the API; some servers answer JSON only if the request's Accept header asks for it"
	}
	return ""
}

// likeliest prefers the key that the document names, then one that differs only
// in case, "_" and "-", then the longest text.
func likeliest(all []candidate, wanted string) *candidate {
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.depth, b.depth) })
	for _, same := range []func(string) bool{
		func(key string) bool { return key == wanted },
		func(key string) bool { return spelling.Flat(key) == spelling.Flat(wanted) },
	} {
		for i := range all {
			if all[i].key != "" && same(all[i].key) {
				return &all[i]
			}
		}
	}
	var longest *candidate
	for i := range all {
		if all[i].length >= shortest && (longest == nil || all[i].length > longest.length) {
			longest = &all[i]
		}
	}
	return longest
}

func candidates(value any) []candidate {
	var all []candidate
	eachValue(value, func(pointer, key string, depth int, value any) {
		if text, ok := value.(string); ok && visible(text) {
			all = append(all, candidate{pointer, key, depth, len(text), describeText(text)})
		}
	})
	return all
}

func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// visible tells whether a text could be a token by its characters and length.
func visible(text string) bool {
	return text != "" && len(text) <= maxToken && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func tokenLike(text string) bool {
	return visible(text) && len(text) >= shortest && text[0] != '{' && text[0] != '[' && text[0] != '<'
}

// headerHint looks for a response header that carries a token.
func headerHint(a *answer) string {
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		lower := strings.ToLower(name)
		named := strings.Contains(lower, "token") || strings.Contains(lower, "auth") || strings.Contains(lower, "session")
		if !named || strings.HasSuffix(lower, "-authenticate") || len(name) > maxShownKey || !headerName.MatchString(name) {
			continue
		}
		if value := a.Header.Get(name); visible(value) && len(value) >= shortest {
			return fmt.Sprintf(`the header %[1]s is %[2]s: if that is the token, write "token": {"header": %[1]q}`, name, describeText(value))
		}
	}
	return ""
}
