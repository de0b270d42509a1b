// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// suggest returns the field that was probably meant, or "".
func suggest(key string, fields map[string]*framework.FieldSchema, rows []field.Info) string {
	for _, info := range rows {
		if fields[info.Name] != nil && slices.Contains(info.Slips, key) {
			return info.Name
		}
	}
	few := min(2, (len(key)-1)/2) // slips of the pen
	return spelling.Nearest(key, slices.Sorted(maps.Keys(fields)), nil, func(string) int { return few })
}
