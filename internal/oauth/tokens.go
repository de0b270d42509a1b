// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits on what is looked for in a trace besides the secrets that were sent.
const (
	maxTokens = 100  // texts of one answer; those named like a secret come first
	maxTexts  = 2000 // texts of one answer that are looked at, whatever they are named
	likelyLen = 8    // bytes of a text that may be a token although its name does not say so
)

// tokens collects the texts of an answer that may be tokens: nobody but the
// login's author knows which are, so all are taken that a trace does not show.
type tokens struct {
	names         strings.Builder // of the answer's members
	named, others []string
	texts         int
}

// tokensOf returns the texts of an answer that may be tokens. more tells that
// there are further ones.
func tokensOf(a *Answer) (found []string, more bool) {
	var t tokens
	for name, values := range a.Header {
		for _, value := range values {
			if secretName(name) && !slices.Contains(openHeaders, name) {
				eachPart(value, func(part string) { t.take(name, part) })
			}
		}
	}
	body := a.json()
	if value, _, ok := wholeValue(body); ok {
		body = value
	}
	eachText(body, func(name, _ string) { t.name(name) })
	eachText(body, func(name, text string) { eachPart(text, func(part string) { t.take(name, part) }) })
	if body == nil {
		form, _ := url.ParseQuery(string(a.Body)) // what parses, counts
		for name, values := range form {
			for _, value := range values {
				t.take(name, value)
			}
		}
		t.take("token", strings.TrimSpace(string(a.Body))) // which may be all there is
	}
	found = append(t.named, t.others...)
	return found[:min(len(found), maxTokens)], len(found) > maxTokens || t.texts > maxTexts
}

func (t *tokens) name(name string) {
	if t.names.Len() < 16<<10 && len(name) <= maxName {
		t.names.WriteString(name + "\n")
	}
}

// take keeps a text, unless it is one that the trace shows (as a note does the
// scope), or a name that the answer has among its own.
func (t *tokens) take(name, text string) {
	t.texts++
	secret := secretName(name)
	switch {
	case len(text) > maxText, len(text) < shortSecret: // longer than any text that is shown, or there by chance
	case name == "scope", wordy(text) && (t.texts > maxTexts || strings.Contains(t.names.String(), text)):
	case secret && len(t.named) <= maxTokens:
		t.named = append(t.named, text)
	case len(text) < likelyLen, dateLike(text), len(t.others) > maxTokens:
	case tellingName(name) && len(text) <= longWord && !tokenLike(text), tellingName(name) && strings.Contains(text, " "):
	default:
		t.others = append(t.others, text)
	}
}

// eachPart calls take with a text, and with what follows the scheme or the name
// in it: "Bearer <token>", "sid=<token>; Path=/".
func eachPart(text string, take func(string)) {
	take(text)
	if dateLike(text) {
		return
	}
	first, _, cut := strings.Cut(text, ";")
	if cut {
		take(first)
	}
	for _, separator := range []string{" ", "="} {
		if _, rest, ok := strings.Cut(first, separator); ok && len(rest) >= likelyLen {
			take(rest)
		}
	}
}

// wordy tells whether a text is words, as names of types and roles are.
func wordy(text string) bool {
	return !tokenLike(text) && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-., :/") == "" && len(text) <= maxName
}

// eachText visits every text of a JSON value with the name of the member it
// stands in, and every number; up to where the value is no JSON any more.
func eachText(body []byte, visit func(name, text string)) {
	type level struct {
		object, named bool
		name          string
	}
	levels := []level{{}}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		here := &levels[len(levels)-1]
		if key, is := token.(string); is && here.object && !here.named {
			here.name, here.named = key, true
			continue
		}
		here.named = false
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				levels = append(levels, level{object: v == '{', name: here.name})
			} else if levels = levels[:len(levels)-1]; len(levels) == 0 {
				return
			}
		case string:
			visit(here.name, v)
		case json.Number:
			if secretName(here.name) {
				visit(here.name, v.String())
			}
		}
	}
}

// json returns the answer's body from where a JSON value begins, or nil.
func (a *Answer) json() []byte {
	body := bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 || !bytes.ContainsRune([]byte(`{["`), rune(body[0])) {
		return nil
	}
	return body
}

// openHeaders are the headers of an answer that a trace shows with their values.
var openHeaders = []string{
	"Content-Type", "Content-Length", "Date", "Server", "Retry-After", "Cache-Control", "Allow", http.CanonicalHeaderKey("WWW-Authenticate"),
}

// dateLike tells whether a text is a date, and can hold nothing else.
func dateLike(text string) bool {
	if len(text) > maxName || strings.Trim(text, "0123456789-:.TZ+ ") != "" {
		return false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", time.DateOnly} {
		if date, err := time.Parse(layout, text); err == nil && len(text) <= len("2006-01-02T15:04:05.123456789+00:00") && date.Year() >= 1970 {
			return true
		}
	}
	return false
}

// jwtOf tells whether a text is a JSON Web Token in compact form (RFC 7519
// section 3), and its exp if it has one. Nothing is verified.
func jwtOf(text string) (expires time.Time, is bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if !decodePart(parts[0], &header) || header.Algorithm == "" {
		return time.Time{}, false
	}
	var claims struct {
		Expires json.Number `json:"exp"`
	}
	if decodePart(parts[1], &claims) {
		if seconds, ok := number(claims.Expires.String()); ok && seconds > 0 && seconds < 253402300800 { // the year 10000
			expires = time.Unix(int64(seconds), 0).UTC()
		}
	}
	return expires, true
}

func decodePart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}
