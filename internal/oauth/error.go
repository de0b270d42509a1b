// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Kind says what went wrong, as far as it decides what to do next.
type Kind int

// The kinds of failure. Only after Ambiguous, Malformed and Unexpected may the
// server have acted on the grant.
const (
	Refused     Kind = iota + 1 // the server said no: an OAuth error code, or a 4xx
	Unavailable                 // 408, 425, 429, 5xx, temporarily_unavailable, server_error
	Unreachable                 // name, connection or TLS failed, or the connection broke before the request was written
	Ambiguous                   // no whole answer after bytes of the request were written
	Malformed                   // 2xx that is no token
	Unexpected                  // 2xx that is not what the operator's own description of the server leads to expect
	Redirected                  // 3xx; nothing was followed
	Forbidden                   // refused on our side before anything was sent
)

// String returns the kind in lower case, for logs and metrics.
func (k Kind) String() string {
	switch k {
	case Refused:
		return "refused"
	case Unavailable:
		return "unavailable"
	case Unreachable:
		return "unreachable"
	case Ambiguous:
		return "ambiguous"
	case Malformed:
		return "malformed"
	case Unexpected:
		return "unexpected"
	case Redirected:
		return "redirected"
	case Forbidden:
		return "forbidden"
	}
	return "unknown"
}

// Limits of what is kept of an error answer.
const (
	maxCode        = 64
	maxDescription = 200
	minRetryAfter  = time.Second
	maxRetryAfter  = time.Hour
)

// Error is a failed exchange. It holds no body, no URL beyond the host, and no
// secret: what the server says has been filtered and scrubbed of every secret
// that was sent. It wraps nothing, since the causes below it name the URL.
type Error struct {
	Kind        Kind
	Host        string        // host and port of the token endpoint
	Status      int           // of the HTTP answer; 0 when there was none
	Code        string        // error (RFC 6749 section 5.2), at most 64 characters
	Description string        // error_description, at most 200 characters
	Reason      string        // our own words, where the server said nothing usable
	RetryAfter  time.Duration // the server's wish, between 1 s and 1 h; 0 when it has none
	Hint        string        // what to change so that the answer could be used; no part of Error's text
	Setting     string        `json:",omitempty"` // the setting of the mount that can allow what was Forbidden, if there is one

	// RefreshToken is the one in an answer that has no access token to use: its
	// predecessor may be used up. Never stored with the error.
	RefreshToken secret.String `json:"-"`
	RefreshEnds  time.Time     `json:"-"` // when it ends, if the server says
}

// Error returns host, status, code, description and reason, as far as there are any.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Host)
	if e.Host == "" {
		b.WriteString("the token endpoint")
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " answered %d", e.Status)
	}
	for _, part := range []string{e.Code, e.Description, e.Reason} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	return b.String()
}

// leaving keeps of an answer without an access token what must not get lost.
func (e *Error) leaving(t *Token) *Error {
	if t != nil {
		e.RefreshToken, e.RefreshEnds = t.RefreshToken, t.RefreshEnds
	}
	return e
}

func forbidden(host, reason string) *Error {
	return &Error{Kind: Forbidden, Host: host, Reason: reason}
}

// kindOf lets the status win over the code: what a server says while it is
// failing is not a final word, least of all on a refresh token.
func kindOf(status int, code string) Kind {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return Unavailable
	case code == "temporarily_unavailable", code == "server_error":
		return Unavailable
	}
	return Refused
}

// retryAfter reads seconds (Discord sends fractions) or a date, which is taken
// against the server's own clock if that is known (RFC 9110 section 10.2.3).
func retryAfter(header http.Header, issued time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, ok := number(value); ok {
		seconds = min(max(math.Ceil(seconds), minRetryAfter.Seconds()), maxRetryAfter.Seconds())
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = issued
	}
	return min(max(date.Sub(now), minRetryAfter), maxRetryAfter)
}
