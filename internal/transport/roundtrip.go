// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// roundTripper checks each request against the guard, whose settings may be
// narrower than when the URL was stored, and bounds each answer.
type roundTripper struct {
	guard     Guard
	allowHTTP bool
	bodyBytes int64
	pooled    *http.Transport
	single    *http.Transport // a connection for each request
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	sent := req.WithContext(req.Context())
	sent.Host = "" // the URL's: a proxy goes where the Host header says, and the guard has seen the URL
	resp, err := t.connections(req).RoundTrip(sent)
	if err != nil {
		return nil, withoutQuotes(err)
	}
	resp.Request = req
	dropBadLocation(resp)
	if resp.ContentLength > t.bodyBytes && req.Method != http.MethodHead {
		_ = resp.Body.Close()
		resp.Body = tooLargeBody{} // the status still tells something
		return resp, nil
	}
	resp.Body = &boundedBody{http.MaxBytesReader(nil, resp.Body, t.bodyBytes)}
	return resp, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *roundTripper) CloseIdleConnections() {
	t.pooled.CloseIdleConnections()
	t.single.CloseIdleConnections()
}

func (t *roundTripper) check(req *http.Request) error {
	if err := t.guard.CheckURL(req.URL, t.allowHTTP); err != nil {
		return err
	}
	for name, values := range req.Header {
		if err := CheckHeaderName(name); err != nil {
			return err
		}
		for _, value := range values {
			if err := CheckHeaderValue(value); err != nil {
				return fmt.Errorf("header %s: %w", name, err)
			}
		}
	}
	return nil
}

// connections picks the pool for a request. net/http sends a request of these
// methods again, unasked, when a connection it reused breaks; on a fresh one
// never. A login may be a GET, and accounts lock.
func (t *roundTripper) connections(req *http.Request) *http.Transport {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return t.single
	}
	return t.pooled
}

// dropBadLocation removes a Location that is no URL: http.Client would answer
// with an error that quotes it, and hide the answer's status.
func dropBadLocation(resp *http.Response) {
	if location := resp.Header.Get("Location"); location != "" {
		if _, err := resp.Request.URL.Parse(location); err != nil {
			resp.Header.Del("Location")
		}
	}
}

// tooLargeBody stands for a body whose Content-Length is over the limit.
type tooLargeBody struct{}

// Read implements io.Reader.
func (tooLargeBody) Read([]byte) (int, error) { return 0, ErrBodyTooLarge }

// Close implements io.Closer.
func (tooLargeBody) Close() error { return nil }

// boundedBody fails with ErrBodyTooLarge where MaxBytesReader has had enough.
type boundedBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		_ = b.Close() // at once: the server may go on sending for as long as we listen
		return n, ErrBodyTooLarge
	}
	return n, withoutQuotes(err)
}
