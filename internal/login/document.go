// SPDX-License-Identifier: MPL-2.0

// Package login turns a document, which describes how to log in to some API,
// into requests, and that API's answers into tokens. It sends nothing and reads
// no clock; everything in it is safe for concurrent use.
package login

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxSize is the length in bytes that a document may have.
const MaxSize = 32 << 10

// Rules is what a document may set. A nil func allows everything, apart from what
// HTTP itself forbids.
type Rules struct {
	HeaderName  func(string) error
	HeaderValue func(string) error // its error must not hold the value
}

// Document is a compiled login document.
type Document struct {
	rules      Rules
	login      *exchange
	refresh    *exchange // nil: the token cannot be refreshed
	refreshTTL time.Duration
	sessionTTL time.Duration
	extra      []namedSource
	use        *use // nil: the document does not say
	needs      []string
	doubts     []string
}

// exchange is a request and how its answer is read.
type exchange struct {
	request      *request
	success      *success
	token        source
	expires      expiry
	refreshToken source // nil: there is none
}

type namedSource struct {
	name   string
	source source
}

// Compile reads a document. An error names the place by path, line and column and
// quotes nothing but key names and JSON pointers.
func Compile(text string, rules Rules) (*Document, error) {
	if len(text) > MaxSize {
		return nil, errors.New("the login document is longer than 32 KiB")
	}
	text = strings.TrimPrefix(text, byteOrderMark)
	root, misfit := parse(text)
	if misfit != nil {
		return nil, misfit.in(text)
	}
	c := &compiler{text: text, rules: rules}
	d := c.document(root)
	if c.misfit != nil {
		return nil, c.misfit.in(text)
	}
	return d, nil
}

func (c *compiler) document(n *node) *Document {
	d := &Document{rules: c.rules}
	fields := c.fields(n, "request", "success", "token", "expires", "refresh_token", "session_ttl", "refresh", "extra", "use")
	s := loginScope()
	d.login = c.login(n, fields, s)
	d.refreshTTL = c.refreshTTL(d.login, fields)
	if field := fields["refresh"]; field != nil {
		d.refresh = c.refresh(field, d.login, s)
	}
	if field := fields["session_ttl"]; field != nil {
		d.sessionTTL = c.duration(field)
	}
	if field := fields["extra"]; field != nil {
		d.extra = c.extra(field)
	}
	if field := fields["use"]; field != nil {
		d.use = c.use(field, s)
	}
	d.needs, d.doubts = needs(s), c.doubts
	return d
}

func (c *compiler) login(n *node, fields map[string]*node, s *scope) *exchange {
	e := &exchange{success: &success{}}
	if field := fields["request"]; field != nil {
		e.request = c.request(field, s)
	} else {
		c.refuse(n, `needs "request"`)
	}
	if field := fields["success"]; field != nil {
		e.success = c.success(field)
	}
	if field := fields["token"]; field != nil {
		e.token = c.source(field)
	} else {
		c.refuse(n, `needs "token", which says where the answer has it`)
	}
	if field := fields["expires"]; field != nil {
		e.expires = c.expires(field)
	}
	return e
}

// refreshTTL reads refresh_token, a source with "ttl" beside it.
func (c *compiler) refreshTTL(login *exchange, fields map[string]*node) time.Duration {
	field := fields["refresh_token"]
	if field == nil {
		return 0
	}
	if fields["refresh"] == nil {
		c.refuseKey(field, `is of use only together with "refresh"`)
	}
	var ttl *node
	login.refreshToken, ttl = c.sourceAnd(field, "ttl")
	if ttl == nil {
		return 0
	}
	return c.duration(ttl)
}

// refresh reads how a token is refreshed; what it does not say is as in the login.
func (c *compiler) refresh(n *node, login *exchange, s *scope) *exchange {
	fields := c.fields(n, "request", "success", "token", "expires", "refresh_token")
	e := *login
	within := *s
	within.names = append(slices.Clone(s.names), "token")
	within.noRefresh = login.refreshToken == nil
	if !within.noRefresh {
		within.names = append(within.names, "refresh_token")
	}
	if field := fields["request"]; field != nil {
		e.request = c.request(field, &within)
	} else {
		c.refuse(n, `needs "request"`)
	}
	if field := fields["success"]; field != nil {
		e.success = c.success(field)
	}
	if field := fields["token"]; field != nil {
		e.token = c.source(field)
	}
	if field := fields["expires"]; field != nil {
		e.expires = c.expires(field)
	}
	if field := fields["refresh_token"]; field != nil {
		if within.noRefresh {
			c.refuseKey(field, `needs "refresh_token" beside "token", which says where the login's answer has it`)
		}
		e.refreshToken = c.source(field)
	}
	return &e
}

func (c *compiler) extra(n *node) []namedSource {
	var extra []namedSource
	for _, member := range c.named(n) {
		if !plainName.MatchString(member.key) {
			c.refuseKey(member, "a name here consists of 1 to 64 letters, digits, _, . and -")
		}
		extra = append(extra, namedSource{member.key, c.source(member)})
	}
	return extra
}

// needs returns what the scope's placeholders need from outside.
func needs(s *scope) []string {
	names := slices.Sorted(maps.Keys(s.used))
	return slices.DeleteFunc(names, func(name string) bool { return name == "token" || name == "refresh_token" })
}

// Needs returns the names of the values that the document's requests and its use
// take, sorted: "password", "secrets.api_key". The token and the refresh token,
// which come from an answer, are not among them.
func (d *Document) Needs() []string { return slices.Clone(d.needs) }

// Doubts returns what the document says and probably does not mean, with the
// place and what to write, for whoever writes it.
func (d *Document) Doubts() []string { return slices.Clone(d.doubts) }

// NeedsBaseURL tells whether a request's url is a path only.
func (d *Document) NeedsBaseURL() bool {
	return slices.ContainsFunc(d.requests(), func(r *request) bool { return r.url.origin == "" })
}

// URLs returns scheme and host of each request that names them.
func (d *Document) URLs() []string {
	var urls []string
	for _, r := range d.requests() {
		if origin := r.url.origin; origin != "" && !slices.Contains(urls, origin) {
			urls = append(urls, origin)
		}
	}
	return urls
}

func (d *Document) requests() []*request {
	if d.refresh == nil {
		return []*request{d.login.request}
	}
	return []*request{d.login.request, d.refresh.request}
}

// CanRefresh tells whether the document says how a token is refreshed.
func (d *Document) CanRefresh() bool { return d.refresh != nil }

// RefreshTakes tells whether a refresh sends the "token" or the "refresh_token".
func (d *Document) RefreshTakes(name string) bool {
	return d.refresh != nil && d.refresh.request.used[name]
}

// RefreshTTL returns how long a refresh token lives, and SessionTTL how long
// everything lives that comes from one login; 0 is unknown.
func (d *Document) RefreshTTL() time.Duration { return d.refreshTTL }

// SessionTTL is explained at RefreshTTL.
func (d *Document) SessionTTL() time.Duration { return d.sessionTTL }
