// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Use is how an application sends a token: headers and query parameters by name,
// the latter not yet encoded.
type Use struct{ Headers, Query map[string]string }

// use is the plan of a Use.
type use struct {
	kind    string // "header", "query" or "cookie"
	name    string
	value   *template
	headers []pair
	used    map[string]bool
}

func (c *compiler) use(n *node, outer *scope) *use {
	fields := c.fields(n, "header", "query", "cookie", "value", "headers")
	one := c.oneOf(n, fields, "header", "query", "cookie")
	if one == nil {
		return nil
	}
	s := &scope{names: []string{"username", "client_id"}, used: map[string]bool{}}
	u := &use{kind: one.key, name: c.literal(one), used: s.used}
	c.useName(one, u)
	if field := fields["headers"]; field != nil {
		u.headers = c.headers(field, s)
		c.useHeaders(u)
	}
	s.names = append(s.names, "token")
	u.value = c.useValue(n, fields["value"], u, s)
	for name := range s.used {
		outer.used[name] = true
	}
	return u
}

func (c *compiler) useName(n *node, u *use) {
	switch {
	case u.kind == "header":
		if err := c.rules.checkName(u.name); err != nil {
			c.refuse(n, "%s", err)
		}
	case u.name == "":
		c.refuse(n, "must not be empty")
	case u.kind == "cookie" && !headerName.MatchString(u.name): // RFC 6265 section 4.1.1
		c.refuse(n, "a cookie's name consists of letters, digits and !#$%%&'*+-.^_`|~")
	}
}

func (c *compiler) useHeaders(u *use) {
	if u.kind == "header" {
		if twice := find(u.headers, u.name); twice != nil {
			c.refuseKey(twice.value.at, `"header" names this one already`)
		}
	}
	if u.kind == "cookie" {
		if twice := find(u.headers, "Cookie"); twice != nil {
			c.refuseKey(twice.value.at, `"cookie" makes this header already`)
		}
	}
}

// useValue compiles the value, which holds the token once.
func (c *compiler) useValue(n, value *node, u *use, s *scope) *template {
	if value == nil {
		t := &template{at: n, parts: []part{{name: "token"}}}
		if u.kind == "header" && strings.EqualFold(u.name, "Authorization") {
			t.parts = []part{{literal: "Bearer "}, {name: "token"}} // RFC 6750 section 2.1
		}
		return t
	}
	t := c.template(value, s)
	count := 0
	for _, part := range t.parts {
		if part.name == "token" {
			count++
		}
	}
	if count != 1 {
		c.refuse(value, "must hold {{token}} exactly once")
	}
	return t
}

// Use returns how an application sends a token, and false if the document does not
// say, or says something that CheckUse refuses.
func (d *Document) Use(v Values, token string) (Use, bool) {
	if d.use == nil {
		return Use{}, false
	}
	v.Token = secret.String(token)
	u, err := d.use.render(&filler{values: &v}, d.rules)
	return u, err == nil
}

// HasUse tells whether the document says how applications send the token.
func (d *Document) HasUse() bool { return d.use != nil }

// CheckUse tells whether the values can stand where the document's use puts them.
// The token itself may be unknown yet.
func (d *Document) CheckUse(v Values) error {
	if d.use == nil {
		return nil
	}
	if !v.Token.IsSet() {
		v.Token = "token"
	}
	_, err := d.use.render(&filler{values: &v}, d.rules)
	return err
}

func (u *use) render(f *filler, rules Rules) (Use, error) {
	value, err := f.fill(u.value, asIs, asIs)
	if err != nil {
		return Use{}, err
	}
	headers, err := renderHeaders(f, u.headers, rules)
	if err != nil {
		return Use{}, err
	}
	rendered := Use{Headers: map[string]string{}, Query: map[string]string{}}
	for _, header := range headers {
		rendered.Headers[header.Name] = header.Value
	}
	switch u.kind {
	case "query":
		rendered.Query[u.name] = value
		return rendered, nil
	case "header":
		rendered.Headers[u.name] = value
	case "cookie":
		if strings.ContainsAny(value, `",;\ `) { // RFC 6265 section 4.1.1
			return Use{}, at(u.value.at, errors.New(`a cookie's value must not hold a space, a comma or one of ";\`))
		}
		rendered.Headers["Cookie"] = u.name + "=" + value
	}
	if err := rules.checkValue(value); err != nil {
		return Use{}, at(u.value.at, err)
	}
	return rendered, nil
}
