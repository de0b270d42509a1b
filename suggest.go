// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// suggest returns the field that was probably meant, or "".
func suggest(key string, fields map[string]*framework.FieldSchema) string {
	for _, info := range append(entryFields(), importFields.Fields()...) {
		if fields[info.Name] != nil && slices.Contains(info.Slips, key) {
			return info.Name
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
