// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// HeaderLine is one header of a request.
type HeaderLine struct{ Name, Value string }

// Outgoing is one request, ready to be sent.
type Outgoing struct {
	Method  string
	URL     string       // absolute, http or https, without userinfo
	Header  []HeaderLine // all there are: not even a User-Agent is added
	Body    []byte       // nil: none
	Secrets []string     // what no text kept from the answer may show, as it is before any encoding
	Shown   func() Shown // the request without its secrets, asked for only when somebody watches; may be nil

	dropRedirects bool // a 3xx is read no further than its header
}

// Shown is a request for a person, without its secrets. Header has lines such as
// "Accept: application/json".
type Shown struct {
	Method, URL string
	Header      []string
	Body        string
}

// Answer is what a server answered to one request.
type Answer struct {
	Host   string // host and port of the request's URL
	Status int
	Header http.Header // without Location, which nobody follows
	Body   []byte
	Issued time.Time // when the request started: wall clock, so no later than the server's own idea of it

	cut   bool // the body ended before its time
	scrub *scrubber
}

// Format implements fmt.Formatter: a header or body may be the very token.
func (o Outgoing) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Format implements fmt.Formatter, for the same reason.
func (a Answer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Send makes one request, once, and returns the whole answer or an *Error, one
// of the two. Any status is an answer; a 3xx too, and nothing is followed. A
// body that could not be read to its end is an error: the one that the answer
// stands for if its status or a whole JSON object in it tells, else what broke it.
//
// Once means what it means for Client.Exchange, as long as client does not let
// net/http repeat a GET on its own, which it does on kept-alive connections.
func Send(ctx context.Context, client *http.Client, out Outgoing) (*Answer, *Error) {
	start := time.Now()
	a, failed := send(ctx, client, out)
	took := time.Since(start)
	if a != nil && failed != nil {
		_, failed = a.salvage(nil, a.verdict(), failed)
	}
	record(ctx, out, a, failed, took)
	if failed != nil {
		return nil, failed
	}
	return a, nil
}

// verdict is what an answer stands for that is not a whole one.
func (a *Answer) verdict() *Error {
	fields, reason := a.fields()
	switch {
	case a.Status/100 == 3:
		return a.Redirected()
	case a.Status/100 != 2 || carriesError(fields):
		return a.refusal(fields, a.scrub)
	}
	return a.malformed(reason)
}

// send makes the request. With both an answer and an error, the answer's body
// has been cut off by what the error says.
func send(ctx context.Context, client *http.Client, out Outgoing) (*Answer, *Error) {
	req, watch, refused := out.request(ctx)
	if refused != nil {
		return nil, refused
	}
	a := &Answer{Host: req.URL.Host, Issued: time.Now().Round(0), scrub: new(scrubber)} // Round strips the monotonic clock: a token outlives the process
	a.scrub.add(out.Secrets...)
	start := time.Now()
	resp, err := once(client).Do(req)
	if err != nil {
		return nil, failure(ctx, a.Host, err, watch.written(), time.Since(start))
	}
	defer resp.Body.Close()
	a.Status, a.Header = resp.StatusCode, resp.Header
	if out.dropRedirects && a.Status/100 == 3 {
		return a, nil
	}
	a.Body, err = io.ReadAll(resp.Body)
	if err != nil {
		a.cut = true
		return a, failure(ctx, a.Host, err, true, time.Since(start))
	}
	return a, nil
}

// request makes the request and what watches it go out.
func (o *Outgoing) request(ctx context.Context) (*http.Request, *wire, *Error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, nil, forbidden("", "the URL is not absolute, or none at all")
	case u.User != nil: // net/http would send it as Basic
		return nil, nil, forbidden(u.Host, "the URL carries userinfo")
	}
	watch := &wire{repeatable: repeatable(o.Method)}
	var body io.Reader
	if o.Body != nil {
		body = bytes.NewReader(o.Body)
	}
	req, err := http.NewRequestWithContext(watch.on(ctx), o.Method, u.String(), body)
	if err != nil {
		return nil, nil, forbidden(u.Host, "the request has no valid method or URL")
	}
	req.Header["User-Agent"] = nil // or net/http names itself
	for _, line := range o.Header {
		req.Header.Add(line.Name, line.Value)
	}
	return req, watch, nil
}

// once returns the HTTP client with nothing to follow: a 307 would re-post the
// client secret and the grant to whoever the server names.
func once(given *http.Client) *http.Client {
	client := *given
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = dropLocation{client.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// dropLocation takes Location off every answer. CheckRedirect alone leaves a
// gap: net/http parses Location first, and fails with its text in the error.
type dropLocation struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (d dropLocation) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(req)
	if resp != nil {
		resp.Header.Del("Location")
	}
	return resp, err
}
