// SPDX-License-Identifier: MPL-2.0

package login

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mark stands for a secret when a request is shown.
func mark(size int) string { return "[redacted, " + plural(size, "byte") + "]" }

// scalarText returns a value's text for a place inside other text. The error
// completes "x is ...".
func scalarText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case nil:
		return "", errors.New("null, which has no form inside a text")
	case []any:
		return "", errors.New("a list, which cannot stand inside a text")
	case map[string]any:
		return "", errors.New("an object, which cannot stand inside a text")
	case int, int64, float64:
		text, err := json.Marshal(v)
		if err != nil {
			return "", errors.New("a number that JSON cannot represent")
		}
		return string(text), nil
	}
	return "", errors.New("of a type that JSON does not have")
}

// jsonText writes a value as compact JSON without HTML escapes. The error holds
// nothing of it.
func jsonText(value any) (string, error) {
	if !validText(value) {
		return "", errors.New("the value is not UTF-8, which JSON requires")
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", errors.New("the value has no form in JSON")
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// validText tells whether all texts of a value are UTF-8: encoding/json would
// change them in silence.
func validText(value any) bool {
	switch v := value.(type) {
	case string:
		return utf8.ValidString(v)
	case []any:
		for _, item := range v {
			if !validText(item) {
				return false
			}
		}
	case map[string]any:
		for key, item := range v {
			if !utf8.ValidString(key) || !validText(item) {
				return false
			}
		}
	}
	return true
}

// insideJSON writes a piece of a JSON string, without the quotes.
func insideJSON(text string) (string, error) {
	quoted, err := jsonText(text)
	if err != nil {
		return "", err
	}
	return quoted[1 : len(quoted)-1], nil
}

func insideXML(text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, notXML) {
		return "", errors.New("the value has a character that XML cannot carry")
	}
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(text)) // a buffer takes everything
	return escaped.String(), nil
}

// notXML: XML 1.0 section 2.2.
func notXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func insideQuery(text string) (string, error) { return url.QueryEscape(text), nil }

func insidePath(text string) (string, error) { return url.PathEscape(text), nil }
