// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// refusal recognises a server that says no with a status of success: it returns
// what the answer says, by keys, numbers and booleans only, or "".
func refusal(a *answer) string {
	value, _ := a.json()
	object, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if tells(spelling.Flat(key), object[key]) {
			return "an error: " + shownKey(key) + " is " + describeScalar(object[key]) + "; the answer's keys are " + shownKeys(object)
		}
	}
	return ""
}

// tells whether a member of an answer is one by which APIs say no.
func tells(key string, value any) bool {
	switch key {
	case "error", "errors", "err", "errorcode", "errcode", "errno", "fault", "exception":
		switch v := value.(type) {
		case bool:
			return v
		case string:
			return v != "" && v != "0"
		case json.Number:
			return decimal(v.String()) != "0"
		case []any:
			return len(v) > 0
		case map[string]any:
			return len(v) > 0
		}
	case "success", "succeeded", "successful", "ok", "issuccess", "authenticated":
		return value == false || value == "false"
	}
	return false
}
