// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"slices"
	"strings"
)

// Header is one header of a request.
type Header struct{ Name, Value string }

// Request is ready to send. It holds secrets.
type Request struct {
	Method, URL string
	Header      []Header
	Body        []byte // nil: none
}

// userAgent is what servers see unless the document says otherwise.
const userAgent = "vault-plugin-secrets-oauth"

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// request is the plan of a Request.
type request struct {
	method   string
	url      *address
	query    []pair
	headers  []pair
	basic    *basic
	body     body            // nil: none
	defaults []Header        // those that the document does not set
	used     map[string]bool // placeholders
}

func (c *compiler) request(n *node, outer *scope) *request {
	s := *outer
	s.used = map[string]bool{}
	keys := []string{"method", "url", "query", "headers", "basic"}
	for _, kind := range bodyKinds() {
		keys = append(keys, kind.key)
	}
	fields := c.fields(n, keys...)
	r := &request{method: c.method(fields["method"]), url: &address{}, used: s.used}
	if field := fields["url"]; field != nil {
		r.url = c.address(field, &s)
	} else {
		c.refuse(n, `needs "url"`)
	}
	if field := fields["query"]; field != nil {
		r.query = c.pairs(field, &s)
	}
	if field := fields["headers"]; field != nil {
		r.headers = c.headers(field, &s)
	}
	if field := fields["basic"]; field != nil {
		r.basic = c.basic(field, &s)
		if own := find(r.headers, "Authorization"); own != nil {
			c.refuseKey(own.value.at, `"basic" makes this header too; only one of them can be`)
		}
	}
	c.requestBody(r, fields, &s)
	r.addDefaults()
	for name := range s.used {
		outer.used[name] = true
	}
	return r
}

func (c *compiler) method(n *node) string {
	if n == nil {
		return "POST"
	}
	method := c.literal(n)
	if !slices.Contains(methods, method) {
		if upper := strings.ToUpper(method); slices.Contains(methods, upper) {
			c.refuse(n, "must be in capitals: %s", upper)
		}
		c.refuse(n, "must be one of %s", strings.Join(methods, ", "))
	}
	return method
}

// requestBody compiles the one body that a request may have.
func (c *compiler) requestBody(r *request, fields map[string]*node, s *scope) {
	var first *node
	for _, kind := range bodyKinds() {
		field := fields[kind.key]
		switch {
		case field == nil:
			continue
		case first != nil:
			c.refuseKey(field, "%s is there as well; a request has one body at most", first.key)
		case r.method == "GET":
			c.refuseKey(field, `a GET has no body; "query" is for its parameters, "method" for another method`)
		}
		first = field
		r.body = kind.compile(c, field, s, find(r.headers, "Content-Type"))
	}
}

func (r *request) addDefaults() {
	defaults := []Header{{"Accept", "application/json"}, {"User-Agent", userAgent}}
	if r.body != nil {
		defaults = append([]Header{{"Content-Type", r.body.contentType()}}, defaults...)
	}
	for _, header := range defaults {
		if find(r.headers, header.Name) == nil {
			r.defaults = append(r.defaults, header)
		}
	}
}

// render fills the plan with values.
func (r *request) render(f *filler, rules Rules) (*Request, error) {
	url, err := r.url.render(f, r.query)
	if err != nil {
		return nil, err
	}
	rendered := &Request{Method: r.method, URL: url}
	if rendered.Header, err = renderHeaders(f, r.headers, rules); err != nil {
		return nil, err
	}
	if r.basic != nil {
		value, err := r.basic.render(f)
		if err != nil {
			return nil, err
		}
		rendered.Header = append(rendered.Header, Header{"Authorization", value})
	}
	rendered.Header = append(rendered.Header, r.defaults...)
	if r.body != nil {
		if rendered.Body, err = r.body.render(f); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

// Login returns the request that logs in. An error names the place in the
// document and never a value.
func (d *Document) Login(v Values) (*Request, error) {
	return d.login.request.render(&filler{values: &v}, d.rules)
}

// Refresh returns the request that refreshes the token in v. It is an error if
// the document has none.
func (d *Document) Refresh(v Values) (*Request, error) {
	if d.refresh == nil {
		return nil, errors.New("the login document has no refresh")
	}
	return d.refresh.request.render(&filler{values: &v}, d.rules)
}
