// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"slices"

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
