// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// address is the plan of a URL.
type address struct {
	at       *node
	origin   string   // scheme://host; "": the base URL's
	segments [][]part // of the path, between its slashes
	query    []part
}

var (
	originOf = regexp.MustCompile(`^(?i:https?)://[^/?]*`)
	// Characters of RFC 3986, and % with two digits.
	urlText = regexp.MustCompile(`^(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*$`)
)

func (c *compiler) address(n *node, s *scope) *address {
	t := c.template(n, s)
	a := &address{at: n}
	for _, literal := range t.literals() {
		switch {
		case strings.Contains(literal, "#"):
			c.refuse(n, `must have no fragment ("#")`)
		case !urlText.MatchString(literal):
			c.refuse(n, `has a character that must be percent-encoded, or a "%%" that is not followed by two digits of base 16`)
		}
	}
	if len(t.parts) == 0 || t.parts[0].name != "" {
		c.refuse(n, `must begin with "/" or with http:// or https:// and a host`)
		return a
	}
	first := t.parts[0].literal
	if !strings.HasPrefix(first, "/") {
		a.origin = c.origin(n, first, len(t.parts) > 1)
		first = first[len(originOf.FindString(first)):]
	} else if strings.HasPrefix(first, "//") {
		c.refuse(n, `must not begin with "//": write one slash, or http:// or https:// and the host`)
	}
	parts := append([]part{{literal: first}}, t.parts[1:]...)
	path, query := cutAt(parts)
	a.segments, a.query = segments(path), query
	c.checkSegments(a)
	c.checkQuery(a)
	return a
}

// origin checks scheme and host, in which nothing is variable.
func (c *compiler) origin(n *node, first string, more bool) string {
	text := originOf.FindString(first)
	if text == "" {
		c.refuse(n, `must begin with "/" or with http:// or https:// and a host`)
		return ""
	}
	if more && text == first {
		c.refuse(n, "must have no placeholder in its host")
	}
	if strings.Contains(text, "@") {
		c.refuse(n, `must name no user; "basic" is for that`)
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		c.refuse(n, "has no valid host")
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// cutAt cuts a URL's parts at the first "?".
func cutAt(parts []part) (path, query []part) {
	for i, p := range parts {
		if before, after, found := strings.Cut(p.literal, "?"); found {
			path = append(path, part{literal: before})
			return path, append([]part{{literal: after}}, parts[i+1:]...)
		}
		path = append(path, p)
	}
	return path, nil
}

func segments(path []part) [][]part {
	all := [][]part{nil}
	for _, p := range path {
		if p.name != "" {
			all[len(all)-1] = append(all[len(all)-1], p)
			continue
		}
		for i, piece := range strings.Split(p.literal, "/") {
			if i > 0 {
				all = append(all, nil)
			}
			if piece != "" {
				all[len(all)-1] = append(all[len(all)-1], part{literal: piece})
			}
		}
	}
	return all
}

// climbs tells whether a segment would change the path around it, for a server or
// a proxy that decodes it first.
func climbs(segment string) bool {
	plain, err := url.PathUnescape(segment)
	return err != nil || slices.ContainsFunc(strings.FieldsFunc(plain, isSlash), func(part string) bool { return part == "." || part == ".." })
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

func (c *compiler) checkSegments(a *address) {
	for _, segment := range a.segments {
		if len(segment) == 1 && segment[0].name == "" && climbs(segment[0].literal) {
			c.refuse(a.at, `must have no "." or ".." in its path`)
		}
	}
}

// checkQuery allows placeholders in values only: behind a "=".
func (c *compiler) checkQuery(a *address) {
	text := ""
	for _, p := range a.query {
		pair := text[strings.LastIndexByte(text, '&')+1:]
		if p.name != "" && !strings.Contains(pair, "=") {
			c.refuse(a.at, "must have no placeholder in a name of its query")
		}
		text += p.literal
	}
}

// render returns the URL with the query's pairs behind its own.
func (a *address) render(f *filler, query []pair) (string, error) {
	origin, err := a.start(f)
	if err != nil {
		return "", err
	}
	path, err := a.path(f)
	if err != nil {
		return "", at(a.at, err)
	}
	text := origin + path
	own, err := f.fill(&template{a.at, a.query}, asIs, insideQuery)
	if err != nil {
		return "", err
	}
	added, err := renderPairs(f, query)
	if err != nil {
		return "", err
	}
	switch {
	case own != "" && added != "":
		text += "?" + own + "&" + added
	case own+added != "":
		text += "?" + own + added
	}
	if !f.show && !standsAt(text, origin) {
		return "", at(a.at, errors.New("the rendered URL is not valid"))
	}
	return text, nil
}

// start is what stands before the path.
func (a *address) start(f *filler) (string, error) {
	if a.origin != "" {
		return a.origin, nil
	}
	base := strings.TrimRight(f.values.BaseURL, "/")
	u, err := url.Parse(base)
	switch {
	case base != "" && err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && !strings.ContainsAny(base, "?#"):
		return base, nil
	case f.show:
		return unreadable, nil
	case base == "":
		return "", at(a.at, errors.New("there is no base URL to append it to"))
	}
	return "", at(a.at, errors.New("the base URL must be http:// or https:// and a host, with nothing but a path behind"))
}

func (a *address) path(f *filler) (string, error) {
	var path strings.Builder
	for i, segment := range a.segments {
		if i > 0 {
			path.WriteByte('/')
		}
		text, variable := "", false
		for _, p := range segment {
			piece, err := f.part(p, asIs, insidePath)
			if err != nil {
				return "", err
			}
			text += piece
			variable = variable || p.name != ""
		}
		if variable && !f.show && (text == "" || climbs(text)) {
			return "", errors.New(`a segment of the path is empty, "." or ".."`)
		}
		path.WriteString(text)
	}
	return path.String(), nil
}

// standsAt tells whether a URL's host is the origin's, whatever its values are.
func standsAt(text, origin string) bool {
	want, err := url.Parse(origin)
	if err != nil {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme == want.Scheme && u.Host == want.Host && u.User == nil && u.Fragment == ""
}
