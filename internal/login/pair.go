// SPDX-License-Identifier: MPL-2.0

package login

import "strings"

// pair is a name with a value, of a query, a form or headers.
type pair struct {
	name  string
	value *template
}

// pairs compiles an object of texts, or lists of texts where a name has several
// values. Their order is kept.
func (c *compiler) pairs(n *node, s *scope) []pair {
	var pairs []pair
	for _, member := range c.named(n) {
		if member.kind != isList {
			pairs = append(pairs, pair{member.key, c.pairValue(member, s)})
			continue
		}
		if len(member.items) == 0 {
			c.refuse(member, "an empty list; leave the name out")
		}
		for _, item := range member.items {
			pairs = append(pairs, pair{member.key, c.pairValue(item, s)})
		}
	}
	return pairs
}

func (c *compiler) pairValue(n *node, s *scope) *template {
	if n.kind == isNumber || n.kind == isBoolean {
		c.refuse(n, "must be a text: put it in quotes")
	}
	return c.template(n, s)
}

// renderPairs returns name=value&name=value, both encoded.
func renderPairs(f *filler, pairs []pair) (string, error) {
	var text strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			text.WriteByte('&')
		}
		name, _ := insideQuery(pair.name)
		value, err := f.fill(pair.value, insideQuery, insideQuery)
		if err != nil {
			return "", err
		}
		text.WriteString(name + "=" + value)
	}
	return text.String(), nil
}

// find returns the pair of a name, without regard to case, or nil.
func find(pairs []pair, name string) *pair {
	for i := range pairs {
		if strings.EqualFold(pairs[i].name, name) {
			return &pairs[i]
		}
	}
	return nil
}
