// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// HTTPClient returns a client whose requests carry the token as the role's
// config says: all headers and query parameters of the engine's answer, in place
// of those of the same name that a request has; cookies are added to its own.
// The rest is as in base, or in a zero http.Client if base is nil.
//
// A request that is answered 401 is repeated once, if it has no body or has
// GetBody, with a token that the engine was asked to replace the rejected one
// with. If that fails, or if the API rejects the other token too, the 401 is
// returned as it is. All requests that are answered 401 at the same time cost
// one renewal, and an API that goes on answering 401 costs fewer and fewer, down
// to one a minute. Other codes, 403 included, say nothing about the token.
//
// A redirect to another scheme, host or port carries no token, and none does
// that follows on it; Config.Hosts keeps it from other hosts altogether.
//
// If there is no token, the error is that of TokenContext with the request's
// context.
func (s *Source) HTTPClient(base *http.Client) *http.Client {
	c := http.Client{}
	if base != nil {
		c = *base
	}
	c.Transport = &transport{source: s, base: c.Transport}
	return &c
}

type transport struct {
	source *Source
	base   http.RoundTripper // nil for http.DefaultTransport
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.source.config.mayCarry(req) {
		return t.next().RoundTrip(req)
	}
	a, err := t.source.current(req.Context())
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := t.send(req, req.Body, a)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	other := t.source.instead(req.Context(), a) // for the next request, if this one cannot be repeated
	if other == nil {
		return resp, nil
	}
	body, ok := bodyAgain(req)
	if !ok {
		return resp, nil
	}
	resp.Body.Close()
	return t.send(req, body, other)
}

// send sends a copy of the request that carries the token.
func (t *transport) send(req *http.Request, body io.ReadCloser, a *answer) (*http.Response, error) {
	carrier := req.Clone(req.Context())
	carrier.Body = body
	if carrier.Header == nil {
		carrier.Header = http.Header{}
	}
	for name, value := range a.Headers {
		text := value.Reveal()
		if own := carrier.Header.Get(name); own != "" && strings.EqualFold(name, "Cookie") {
			text = own + "; " + text
		}
		carrier.Header.Set(name, text)
	}
	carrier.URL.RawQuery = a.into(carrier.URL.RawQuery)
	resp, err := t.next().RoundTrip(carrier)
	if err == nil {
		resp.Request = req // its URL is without the token, and mayCarry follows it
	}
	return resp, err
}

// into adds the answer's parameters to a query, the rest of which stays as it
// is: it may be signed.
func (a *answer) into(query string) string {
	if len(a.Query) == 0 {
		return query
	}
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		_, ours := a.Query[name]
		return pair == "" || err == nil && ours
	})
	own := url.Values{}
	for name, value := range a.Query {
		own.Set(name, value.Reveal())
	}
	return strings.Join(append(pairs, own.Encode()), "&")
}

// bodyAgain returns the body for sending a request again, if that is possible.
func bodyAgain(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

// mayCarry tells whether a request may carry the token: it goes to one of Hosts,
// if there are any, and has not been redirected by or to another server than the
// caller asked for.
func (c Config) mayCarry(req *http.Request) bool {
	listed := func(host string) bool {
		return strings.EqualFold(host, req.URL.Host) || strings.EqualFold(host, req.URL.Hostname())
	}
	if len(c.Hosts) > 0 && !slices.ContainsFunc(c.Hosts, listed) {
		return false
	}
	for redirect := req.Response; redirect != nil; redirect = redirect.Request.Response { // http.Client links them
		if redirect.Request == nil || origin(redirect.Request.URL) != origin(req.URL) {
			return false
		}
	}
	return true
}

func origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	switch {
	case port == "" && scheme == "http":
		port = "80"
	case port == "" && scheme == "https":
		port = "443"
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Format keeps an http.Client that is printed from showing what is in here.
func (t *transport) Format(f fmt.State, verb rune) { t.source.Format(f, verb) }

func (t *transport) next() http.RoundTripper {
	if t.base == nil {
		return http.DefaultTransport
	}
	return t.base
}

// CloseIdleConnections passes on what http.Client.CloseIdleConnections asks for.
func (t *transport) CloseIdleConnections() {
	if next, ok := t.next().(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
