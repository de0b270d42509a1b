// SPDX-License-Identifier: MPL-2.0

package logins

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Want compares what creds/ or token/ answered after the login with the fixture. It returns how they differ, and nil if
// they do not. The values may be of any types that become the JSON that a reader sees.
func (s *Server) Want(answered map[string]any) []string { return differences(s.part.want, answered) }

// WantRefreshed is Want for the answer after the refresh.
func (s *Server) WantRefreshed(answered map[string]any) []string {
	return differences(s.part.refreshed, answered)
}

func differences(want, answered map[string]any) []string {
	text, err := json.Marshal(answered)
	if err != nil {
		return []string{err.Error()}
	}
	got, err := object(string(text))
	if err != nil {
		return []string{err.Error()}
	}
	var differ []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, found := got[key]
		switch low, high, isRange := bounds(want[key]); {
		case !found:
			differ = append(differ, key+": nothing is there")
		case isRange && !within(value, low, high):
			differ = append(differ, fmt.Sprintf("%s: got %v, want %v to %v", key, value, low, high))
		case !isRange && !reflect.DeepEqual(value, want[key]):
			differ = append(differ, fmt.Sprintf("%s: got %v, want %v", key, value, want[key]))
		}
	}
	return differ
}

// bounds reads [low, high].
func bounds(want any) (low, high float64, isRange bool) {
	list, ok := want.([]any)
	if !ok || len(list) != 2 {
		return 0, 0, false
	}
	low, lowOK := number(list[0])
	high, highOK := number(list[1])
	return low, high, lowOK && highOK
}

func within(value any, low, high float64) bool {
	n, ok := number(value)
	return ok && low <= n && n <= high
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
