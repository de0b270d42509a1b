// SPDX-License-Identifier: MPL-2.0

package login

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// compiler walks a document's tree. It keeps the first misfit and goes on, so that
// its callers need not check an error after each step.
type compiler struct {
	text   string
	rules  Rules
	misfit *misfit
	doubts []string
}

// doubt notes something valid that its author probably did not mean.
func (c *compiler) doubt(n *node, format string, args ...any) {
	c.doubts = append(c.doubts, (&misfit{n.path(), n.at, fmt.Sprintf(format, args...)}).in(c.text).Error())
}

// refuse notes what is wrong with a value; a later note does not replace it.
func (c *compiler) refuse(n *node, format string, args ...any) {
	c.refuseAt(n, n.at, format, args...)
}

// refuseKey notes what is wrong with a member, at its key.
func (c *compiler) refuseKey(n *node, format string, args ...any) {
	c.refuseAt(n, n.keyAt, format, args...)
}

func (c *compiler) refuseAt(n *node, at int, format string, args ...any) {
	if c.misfit == nil {
		c.misfit = &misfit{n.path(), at, fmt.Sprintf(format, args...)}
	}
}

// want tells whether a value is of a type.
func (c *compiler) want(n *node, want kind) bool {
	if n.kind == want {
		return true
	}
	have := string(n.kind)
	if n.kind == isBoolean {
		have = n.text
	}
	c.refuse(n, "must be %s, and is %s", want, have)
	return false
}

// fields returns an object's members by key and refuses keys that the grammar
// does not have there.
func (c *compiler) fields(n *node, keys ...string) map[string]*node {
	fields := map[string]*node{}
	if !c.want(n, isObject) {
		return fields
	}
	for _, member := range n.members {
		if !slices.Contains(keys, member.key) {
			c.unknownKey(member, keys)
			continue
		}
		fields[member.key] = member
	}
	return fields
}

func (c *compiler) unknownKey(member *node, keys []string) {
	if meant := suggest(member.key, keys); meant != "" {
		c.refuseKey(member, "unknown key; did you mean %s?", meant)
		return
	}
	c.refuseKey(member, "unknown key; the keys here are %s", strings.Join(keys, ", "))
}

// named returns the members of an object whose keys the document chooses.
func (c *compiler) named(n *node) []*node {
	if !c.want(n, isObject) {
		return nil
	}
	for _, member := range n.members {
		switch {
		case member.key == "":
			c.refuseKey(member, "a name must not be empty")
		case strings.Contains(member.key, "{{"):
			c.refuseKey(member, "a name must not hold a placeholder")
		}
	}
	return n.members
}

// literal returns a text in which placeholders have no meaning.
func (c *compiler) literal(n *node) string {
	if !c.want(n, isText) {
		return ""
	}
	if strings.Contains(n.text, "{{") {
		c.refuse(n, "no placeholder can stand here")
	}
	return n.text
}

// oneOf returns the one member that is there of several that exclude each other.
func (c *compiler) oneOf(n *node, fields map[string]*node, keys ...string) *node {
	var one *node
	for _, key := range keys {
		switch field := fields[key]; {
		case field != nil && one != nil:
			c.refuseKey(field, "%s is there as well; exactly one of them may be", one.key)
		case field != nil:
			one = field
		}
	}
	if one == nil {
		c.refuse(n, "needs one of %s", strings.Join(keys, ", "))
	}
	return one
}

const maxShownKey = 40 // characters of a key that a message shows

var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// shownKey is a key for a message: its first 40 characters, printable ASCII only.
func shownKey(key string) string {
	if key == "" {
		return `""`
	}
	var shown strings.Builder
	count := 0
	for _, r := range key {
		if count == maxShownKey {
			shown.WriteString("...")
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		shown.WriteRune(r)
		count++
	}
	return shown.String()
}
