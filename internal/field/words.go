// SPDX-License-Identifier: MPL-2.0

package field

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// The vault command reads a file where a value begins with "@". Who forgets it
// writes the file's name.

var fileName = regexp.MustCompile(`(?i)^@?(~|\.{1,2})?[\w./\\-]{0,100}[\w-]\.(txt|json|pem|key|crt|cer|ya?ml|env|secret|token|password)$`)

// LooksLikeFile tells whether a value may be the name of a file. A secret may
// look so too: this is for warnings, and for values that are refused anyway.
func LooksLikeFile(value string) bool { return fileName.MatchString(value) }

// perhapsAFile is the warning about a secret that looks like a file's name. It
// does not repeat the value.
func perhapsAFile(field string) string {
	return fmt.Sprintf("%s looks like the name of a file: if that is a file, write %s=@%s.txt", field, field, strings.ReplaceAll(field, "_", "-"))
}

// EndsInNewline says that a secret ends in a newline.
func EndsInNewline(field string) string {
	return field + " ends in a newline: if it was made with echo, use echo -n or printf"
}

// ToReadFile ends the refusal of a value that is a file's name: how to give the
// file itself. It does not repeat the value.
func ToReadFile(field, value string) string {
	if !LooksLikeFile(value) {
		return ""
	}
	return toRead(field, "FILE")
}

// ToReadDocument is ToReadFile for a field that is no secret: the name of a
// JSON file is repeated.
func ToReadDocument(field, value string) string {
	if !LooksLikeFile(value) || !strings.HasSuffix(value, ".json") {
		return ToReadFile(field, value)
	}
	return toRead(field, strings.TrimPrefix(value, "@"))
}

func toRead(field, file string) string {
	return fmt.Sprintf("; to read a file: %s=@%s", field, file)
}

// DidYouMean ends a message about a value that is none of names. The value is
// not repeated: it may be a secret in the wrong field. otherWords are what other
// products, and people, call the names.
func DidYouMean(value string, names []string, otherWords map[string]string) string {
	flat := spelling.Flat(value)
	for other, name := range otherWords {
		if spelling.Flat(other) == flat && slices.Contains(names, name) {
			return fmt.Sprintf(": did you mean %s?", name)
		}
	}
	best := spelling.Nearest(value, names, spelling.Flat, func(name string) int { return min(3, len(name)/3) })
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}
