// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// jwtExpiry returns exp of a token that is a signed JWT (RFC 7519 section 4.1.4),
// as a number's text. Nothing is verified: the token comes from where it is used.
func jwtExpiry(token string) (exp string, isJWT bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	if _, ok := jwtPart(parts[0]); !ok {
		return "", false
	}
	claims, ok := jwtPart(parts[1])
	if !ok {
		return "", false
	}
	exp, _ = numberText(claims["exp"])
	return exp, true
}

func jwtPart(part string) (map[string]any, bool) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, false
	}
	return object, true
}
