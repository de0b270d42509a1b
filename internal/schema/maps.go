// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// tidyMap takes a map field as people write it: k=v once or repeated, a JSON
// object, or its text; "" is the empty map. The framework reads the text
// {"q":"x=y"} as one pair, refuses an object among others, and cannot be told
// to clear a map. Its errors quote no value.
func tidyMap(key string, value any) (map[string]any, error) {
	pairs, err := tidyValues(key, value)
	if err != nil {
		return nil, err
	}
	return scalars(key, pairs)
}

// tidyValues is tidyMap for values that keep their JSON type.
func tidyValues(key string, value any) (map[string]any, error) {
	switch v := value.(type) {
	case map[string]any:
		if !exact(v) {
			return nil, fmt.Errorf("%s: a number has too many digits to arrive as it is: give it in quotes", key)
		}
		return v, nil
	case string:
		return mapFromText(key, v)
	case []any:
		pairs := make(map[string]any, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok || addPair(pairs, text) != nil {
				return nil, notPairs(key)
			}
		}
		return pairs, nil
	}
	return nil, notPairs(key)
}

// exact tells whether the numbers in a value are as they were written: they
// reach a plugin as floats.
func exact(value any) bool {
	switch v := value.(type) {
	case float64:
		return math.Abs(v) <= 1<<53
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !exact(item) })
	case map[string]any:
		for _, item := range v {
			if !exact(item) {
				return false
			}
		}
	}
	return true
}

func mapFromText(key, text string) (map[string]any, error) {
	text = strings.TrimSpace(text)
	pairs := map[string]any{}
	if text == "" {
		return pairs, nil
	}
	if !strings.HasPrefix(text, "{") {
		if err := addPair(pairs, text); err != nil {
			return nil, fmt.Errorf("%w%s", notPairs(key), field.ToReadFile(key, text))
		}
		return pairs, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&pairs); err != nil || decoder.More() {
		return nil, fmt.Errorf("%s is not valid JSON: an object is wanted, as in {\"name\": \"value\"}", key)
	}
	return pairs, nil
}

func addPair(pairs map[string]any, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if _, twice := pairs[name]; !ok || name == "" || twice {
		return errors.New("not a pair")
	}
	pairs[name] = value
	return nil
}

// scalars turns numbers and booleans into the texts that they are on the wire.
func scalars(key string, object map[string]any) (map[string]any, error) {
	texts := make(map[string]any, len(object))
	for name, value := range object {
		switch v := value.(type) {
		case string:
			texts[name] = v
		case json.Number:
			texts[name] = v.String()
		case float64: // how numbers reach a plugin
			texts[name] = strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			texts[name] = strconv.FormatBool(v)
		default:
			return nil, fmt.Errorf("%s: each value must be a text, a number or a boolean", key)
		}
	}
	return texts, nil
}

func notPairs(key string) error {
	return fmt.Errorf("%s must be name=value (repeat %s=name=value for more, each name once), or a JSON object of texts", key, key)
}
