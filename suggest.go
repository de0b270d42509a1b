// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// slips are names from other products, and from the RFCs where ours differ.
var slips = map[string][]string{
	"token_endpoint":             {"token_url"},
	"access_token_url":           {"token_url"},
	"url":                        {"token_url"},
	"scope":                      {"scopes"},
	"auth_method":                {"client_auth_method"},
	"auth_style":                 {"client_auth_method"},
	"token_endpoint_auth_method": {"client_auth_method"},
	"id":                         {"client_id"},
	"secret":                     {"client_secret"},
	"grant_type":                 {"flow"},
	"grant":                      {"flow"},
	"server":                     {"config"},
	"user":                       {"username"},
	"pass":                       {"password"},
	"ttl":                        {"access_token_ttl", "max_ttl", "min_ttl"},
	"minimum_seconds":            {"min_ttl"},
	"timeout":                    {"request_timeout"},
	"token_url_params":           {"params"},
	"tls_ca":                     {"ca_cert"},
	"tls_skip_verify":            {"ca_cert"},
}

// otherWords are what other products, and people, call values of ours.
var otherWords = map[string]string{
	"credentials": "client_credentials",
	"m2m":         "client_credentials",
	"ropc":        "password",
	"refresh":     "refresh_token",
	"document":    "login",
	"basic":       "client_secret_basic",
	"post":        "client_secret_post",
	"public":      "none",
}

// didYouMean ends a message about a value that is none of names. The value is
// not repeated: it may be a secret in the wrong field.
func didYouMean[S ~string](value S, names []S) string {
	flat := flattened(string(value))
	best, least := "", 4 // three slips of the pen at most
	for _, name := range names {
		if flattened(string(name)) == flat || otherWords[flat] == string(name) {
			return fmt.Sprintf(": did you mean %s?", name)
		}
		if d := spelling.Distance(flat, flattened(string(name))); d < least && d*3 <= len(name) {
			best, least = string(name), d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// flattened is a name without what people get wrong most: case, "_", "-" and spaces.
func flattened(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name[:min(len(name), 64)]))
}

// suggest returns the field that was probably meant, or "".
func suggest(key string, fields map[string]*framework.FieldSchema) string {
	for _, candidate := range slips[key] {
		if fields[candidate] != nil {
			return candidate
		}
	}
	best, least := "", 3 // two slips of the pen at most
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if d := spelling.Distance(key, field); d < least && d < len(key)/2 {
			best, least = field, d
		}
	}
	return best
}
