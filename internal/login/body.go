// SPDX-License-Identifier: MPL-2.0

package login

import (
	"bytes"
	"strings"
)

// body is the plan of a request's body.
type body interface {
	contentType() string // unless the document sets one
	render(f *filler) ([]byte, error)
}

// bodyKind is a key of "request" that describes a body. contentType is the
// header of that name in the document, or nil.
type bodyKind struct {
	key     string
	compile func(c *compiler, n *node, s *scope, contentType *pair) body
}

// bodyKinds is every way to describe a body.
func bodyKinds() []bodyKind {
	return []bodyKind{{"json", compileJSON}, {"form", compileForm}, {"text", compileText}}
}

// jsonBody is a JSON value with placeholders in its texts.
type jsonBody struct {
	root  *node
	texts map[*node]*template
}

func compileJSON(c *compiler, n *node, s *scope, _ *pair) body {
	b := &jsonBody{root: n, texts: map[*node]*template{}}
	b.compile(c, n, s)
	return b
}

func (b *jsonBody) compile(c *compiler, n *node, s *scope) {
	switch n.kind {
	case isText:
		b.texts[n] = c.template(n, s)
	case isObject:
		for _, member := range n.members {
			if strings.Contains(member.key, "{{") {
				c.refuseKey(member, "a key must not hold a placeholder")
			}
			b.compile(c, member, s)
		}
	case isList:
		for _, item := range n.items {
			b.compile(c, item, s)
		}
	}
}

func (b *jsonBody) contentType() string { return "application/json" }

func (b *jsonBody) render(f *filler) ([]byte, error) {
	var text bytes.Buffer
	if err := b.write(&text, f, b.root); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func (b *jsonBody) write(to *bytes.Buffer, f *filler, n *node) error {
	switch n.kind {
	case isObject:
		to.WriteByte('{')
		for i, member := range n.members {
			if i > 0 {
				to.WriteByte(',')
			}
			key, _ := insideJSON(member.key) // the document is UTF-8
			to.WriteString(`"` + key + `":`)
			if err := b.write(to, f, member); err != nil {
				return err
			}
		}
		to.WriteByte('}')
	case isList:
		to.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				to.WriteByte(',')
			}
			if err := b.write(to, f, item); err != nil {
				return err
			}
		}
		to.WriteByte(']')
	case isText:
		text, err := f.jsonValue(b.texts[n])
		to.WriteString(text)
		return err
	default:
		to.WriteString(n.text)
	}
	return nil
}

// jsonValue writes a text of the document; one that is a placeholder and nothing
// else takes the type of the value.
func (f *filler) jsonValue(t *template) (string, error) {
	name := t.only()
	if name == "" {
		text, err := f.fill(t, insideJSON, insideJSON)
		return `"` + text + `"`, err
	}
	value, ok := f.values.lookup(name)
	if !ok {
		if f.show {
			return `"` + unreadable + `"`, nil
		}
		_, err := f.scalar(name)
		return "", at(t.at, err)
	}
	text, err := jsonText(value)
	switch {
	case f.show && isSecret(name):
		return `"` + mark(secretSize(value)) + `"`, nil
	case f.show && err != nil:
		return `"` + unreadable + `"`, nil
	case err != nil:
		return "", at(t.at, err)
	}
	return text, nil
}

// secretSize is the length of a secret: of its text, or of its JSON.
func secretSize(value any) int {
	text, err := scalarText(value)
	if err != nil {
		text, _ = jsonText(value)
	}
	return len(text)
}

// formBody is application/x-www-form-urlencoded.
type formBody struct{ pairs []pair }

const formType = "application/x-www-form-urlencoded"

func compileForm(c *compiler, n *node, s *scope, _ *pair) body { return &formBody{c.pairs(n, s)} }

func (b *formBody) contentType() string { return formType }

func (b *formBody) render(f *filler) ([]byte, error) {
	text, err := renderPairs(f, b.pairs)
	return []byte(text), err
}
