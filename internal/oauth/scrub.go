// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	redacted    = "[redacted]"
	shortSecret = 4       // characters; fewer occur by chance, and cutting them out would show where
	maxScrubbed = 4 << 10 // bytes; a longer text is a document, not a description, and is not kept
)

// secretParams are the form parameters whose values no error may show.
var secretParams = []string{
	"password", "refresh_token", "client_secret", "assertion", "client_assertion", "subject_token", "actor_token",
	"code", "code_verifier", "device_code", "token",
}

// registeredCodes are the error codes of RFC 6749, 6750, 8628, 8693 and OpenID
// Connect. They are kept as they are: a password such as "grant" must not turn
// invalid_grant into something that nobody recognises.
var registeredCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "server_error", "temporarily_unavailable", "invalid_token", "insufficient_scope", "invalid_target",
	"authorization_pending", "slow_down", "expired_token", "interaction_required", "login_required", "consent_required",
}

// scrubber takes the secrets of one request out of what the server says about it.
type scrubber struct{ secrets []string }

// scrubber collects every secret that a request carries: client authentication,
// the grant, header values, and the query of the endpoint.
func (c *Client) scrubber(endpoint *url.URL, form url.Values, proof Proof) *scrubber {
	s := new(scrubber)
	s.add(c.Own.Secrets()...)
	s.add(proof.Secrets...)
	for _, name := range secretParams {
		s.add(form[name]...)
	}
	for _, value := range c.Header {
		s.add(value)
		if _, credentials, _ := strings.Cut(value, " "); len(credentials) >= shortSecret { // of "Scheme credentials"
			s.add(credentials)
		}
	}
	for _, values := range endpoint.Query() {
		s.add(values...)
	}
	return s
}

func (s *scrubber) add(values ...string) {
	for _, value := range values {
		if value != "" && !slices.Contains(s.secrets, value) {
			s.secrets = append(s.secrets, value)
		}
	}
}

// code returns an error code in its alphabet (RFC 6749 section 5.2), without secrets.
func (s *scrubber) code(code string) string {
	if slices.Contains(registeredCodes, code) {
		return code
	}
	return s.clean(code, codeRune, maxCode)
}

// description returns a description for people, on one line, without secrets.
func (s *scrubber) description(description string) string {
	return s.clean(description, printableRune, maxDescription)
}

// clean filters, scrubs, then shortens; in this order, so that no secret comes
// together by the filter or escapes by losing its end. The filter works rune by
// rune: a filtered secret is found in a filtered text.
func (s *scrubber) clean(text string, filter func(rune) rune, limit int) string {
	if text == "" || len(text) > maxScrubbed {
		return ""
	}
	return cleaned(strings.Map(filter, text), s.forms(filter), s.pieces(filter), limit)
}

// cleaned takes the forms of secrets out of a filtered text, and shortens it. A
// text with a piece of a secret is withheld.
func cleaned(text string, forms, pieces []string, limit int) string {
	for _, form := range forms {
		if utf8.RuneCountInString(form) < shortSecret && strings.Contains(text, form) {
			return withheld(forms)
		}
	}
	text = strings.ToValidUTF8(cutOut(text, forms), "")  // a secret of odd bytes may have been part of a character
	if hides(text, forms) || containsAny(text, pieces) { // "[redacted]" itself may bring one together
		return withheld(forms)
	}
	return strings.TrimSpace(shortened(strings.TrimSpace(text), limit))
}

// forms returns every secret in every encoding that servers echo, filtered or not.
func (s *scrubber) forms(filter func(rune) rune) []string {
	var forms []string
	for _, value := range s.secrets {
		for _, form := range encodings(value) {
			forms = append(forms, form, strings.Map(filter, form))
		}
	}
	forms = slices.DeleteFunc(forms, func(form string) bool { return form == "" })
	slices.Sort(forms)
	return slices.Compact(forms)
}

// longPiece is how long a piece of a secret must be to be looked for, in bytes.
const longPiece = 8

// pieces returns what our own parsing makes of a secret that a server writes
// unescaped into a challenge or a form, and that ends a string there.
func (s *scrubber) pieces(filter func(rune) rune) []string {
	var all []string
	for _, value := range s.secrets {
		if strings.ContainsAny(value, `"&`) {
			for _, piece := range strings.FieldsFunc(value, func(r rune) bool { return r == '"' || r == '&' }) {
				for _, form := range []string{piece, formDecoded(piece), quotedPair.ReplaceAllString(piece, "$1")} {
					if form = strings.TrimSpace(strings.Map(filter, form)); len(form) >= longPiece {
						all = append(all, form)
					}
				}
			}
		}
	}
	return all
}

// encodings returns a value raw, form-encoded, path-escaped, in base64,
// JSON-escaped and HTML-escaped; and the other way round, as our own decoding
// leaves it when a server writes it unescaped into a form, a JSON string or a
// challenge.
func encodings(value string) []string {
	forms := []string{
		value, url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value),
		formDecoded(value), jsonUnescaped(value), quotedPair.ReplaceAllString(value, "$1"),
	}
	for _, base := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, base.EncodeToString([]byte(value)))
	}
	var plain strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a string always encodes
	escaped, _ := json.Marshal(value)
	for _, quoted := range []string{strings.TrimSuffix(plain.String(), "\n"), string(escaped)} {
		forms = append(forms, quoted[1:len(quoted)-1])
	}
	return forms
}

// cutOut replaces every stretch of text that belongs to one of the forms; they
// may overlap.
func cutOut(text string, forms []string) string {
	marked := make([]bool, len(text))
	for _, form := range forms {
		for at, done := 0, 0; ; at++ {
			next := strings.Index(text[at:], form)
			if next < 0 {
				break
			}
			at += next
			for done = max(done, at); done < at+len(form); done++ {
				marked[done] = true
			}
		}
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !marked[i]:
			out.WriteByte(text[i])
		case i == 0 || !marked[i-1]:
			out.WriteString(redacted)
		}
	}
	return out.String()
}

func containsAny(text string, forms []string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) })
}

// withheld stands for a text that cannot be shown.
func withheld(forms []string) string {
	if containsAny(redacted, forms) {
		return ""
	}
	return redacted
}

func shortened(text string, limit int) string {
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}

// printable returns text with its control characters made spaces and other
// unprintable ones left out.
func printable(text string) string { return strings.Map(printableRune, text) }

func printableRune(r rune) rune {
	switch {
	case unicode.IsControl(r), unicode.IsSpace(r):
		return ' '
	case unicode.IsPrint(r):
		return r
	}
	return -1
}

// codeRune keeps the alphabet of error (RFC 6749 section 5.2).
func codeRune(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return -1
	}
	return r
}
