// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a shape.
const (
	maxMembers = 60
	maxDepth   = 6
	maxDigits  = 16
)

// shape draws the body of an answer without what may be a secret in it.
type shape struct {
	veil    *veil
	out     strings.Builder
	members int
	says    bool // the answer says no, so that its words may be shown
	spaced  bool // ... only those with a space in them: it came with a status of success
}

// shapeOf returns what an answer's body looks like: the structure of a JSON value
// with its names, numbers and dates, and for anything else what it is. quiet
// keeps back the words of an error, too.
func shapeOf(a *Answer, v *veil, quiet bool) string {
	body := bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")))
	if value, rest, ok := wholeValue(body); ok {
		s := &shape{veil: v, spaced: a.Status/100 == 2}
		s.says = !quiet && (!s.spaced || saysNo(value))
		s.value(value, "", 1)
		if rest > 0 {
			fmt.Fprintf(&s.out, "\n[%d bytes behind it]", rest)
		}
		return s.out.String()
	}
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch {
	case a.cut:
		return fmt.Sprintf("[cut off after %d bytes]", len(a.Body))
	case len(body) == 0:
		return "[empty]"
	case !textual(body):
		return fmt.Sprintf("[binary, %d bytes]", len(a.Body))
	case strings.Contains(media, "xml") && media != "application/xhtml+xml", bytes.HasPrefix(body, []byte("<?xml")):
		return fmt.Sprintf("[XML, %d bytes]", len(a.Body))
	case body[0] == '<' || media == "text/html":
		return fmt.Sprintf("[HTML, %d bytes]", len(a.Body))
	}
	if names := formNames(body, media, v); names != "" {
		return "[form: " + names + "]"
	}
	return fmt.Sprintf("[text, %d bytes]", len(a.Body))
}

// wholeValue returns the JSON value that body begins with, and how many bytes
// come after it. It forgives what fields forgives.
func wholeValue(body []byte) (value json.RawMessage, rest int, ok bool) {
	if len(body) == 0 {
		return nil, 0, false
	}
	for _, text := range [][]byte{body, bareLife.ReplaceAll(body, []byte(`$1"$2"$3`))} {
		d := json.NewDecoder(bytes.NewReader(text))
		if d.Decode(&value) == nil {
			rest = len(bytes.TrimSpace(text[d.InputOffset():]))
			return value, rest, rest == 0 || body[0] == '{'
		}
	}
	return nil, 0, false
}

// saysNo tells whether an answer with a status of success is an error all the same.
func saysNo(value json.RawMessage) bool {
	fields, _ := decodeObject(value)
	success, is := fields["success"].(bool)
	list, _ := fields["errors"].([]any)
	return carriesError(fields) || is && !success || len(list) > 0
}

// value draws one value; name is the member it stands in, or the list.
func (s *shape) value(raw json.RawMessage, name string, depth int) {
	switch raw[0] {
	case '{', '[':
		s.container(raw, name, depth)
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text) // it has been decoded once
		s.out.WriteString(s.text(name, text))
	case 't', 'f', 'n':
		s.out.Write(raw)
	default:
		s.out.WriteString(s.number(name, string(raw)))
	}
}

// container draws an object or a list, as far as the limits allow.
func (s *shape) container(raw json.RawMessage, name string, depth int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // raw has been decoded once: it is whole
	s.out.WriteByte(raw[0])
	empty := true
	for ; d.More(); empty = false {
		if !empty {
			s.out.WriteByte(',')
		}
		s.out.WriteString("\n" + strings.Repeat("  ", depth))
		if s.members++; s.members > maxMembers || depth > maxDepth {
			s.out.WriteString("...")
			empty = false
			break
		}
		member := name // the texts of a list are what the list is named
		if raw[0] == '{' {
			key, _ := d.Token()
			member, _ = key.(string)
			fmt.Fprintf(&s.out, `"%s": `, s.veil.name(member))
		}
		var value json.RawMessage
		_ = d.Decode(&value)
		s.value(value, member, depth+1)
	}
	if !empty {
		s.out.WriteString("\n" + strings.Repeat("  ", depth-1))
	}
	s.out.WriteByte(raw[len(raw)-1])
}

// text describes a text, and shows it only if it is a date, or words about an
// error in an answer that is one.
func (s *shape) text(name, text string) string {
	length := utf8.RuneCountInString(text)
	switch expires, jwt := jwtOf(text); {
	case text == "":
		return `""`
	case jwt && expires.IsZero():
		return fmt.Sprintf("[JWT, %d characters]", length)
	case jwt:
		return fmt.Sprintf("[JWT, %d characters, exp %s]", length, expires.Format(time.RFC3339))
	case dateLike(text) && !secretName(name):
		return `"` + s.veil.text(text) + `"`
	case s.shows(name, text, length):
		if shown := s.veil.text(text); shown != "" {
			return `"` + shown + `"`
		}
	}
	return fmt.Sprintf("[text, %d characters]", length)
}

func (s *shape) shows(name, text string, length int) bool {
	spaced := strings.Contains(strings.TrimSpace(text), " ")
	switch {
	case !s.says || !tellingName(name) || secretName(name):
		return false
	case spaced, slices.Contains(registeredCodes, text):
		return true
	}
	return !s.spaced && length <= longWord
}

// number shows a number, unless it may be a token or a secret, as one that is
// the whole answer may.
func (s *shape) number(name, number string) string {
	digits := 0
	for _, r := range number {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits > maxDigits || s.members == 0 || secretName(name) || cleaned(number, s.veil.forms, nil, maxShown) != number {
		return "[number]"
	}
	return number
}

// textual tells whether a body is text at all.
func textual(body []byte) bool {
	return utf8.Valid(body) && bytes.IndexFunc(body, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) < 0
}

// formNames lists the names of a form-encoded answer; nothing if it may be
// something else that has an equals sign in it, such as a token in base64.
func formNames(body []byte, media string, v *veil) string {
	a := Answer{Body: body}
	if _, reason := decodeForm(a.Body); reason != "" && media != "application/x-www-form-urlencoded" {
		return ""
	}
	var names []string
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || strings.Trim(value, "=") == "" && name != "scope" || strings.Trim(name, nameAlphabet) != "" {
			return ""
		}
		if names = append(names, v.name(name)); len(names) == maxMembers {
			break
		}
	}
	return strings.Join(names, ", ")
}

const nameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
