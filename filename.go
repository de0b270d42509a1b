// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"regexp"
	"strings"
)

// The vault command reads a file where a value begins with "@". Who forgets it
// writes the file's name.

var fileName = regexp.MustCompile(`(?i)^@?(~|\.{1,2})?[\w./\\-]{0,100}[\w-]\.(txt|json|pem|key|crt|cer|ya?ml|env|secret|token|password)$`)

// looksLikeFile tells whether a value may be the name of a file. A secret may
// look so too: this is for warnings, and for values that are refused anyway.
func looksLikeFile(value string) bool { return fileName.MatchString(value) }

// perhapsAFile is the warning about a secret that looks like a file's name. It
// does not repeat the value.
func perhapsAFile(field string) string {
	return fmt.Sprintf("%s looks like the name of a file: if that is a file, write %s=@%s.txt", field, field, strings.ReplaceAll(field, "_", "-"))
}

// toReadFile ends the refusal of a value that is a file's name: how to give the
// file itself. Only the name of a login document is repeated.
func toReadFile(field, value string) string {
	if !looksLikeFile(value) {
		return ""
	}
	name := "FILE"
	if field == documentField && strings.HasSuffix(value, ".json") {
		name = strings.TrimPrefix(value, "@")
	}
	return fmt.Sprintf("; to read a file: %s=@%s", field, name)
}
