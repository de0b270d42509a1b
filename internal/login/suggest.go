// SPDX-License-Identifier: MPL-2.0

package login

import (
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// slips are names that people use for what the grammar calls otherwise. The first
// that is allowed at the place is suggested.
func slips(name string) []string {
	switch name {
	case "body", "payload", "data":
		return []string{"json", "text"}
	case "jsonpath", "pointer", "path", "jsonpointer", "key", "field":
		return []string{"json", "url"}
	case "xml", "raw", "string":
		return []string{"text", "body"}
	case "params", "parameters":
		return []string{"query", "form"}
	case "auth", "authorization", "authentication":
		return []string{"basic", "header"}
	case "verb":
		return []string{"method"}
	case "uri", "endpoint":
		return []string{"url"}
	case "ttl", "expiry", "expiresin", "expiration", "expiresat", "lifetime", "exp", "maxage":
		return []string{"expires", "session_ttl", "ttl"}
	case "accesstoken":
		return []string{"token"}
	case "unit", "format", "type":
		return []string{"as"}
	case "user", "login", "name":
		return []string{"username", "value"}
	case "pass", "pwd":
		return []string{"password"}
	case "secret":
		return []string{"client_secret", "password"}
	case "client", "id":
		return []string{"client_id"}
	case "login_request", "steps", "step":
		return []string{"request"}
	case "outputs", "output", "extras":
		return []string{"extra"}
	}
	return nil
}

// suggest returns the name that was probably meant, or "".
func suggest(name string, names []string) string {
	flat := flattened(name)
	for _, candidate := range names {
		if flattened(candidate) == flat {
			return candidate
		}
	}
	for _, candidate := range slips(flat) {
		if slices.Contains(names, candidate) {
			return candidate
		}
	}
	best, least := "", 3 // two slips of the pen at most
	for _, candidate := range names {
		if d := spelling.Distance(flat, flattened(candidate)); d < least && d*2 < len(candidate) {
			best, least = candidate, d
		}
	}
	return best
}

// flattened is a name without what people get wrong most: case, "_" and "-".
func flattened(name string) string {
	if len(name) > 64 {
		name = name[:64]
	}
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}
