// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// headerName is a token of RFC 9110 section 5.6.2.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// checkName holds a header's name against HTTP and the rules.
func (r Rules) checkName(name string) error {
	if !headerName.MatchString(name) {
		return errors.New("a header name consists of letters, digits and !#$%&'*+-.^_`|~")
	}
	if r.HeaderName == nil {
		return nil
	}
	return r.HeaderName(name)
}

// checkValue holds a header's value against HTTP and the rules.
func (r Rules) checkValue(value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errors.New("a header value must not hold control characters, such as the end of a line")
	}
	if r.HeaderValue == nil {
		return nil
	}
	return r.HeaderValue(value)
}

// headers compiles an object of header values. Names differ without regard to case.
func (c *compiler) headers(n *node, s *scope) []pair {
	var headers []pair
	for _, member := range c.named(n) {
		if err := c.rules.checkName(member.key); err != nil {
			c.refuseKey(member, "%s", err)
		}
		if find(headers, member.key) != nil {
			c.refuseKey(member, "this header stands here twice; case makes no difference")
		}
		headers = append(headers, pair{member.key, c.headerValue(member, s)})
	}
	return headers
}

// headerValue compiles one value and looks already now at what no value changes.
func (c *compiler) headerValue(n *node, s *scope) *template {
	t := c.template(n, s)
	for _, literal := range t.literals() {
		if err := (Rules{}).checkValue(literal); err != nil {
			c.refuse(n, "%s", err)
		}
	}
	if fixed, ok := t.fixed(); ok {
		if err := c.rules.checkValue(fixed); err != nil {
			c.refuse(n, "%s", err)
		}
	}
	return t
}

func renderHeaders(f *filler, headers []pair, rules Rules) ([]Header, error) {
	var rendered []Header
	for _, header := range headers {
		value, err := f.fill(header.value, asIs, asIs)
		if err != nil {
			return nil, err
		}
		if err := rules.checkValue(value); err != nil {
			if !f.show {
				return nil, at(header.value.at, err)
			}
			value = unreadable
		}
		rendered = append(rendered, Header{header.name, value})
	}
	return rendered, nil
}
