// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/url"
	"regexp"
)

// fields returns the members of the answer, or why it has none. Names are case
// sensitive. Of a repeated name the last counts, as in most parsers. What comes
// after the object is ignored (PHP appends its warnings): nothing behind a whole
// answer can take it back.
func (a *Answer) fields() (map[string]any, string) {
	body := bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")))
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch {
	case len(body) == 0:
		return nil, "the answer is empty"
	case body[0] == '{': // whatever the type says: JSON labelled text/html is common
		return decodeObject(body)
	case body[0] == '<' || media == "text/html":
		return nil, "the answer is HTML or XML, not JSON"
	case a.cut: // half a form looks like a whole one
		return nil, "the answer was cut off"
	case media == "application/x-www-form-urlencoded" || media == "text/plain":
		return decodeForm(body)
	}
	return nil, "the answer is not a JSON object"
}

// bareLife finds an expires_in whose value is no JSON at all: Python writes NaN
// and Infinity, string concatenation 3600s, 03600 or nothing.
var bareLife = regexp.MustCompile(`("expires_in"\s*:\s*)([^\s",}\]\[{\\]*)(\s*[,}])`)

func decodeObject(body []byte) (map[string]any, string) {
	decode := func(text []byte) (fields map[string]any, err error) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&fields)
		return fields, err
	}
	fields, err := decode(body)
	if err != nil {
		fields, err = decode(bareLife.ReplaceAll(body, []byte(`$1"$2"$3`)))
	}
	if err != nil {
		return nil, "the answer is not JSON"
	}
	return fields, ""
}

// decodeForm reads the form-encoded answers of GitHub (its default) and of old
// Facebook-like APIs, which label them text/plain.
func decodeForm(body []byte) (map[string]any, string) {
	values, _ := url.ParseQuery(string(body)) // what parses, counts
	if !values.Has("access_token") && !values.Has("error") {
		return nil, "the answer is not a JSON object"
	}
	fields := make(map[string]any, len(values))
	for name, list := range values {
		fields[name] = list[len(list)-1]
	}
	return fields, ""
}
