// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/base64"
	"errors"
	"strings"
)

// basic makes an Authorization header of a user name and a password, as RFC 7617
// does, which encodes neither of them before base64.
type basic struct {
	scheme             string
	username, password *template
}

var errColon = errors.New(`must not hold ":", which separates it from the password`)

func (c *compiler) basic(n *node, s *scope) *basic {
	b := &basic{scheme: "Basic", username: &template{at: n}, password: &template{at: n}}
	fields := c.fields(n, "username", "password", "scheme")
	if fields["username"] == nil || fields["password"] == nil {
		c.refuse(n, `needs "username" and "password"; either may be ""`)
		return b
	}
	b.username, b.password = c.template(fields["username"], s), c.template(fields["password"], s)
	for _, literal := range b.username.literals() {
		if strings.Contains(literal, ":") {
			c.refuse(b.username.at, "%s", errColon)
		}
	}
	if field := fields["scheme"]; field != nil {
		b.scheme = c.literal(field)
		if !headerName.MatchString(b.scheme) {
			c.refuse(field, "must be one word")
		}
	}
	return b
}

// pair returns "username:password".
func (b *basic) pair(f *filler) (string, error) {
	username, err := f.fill(b.username, asIs, asIs)
	if err != nil {
		return "", err
	}
	if strings.Contains(username, ":") && !f.show {
		return "", at(b.username.at, errColon)
	}
	password, err := f.fill(b.password, asIs, asIs)
	return username + ":" + password, err
}

func (b *basic) render(f *filler) (string, error) {
	pair, err := b.pair(f)
	if f.show { // base64 would show the secret, or hide the mark
		return b.scheme + " base64(" + pair + ")", err
	}
	return b.scheme + " " + base64.StdEncoding.EncodeToString([]byte(pair)), err
}
