// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// Tidy returns a request of the path with fields that are known, of their type, and
// with maps in one form. Its errors quote no value. rows say more of fields than
// the path's schema does, for all paths.
func Tidy(req *logical.Request, path *framework.Path, rows []field.Info) (*logical.Request, []string, error) {
	tidied := *req
	tidied.Data = make(map[string]any, len(req.Data))
	var warnings []string
	for _, key := range slices.Sorted(maps.Keys(req.Data)) {
		schema := path.Fields[key]
		switch {
		case schema == nil && isComputed(path, req.Operation, key):
			warnings = append(warnings, fmt.Sprintf("%s is computed by the engine and was ignored", key))
			continue
		case schema == nil:
			return nil, nil, unknownField(path, key, rows)
		case strings.Contains(path.Pattern, "(?P<"+key+">"):
			return nil, nil, fmt.Errorf("%s is part of the path and must not be given as a field too", key)
		}
		value, err := tidyValue(key, schema, req.Data[key], rows)
		if err != nil {
			return nil, nil, err
		}
		tidied.Data[key] = value
	}
	return &tidied, warnings, nil
}

// isComputed tells whether a written key is one that a read of the path returns
// and nobody can set. Ignoring it lets read, edit, write work.
func isComputed(path *framework.Path, op logical.Operation, key string) bool {
	if path.ExistenceCheck == nil || op != logical.CreateOperation && op != logical.UpdateOperation {
		return false // what is read there was not written there
	}
	read, ok := path.Operations[logical.ReadOperation]
	if !ok {
		return false
	}
	for _, response := range read.Properties().Responses[http.StatusOK] {
		if response.Fields[key] != nil {
			return true
		}
	}
	return false
}

// tidyValue returns the value in a form that the framework reads rightly, with
// null and "" alike clearing a field.
func tidyValue(key string, schema *framework.FieldSchema, value any, rows []field.Info) (any, error) {
	if value == nil {
		value = ""
	}
	switch schema.Type {
	case framework.TypeKVPairs:
		return tidyMap(key, value)
	case framework.TypeMap:
		return tidyValues(key, value)
	case framework.TypeString, framework.TypeLowerCaseString:
		switch v := value.(type) { // the framework makes "1" of true, and a text of a list with one member
		case map[string]any:
			if isDocument(key, rows) { // as policies are: text that holds JSON, or the object itself
				return field.Encoded(v)
			}
			return nil, wrongType(key, schema)
		case bool, []any:
			return nil, wrongType(key, schema)
		}
	}
	one := framework.FieldData{Raw: map[string]any{key: value}, Schema: map[string]*framework.FieldSchema{key: schema}}
	if _, _, err := one.GetOkErr(key); err != nil {
		return nil, wrongType(key, schema)
	}
	return value, nil
}

func wrongType(key string, schema *framework.FieldSchema) error {
	words := map[framework.FieldType]string{
		framework.TypeBool:             "true or false",
		framework.TypeInt:              "a whole number",
		framework.TypeDurationSecond:   "a duration that is not negative, such as 90, 90s or 1h",
		framework.TypeString:           "a text",
		framework.TypeStringSlice:      "a list of texts",
		framework.TypeCommaStringSlice: "a list of texts, or one text with commas",
	}[schema.Type]
	if words == "" {
		words = "a " + schema.Type.String()
	}
	if schema.DisplayAttrs != nil && schema.DisplayAttrs.Sensitive {
		words += " (the value given is not repeated here, it is a secret)"
	}
	return fmt.Errorf("%s must be %s", key, words)
}

func unknownField(path *framework.Path, key string, rows []field.Info) error {
	if !plainKey.MatchString(key) {
		return errors.New("a field's name has characters that no field's name has; run \"vault path-help\" on this path to see its fields")
	}
	hint := suggest(key, path.Fields, rows)
	if hint == "" {
		return fmt.Errorf("unknown field %s; run \"vault path-help\" on this path to see its fields", key)
	}
	return fmt.Errorf("unknown field %s: did you mean %s?", key, hint)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// isDocument tells whether a field is a text that holds JSON.
func isDocument(name string, rows []field.Info) bool {
	for _, info := range rows {
		if info.Name == name && info.Kind == field.KindDocument {
			return true
		}
	}
	return false
}
