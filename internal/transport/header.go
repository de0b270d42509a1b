// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenSymbols are the characters of a token beside letters and digits (RFC 9110
// section 5.6.2).
const tokenSymbols = "!#$%&'*+-.^_`|~"

// reservedHeaders are set by the HTTP client, or change how it sends.
var reservedHeaders = []string{
	"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "keep-alive", "expect",
	"http2-settings",
	// net/http asks for gzip itself, and only then unpacks it.
	"accept-encoding", "content-encoding",
	// net/http sends a POST with either a second time when a connection breaks.
	"idempotency-key", "x-idempotency-key",
}

// CheckHeaderName tells whether an operator may set a header on our requests: a
// token of RFC 9110 that does not steer the connection. The error quotes the
// name only if it is one of those.
func CheckHeaderName(name string) error {
	if name == "" || strings.ContainsFunc(name, notToken) {
		return errors.New("a header name consists of letters, digits and " + tokenSymbols)
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "proxy-") || slices.Contains(reservedHeaders, lower) {
		return errors.New("the header " + http.CanonicalHeaderKey(name) + " is set by the HTTP client and cannot be changed")
	}
	return nil
}

// CheckHeaderValue tells whether a value can stand in a header: no control
// characters (RFC 9110 section 5.5), no space at either end, which HTTP would
// drop. The value never appears in the error.
func CheckHeaderValue(value string) error {
	switch {
	case !utf8.ValidString(value):
		return errors.New("a header value must be UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("a header value must not hold control characters, such as the end of a line")
	case strings.HasPrefix(value, " ") || strings.HasSuffix(value, " "):
		return errors.New("a header value must not begin or end with a space")
	}
	return nil
}

func notToken(r rune) bool {
	alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !alphanumeric && !strings.ContainsRune(tokenSymbols, r)
}
