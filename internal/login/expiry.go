// SPDX-License-Identifier: MPL-2.0

package login

import (
	"strings"
	"time"
)

// expiry says when a token ends.
type expiry interface {
	read(a *answer, token string) life
}

// life is what an expiry found. An unknown life has no time, and a warning if the
// document claims to know it.
type life struct {
	expires time.Time
	found   string
	warning string
}

func (c *compiler) expires(n *node) expiry {
	var keys []string
	for _, kind := range sourceKinds() {
		if kind.expires {
			keys = append(keys, kind.key)
		}
	}
	keys = append(keys, "jwt", "fixed")
	fields := c.fields(n, append(keys, "as")...)
	one := c.oneOf(n, fields, keys...)
	if one == nil {
		return nil
	}
	as := fields["as"]
	for _, kind := range sourceKinds() {
		if kind.key == one.key {
			e := &answeredLife{kind.compile(c, one), c.reading(as)}
			c.doubtUnit(one, e.source, e.reading)
			return e
		}
	}
	if as != nil {
		c.refuseKey(as, "says how to read the answer, and %s does not read it", one.key)
	}
	if one.key == "fixed" {
		return fixedLife{c.duration(one)}
	}
	if one.kind != isBoolean || one.text != "true" {
		c.refuse(one, "must be true")
	}
	return jwtLife{}
}

func (c *compiler) reading(n *node) reading {
	all := readings()
	if n == nil {
		return all[0]
	}
	name := c.literal(n)
	var names []string
	for _, r := range all {
		if r.name == name {
			return r
		}
		names = append(names, r.name)
	}
	if meant := suggest(name, names); meant != "" {
		c.refuse(n, "unknown; did you mean %s?", meant)
	}
	c.refuse(n, "must be one of %s", strings.Join(names, ", "))
	return all[0]
}

// jwtLife is exp of the token.
type jwtLife struct{}

func (jwtLife) read(a *answer, token string) life {
	exp, isJWT := jwtExpiry(token)
	switch {
	case !isJWT:
		return unknown("the token is no JWT")
	case exp == "":
		return unknown("the token is a JWT without a readable exp")
	}
	l := readUnix(exp, time.Second, a.At)
	l.found = "expires: exp of the token, a JWT: " + l.when()
	return l
}

// fixedLife is what the document says.
type fixedLife struct{ length time.Duration }

func (f fixedLife) read(a *answer, _ string) life {
	l := life{expires: a.At.Add(f.length).UTC()}
	l.found = "expires: " + f.length.String() + ", fixed by the document: " + l.when()
	return l
}

// undeclaredLife is how a document without "expires" is read.
type undeclaredLife struct{}

func (undeclaredLife) read(a *answer, token string) life {
	exp, isJWT := jwtExpiry(token)
	switch {
	case !isJWT:
		return life{found: "expires: the document does not say, and the token is no JWT"}
	case exp == "":
		return life{found: "expires: the document does not say, and the token, a JWT, has no exp"}
	}
	return jwtLife{}.read(a, token)
}

// answeredLife is what the answer says.
type answeredLife struct {
	source  source
	reading reading
}

func (e *answeredLife) read(a *answer, _ string) life {
	got := e.source.look(a)
	if !got.there || got.value == nil || got.value == "" {
		return unknown("nothing " + e.source.place())
	}
	text, ok := numberText(got.value)
	if !ok {
		if text, ok = got.value.(string); !ok {
			return unknown(e.source.name() + " is " + describe(got.value))
		}
	}
	l := life{}
	if text = strings.TrimSpace(text); len(text) <= maxTimeText {
		l = e.reading.read(text, a.At)
	}
	if l.expires.IsZero() {
		return unknown(e.source.name() + " is " + describe(got.value) + ", and not " + e.reading.words)
	}
	if l.warning != "" {
		l.warning += e.reading.another(text)
	}
	l.found = "expires: " + e.source.name() + ", " + e.reading.words + ": " + l.when()
	return l
}

func unknown(why string) life {
	return life{found: "expires: " + why, warning: "expires: " + why + "; so it is unknown when the token expires"}
}

func (l life) when() string { return l.expires.Format(time.RFC3339) }
