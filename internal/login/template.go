// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"slices"
	"strings"
)

const secretsPrefix, variablesPrefix = "secrets.", "variables."

// template is a text of the document with placeholders for values. The document is
// parsed before any value is filled in, so no value can change its structure.
type template struct {
	at    *node
	parts []part
}

// part is a piece of text, or a placeholder if it has a name.
type part struct{ literal, name string }

// only returns the name if the template is exactly one placeholder.
func (t *template) only() string {
	if len(t.parts) == 1 {
		return t.parts[0].name
	}
	return ""
}

// fixed returns the text of a template without placeholders.
func (t *template) fixed() (string, bool) {
	text := ""
	for _, part := range t.parts {
		if part.name != "" {
			return "", false
		}
		text += part.literal
	}
	return text, true
}

// literals returns the texts between the placeholders.
func (t *template) literals() []string {
	var literals []string
	for _, part := range t.parts {
		if part.name == "" {
			literals = append(literals, part.literal)
		}
	}
	return literals
}

// scope is what placeholders may stand for at a place, and those that are used.
type scope struct {
	names     []string // without secrets.<k> and variables.<k>, which may stand everywhere
	noRefresh bool     // refresh_token would be known if the document took one
	used      map[string]bool
}

func loginScope() *scope {
	return &scope{names: []string{"username", "password", "client_id", "client_secret"}, used: map[string]bool{}}
}

// refuses tells why a placeholder cannot stand there, or "".
func (s *scope) refuses(name string) string {
	if slices.Contains(s.names, name) {
		return ""
	}
	for _, prefix := range []string{secretsPrefix, variablesPrefix} {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			if plainName.MatchString(key) {
				return ""
			}
			return "the name after " + prefix + " consists of 1 to 64 letters, digits, _, . and -"
		}
	}
	switch name {
	case "token":
		return "{{token}} is known only in refresh.request and in use.value"
	case "refresh_token":
		if s.noRefresh {
			return `{{refresh_token}} needs "refresh_token" beside "token", which says where the login's answer has it`
		}
		return "{{refresh_token}} is known only in refresh.request"
	case "password", "client_id", "client_secret":
		return "{{" + name + "}} is not known here"
	}
	if meant := suggest(name, s.names); meant != "" {
		return "unknown placeholder; did you mean {{" + meant + "}}?"
	}
	return "unknown placeholder; there are " + strings.Join(s.names, ", ") + ", secrets.<name> and variables.<name>"
}

// template compiles a text.
func (c *compiler) template(n *node, s *scope) *template {
	t := &template{at: n}
	if !c.want(n, isText) {
		return t
	}
	for rest := n.text; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.parts = append(t.parts, part{literal: before})
		}
		if !found {
			break
		}
		at := n.within(c.text, len(n.text)-len(after)-2)
		inside, behind, closed := strings.Cut(after, "}}")
		name := strings.Trim(inside, " ")
		if !closed {
			c.refuseAt(n, at, `"{{" begins a placeholder, and there is no "}}" after it`)
			break
		}
		if words := s.refuses(name); words != "" {
			c.refuseAt(n, at, "%s", words)
		}
		s.used[name] = true
		t.parts = append(t.parts, part{name: name})
		rest = behind
	}
	return t
}

// encoder writes a text in the way of the place where it stands.
type encoder func(string) (string, error)

func asIs(text string) (string, error) { return text, nil }

// filler fills templates with values: for the wire, or for a person to read.
type filler struct {
	values *Values
	show   bool // secrets as marks, and no errors
}

const unreadable = "[?]" // stands for what cannot be shown

// fill renders a template. Errors name the place, never the value.
func (f *filler) fill(t *template, literals, values encoder) (string, error) {
	var filled strings.Builder
	for _, part := range t.parts {
		text, err := f.part(part, literals, values)
		if err != nil {
			return "", at(t.at, err)
		}
		filled.WriteString(text)
	}
	return filled.String(), nil
}

func (f *filler) part(p part, literals, values encoder) (string, error) {
	text, encode := p.literal, literals
	if p.name != "" {
		value, err := f.scalar(p.name)
		switch {
		case f.show && err != nil:
			return unreadable, nil
		case f.show && isSecret(p.name):
			return mark(len(value)), nil
		case err != nil:
			return "", err
		}
		text, encode = value, values
	}
	encoded, err := encode(text)
	if err != nil && f.show {
		return unreadable, nil
	}
	return encoded, err
}

// scalar returns a value as it stands inside other text.
func (f *filler) scalar(name string) (string, error) {
	value, ok := f.values.lookup(name)
	if !ok {
		return "", errors.New("there is no value for " + name)
	}
	text, err := scalarText(value)
	if err != nil {
		return "", errors.New(name + " is " + err.Error())
	}
	return text, nil
}

// at puts the place in front of an error.
func at(n *node, err error) error { return placed{n.path(), err} }

type placed struct {
	path string
	err  error
}

func (p placed) Error() string { return p.path + ": " + p.err.Error() }

func (p placed) Unwrap() error { return p.err }
