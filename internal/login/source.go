// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/mitchellh/pointerstructure"
)

// source is a place in an answer.
type source interface {
	look(a *answer) found
	name() string  // "/token"
	place() string // "at /token"
}

// found is what a source found.
type found struct {
	value   any // if it is there
	there   bool
	trouble string // otherwise: what the answer is instead, or has instead
}

// sourceKind is a key of a source.
type sourceKind struct {
	key     string
	compile func(c *compiler, n *node) source
	expires bool // may say when a token expires, too
}

// sourceKinds is every kind of source.
func sourceKinds() []sourceKind {
	return []sourceKind{{"json", compileJSONSource, true}, {"header", compileHeaderSource, true}, {"body", compileBodySource, false}}
}

func (c *compiler) source(n *node) source {
	s, _ := c.sourceAnd(n, "")
	return s
}

// sourceAnd compiles a source that may have another key beside it.
func (c *compiler) sourceAnd(n *node, beside string) (source, *node) {
	var keys []string
	for _, kind := range sourceKinds() {
		keys = append(keys, kind.key)
	}
	allowed := keys
	if beside != "" {
		allowed = append(keys[:len(keys):len(keys)], beside)
	}
	if n.kind == isText {
		c.refuse(n, `must be an object, such as {"json": "/token"}`)
	}
	fields := c.fields(n, allowed...)
	one := c.oneOf(n, fields, keys...)
	for _, kind := range sourceKinds() {
		if one != nil && one.key == kind.key {
			return kind.compile(c, one), fields[beside]
		}
	}
	return nil, fields[beside]
}

// jsonSource is a JSON pointer (RFC 6901).
type jsonSource struct {
	text    string
	pointer *pointerstructure.Pointer
}

var badEscape = regexp.MustCompile(`~(?:[^01]|$)`)

func compileJSONSource(c *compiler, n *node) source {
	if !c.want(n, isText) {
		return nil
	}
	return c.pointer(n, n.text, n.at)
}

func (c *compiler) pointer(n *node, text string, at int) *jsonSource {
	pointer, err := pointerstructure.Parse(text)
	switch {
	case err != nil:
		c.refuseAt(n, at, `a JSON pointer begins with "/" or is empty; did you mean %q?`, asPointer(text))
	case badEscape.MatchString(text):
		c.refuseAt(n, at, `a JSON pointer has "~" only in ~0, which is "~", and ~1, which is "/"`)
	}
	return &jsonSource{text, pointer}
}

// asPointer is a path in another notation, such as $.data.token, as a pointer.
func asPointer(text string) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "$"), ".")
	return "/" + shownKey(strings.ReplaceAll(text, ".", "/"))
}

func (s *jsonSource) look(a *answer) found {
	value, trouble := a.json()
	if trouble != "" {
		return found{trouble: trouble}
	}
	for i, part := range s.pointer.Parts {
		next, ok := child(value, part)
		if !ok {
			return found{trouble: "nothing there; " + s.upTo(i, value)}
		}
		value = next
	}
	return found{value: value, there: true}
}

var listIndex = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,8})$`)

// child is one step of a pointer. pointerstructure's own Get would read "", "01"
// and "0x1" as indexes of a list, which RFC 6901 section 4 does not.
func child(value any, part string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		next, ok := v[part]
		return next, ok
	case []any:
		if !listIndex.MatchString(part) {
			return nil, false
		}
		index := 0
		for _, digit := range part {
			index = index*10 + int(digit-'0')
		}
		if index >= len(v) {
			return nil, false
		}
		return v[index], true
	}
	return nil, false
}

// upTo describes what is at the last place that a pointer reached.
func (s *jsonSource) upTo(parts int, value any) string {
	if parts == 0 {
		return outline("the answer", "the answer's keys are ", value)
	}
	reached := pointerstructure.Pointer{Parts: s.pointer.Parts[:parts]}
	name := shownPointer(reached.String())
	return outline(name, "the keys at "+name+" are ", value)
}

func (s *jsonSource) name() string {
	if s.text == "" {
		return "the whole answer"
	}
	return shownPointer(s.text)
}

func (s *jsonSource) place() string {
	if s.text == "" {
		return "as the whole answer"
	}
	return "at " + s.name()
}

// shownPointer is a pointer for a message.
func shownPointer(text string) string {
	parts := strings.Split(text, "/")
	for i, part := range parts[1:] {
		if part != "" {
			parts[i+1] = shownKey(part)
		}
	}
	if len(parts) > 11 {
		parts = append(parts[:11], "...")
	}
	return strings.Join(parts, "/")
}

// headerSource is a header of the answer; of several, the first.
type headerSource struct{ header string }

func compileHeaderSource(c *compiler, n *node) source {
	name := c.literal(n)
	if !headerName.MatchString(name) {
		c.refuse(n, "%s", (Rules{}).checkName(name))
	}
	return &headerSource{http.CanonicalHeaderKey(name)}
}

func (s *headerSource) look(a *answer) found {
	if values := a.Header.Values(s.header); len(values) > 0 {
		return found{value: values[0], there: true}
	}
	return found{trouble: fmt.Sprintf("no such header, and %s", a.outline())}
}

func (s *headerSource) name() string { return "the header " + shownKey(s.header) }

func (s *headerSource) place() string { return "in " + s.name() }

// bodySource is the whole body.
type bodySource struct{}

func compileBodySource(c *compiler, n *node) source {
	if n.kind != isBoolean || n.text != "true" {
		c.refuse(n, "must be true")
	}
	return bodySource{}
}

// look returns the value of a body that is a JSON string, and any other text as it
// is. It refuses an object or a list: servers answer errors in that form.
func (bodySource) look(a *answer) found {
	if words := noData(a.body); words != "" {
		return found{trouble: words}
	}
	value, trouble := a.json()
	switch value.(type) {
	case json.Number, bool: // a token may look like one
	default:
		if trouble == "" {
			return found{value: value, there: true}
		}
	}
	return found{value: string(a.body), there: true}
}

func (bodySource) name() string { return "the body" }

func (bodySource) place() string { return "as the body" }
