// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxDepth = 64 // of objects and lists in a document

// kind is a type of JSON value, in words.
type kind string

const (
	isObject  kind = "an object"
	isList    kind = "a list"
	isText    kind = "a text"
	isNumber  kind = "a number"
	isBoolean kind = "true or false"
	isNull    kind = "null"
)

// node is a JSON value of the document. encoding/json forgets order and place;
// a person needs the place, and some servers the order.
type node struct {
	kind    kind
	at      int    // byte offset in the document
	text    string // of a text; a number as written; "true", "false", "null"
	members []*node
	items   []*node

	parent *node
	key    string // in an object
	keyAt  int
	index  int // in a list
}

// path names the node for a person: request.json.a[2].
func (n *node) path() string {
	switch {
	case n.parent == nil:
		return ""
	case n.parent.kind == isList:
		return n.parent.path() + "[" + strconv.Itoa(n.index) + "]"
	}
	name := shownKey(n.key)
	if above := n.parent.path(); above != "" {
		return above + "." + name
	}
	return name
}

// misfit is what is wrong at one place of the document.
type misfit struct {
	path  string
	at    int
	words string
}

// in returns the misfit as an error that names path, line and column. Line and
// column count from 1, the column in characters.
func (m *misfit) in(document string) error {
	at := min(m.at, len(document))
	line := strings.Count(document[:at], "\n") + 1
	column := utf8.RuneCountInString(document[strings.LastIndexByte(document[:at], '\n')+1:at]) + 1
	path := m.path
	if path == "" {
		path = "the document"
	}
	return fmt.Errorf("%s (line %d, column %d): %s", path, line, column, m.words)
}

// parse reads the one JSON object that a document is.
func parse(text string) (*node, *misfit) {
	if at := invalidUTF8(text); at >= 0 {
		return nil, &misfit{at: at, words: "not UTF-8"}
	}
	// Unmarshal checks the whole grammar and limits the depth. The decoder, whose
	// tokens are read below, does neither.
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return nil, notJSON(text, err)
	}
	p := &parser{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	p.decoder.UseNumber()
	root := &node{}
	if m := p.value(root, 0); m != nil {
		return nil, m
	}
	return root, nil
}

func invalidUTF8(text string) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// notJSON keeps the place of an error of encoding/json. Its text quotes characters.
func notJSON(text string, err error) *misfit {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case strings.TrimSpace(text) == "":
		return &misfit{words: "empty; a login document is a JSON object"}
	case !ok || syntax.Error() == "unexpected end of JSON input":
		return &misfit{at: len(text), words: "the JSON ends too early: a quote, a bracket or a brace is missing"}
	}
	at := max(int(syntax.Offset)-1, 0)
	if complete(text[:at]) {
		return &misfit{at: at, words: "there is something after the JSON value"}
	}
	return &misfit{at: at, words: "not JSON from here on"}
}

func complete(text string) bool { return json.Valid([]byte(text)) }

type parser struct {
	text    string
	decoder *json.Decoder
}

// next returns a token and where it begins.
func (p *parser) next() (json.Token, int) {
	at := int(p.decoder.InputOffset())
	for at < len(p.text) && strings.IndexByte(" \t\r\n,:", p.text[at]) >= 0 {
		at++
	}
	token, err := p.decoder.Token()
	if err != nil {
		return nil, at // does not happen: the whole text is valid
	}
	return token, at
}

func (p *parser) value(n *node, depth int) *misfit {
	token, at := p.next()
	n.at = at
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return &misfit{n.path(), at, fmt.Sprintf("objects and lists are nested more than %d deep", maxDepth)}
		}
		if t == '{' {
			return p.object(n, depth)
		}
		return p.list(n, depth)
	case string:
		n.kind, n.text = isText, t
	case json.Number:
		n.kind, n.text = isNumber, t.String()
	case bool:
		n.kind, n.text = isBoolean, strconv.FormatBool(t)
	default:
		n.kind, n.text = isNull, "null"
	}
	return nil
}

func (p *parser) object(n *node, depth int) *misfit {
	n.kind = isObject
	seen := map[string]bool{}
	for p.decoder.More() {
		token, at := p.next()
		key, _ := token.(string)
		member := &node{parent: n, key: key, keyAt: at}
		if seen[key] {
			return &misfit{member.path(), at, "this key stands here twice"}
		}
		seen[key] = true
		if m := p.value(member, depth+1); m != nil {
			return m
		}
		n.members = append(n.members, member)
	}
	p.next()
	return nil
}

func (p *parser) list(n *node, depth int) *misfit {
	n.kind = isList
	for p.decoder.More() {
		item := &node{parent: n, index: len(n.items)}
		if m := p.value(item, depth+1); m != nil {
			return m
		}
		n.items = append(n.items, item)
	}
	p.next()
	return nil
}

// within returns the offset in the document of byte i of a text's value.
func (n *node) within(document string, i int) int {
	at := n.at + 1 // the quote
	for value := 0; value < i && at < len(document); {
		size, long := 1, 1
		if document[at] == '\\' {
			size, long = escape(document[at:])
		}
		at += size
		value += long
	}
	return at
}

// escape returns how many bytes an escape of JSON takes, and how many its character.
func escape(text string) (size, long int) {
	if len(text) < 6 || text[1] != 'u' {
		return 2, 1
	}
	var value string
	for _, size := range []int{12, 6} { // a pair of surrogates, or one escape
		if len(text) >= size && json.Unmarshal([]byte(`"`+text[:size]+`"`), &value) == nil && utf8.RuneCountInString(value) == 1 {
			return size, len(value)
		}
	}
	return 6, 3
}
