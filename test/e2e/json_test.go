// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonEqual: json POINTER [VALUE]    the last command printed JSON with this value there, or with any value
// or:        ! json POINTER          ... with nothing there
// Strings are compared as they are, everything else as compact JSON.
func jsonEqual(_ *story, ts *testscript.TestScript, want bool, args []string) error {
	if len(args) < 1 || len(args) > 2 || (!want && len(args) != 1) {
		return errors.New("usage: json POINTER [VALUE], or ! json POINTER")
	}
	value, found, err := lookup(ts.ReadFile("stdout"), args[0])
	switch {
	case err != nil:
		return err
	case found != want:
		return fmt.Errorf("%s: found is %t", args[0], found)
	case len(args) == 2 && value != args[1]:
		return fmt.Errorf("%s is %s, want %s", args[0], value, args[1])
	}
	return nil
}

// jsonBetween: json-between POINTER LOW HIGH    a number there, bounds included; a bound may be another pointer
func jsonBetween(_ *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: json-between POINTER LOW HIGH")
	}
	var numbers [3]float64
	for i, arg := range args {
		if strings.HasPrefix(arg, "/") {
			value, found, err := lookup(ts.ReadFile("stdout"), arg)
			if err != nil || !found {
				return fmt.Errorf("%s: found is %t, %v", arg, found, err)
			}
			arg = value
		}
		number, err := strconv.ParseFloat(arg, 64)
		if err != nil {
			return err
		}
		numbers[i] = number
	}
	if numbers[0] < numbers[1] || numbers[0] > numbers[2] {
		return fmt.Errorf("%s is %v, want %v to %v", args[0], numbers[0], numbers[1], numbers[2])
	}
	return nil
}

// lookup returns what an RFC 6901 pointer finds.
func lookup(text, pointer string) (value string, found bool, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var node any
	if err := decoder.Decode(&node); err != nil {
		return "", false, fmt.Errorf("the last command printed no JSON: %w", err)
	}
	for _, key := range strings.Split(pointer, "/")[1:] {
		key = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
		switch n := node.(type) {
		case map[string]any:
			if node, found = n[key]; !found {
				return "", false, nil
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(n) {
				return "", false, err
			}
			node = n[i]
		default:
			return "", false, nil
		}
	}
	if s, ok := node.(string); ok {
		return s, true, nil
	}
	compact, err := json.Marshal(node)
	return string(compact), true, err
}
