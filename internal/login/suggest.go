// SPDX-License-Identifier: MPL-2.0

package login

import (
	"slices"

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

// maxSlips is how many letters may be wrong. In a short name fewer than half may be.
const maxSlips = 2

// suggest returns the name that was probably meant, or "".
func suggest(name string, names []string) string {
	flat := spelling.Flat(name)
	for _, candidate := range names {
		if spelling.Flat(candidate) == flat {
			return candidate
		}
	}
	for _, candidate := range slips(flat) {
		if slices.Contains(names, candidate) {
			return candidate
		}
	}
	return spelling.Nearest(name, names, spelling.Flat, func(candidate string) int { return min(maxSlips, (len(candidate)-1)/2) })
}
