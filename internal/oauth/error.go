// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Kind says what went wrong, as far as it decides what to do next.
type Kind int

// The kinds of failure. Only after Ambiguous and Malformed may the server have
// acted on the grant.
const (
	Refused     Kind = iota + 1 // the server said no: an OAuth error code, or a 4xx
	Unavailable                 // 408, 425, 429, 5xx, temporarily_unavailable, server_error
	Unreachable                 // name, connection or TLS failed, or the connection broke before the request was written
	Ambiguous                   // no whole answer after bytes of the request were written
	Malformed                   // 2xx that is no token
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

func forbidden(host, reason string) *Error {
	return &Error{Kind: Forbidden, Host: host, Reason: reason}
}

func (a answer) redirected() *Error {
	return &Error{Kind: Redirected, Host: a.host, Status: a.status, Reason: "redirect refused"}
}

func (a answer) malformed(reason string) *Error {
	return &Error{Kind: Malformed, Host: a.host, Status: a.status, Reason: reason}
}

// refusal is the error that an error answer stands for.
func (a answer) refusal(fields map[string]any, scrub *scrubber) *Error {
	code, description := errorOf(fields)
	if code == "" && a.status == http.StatusUnauthorized { // RFC 6750 section 3
		challenges := strings.Join(a.header.Values("WWW-Authenticate"), ", ")
		code = authParam(challenges, "error")
		description = cmp.Or(description, authParam(challenges, "error_description"))
	}
	return &Error{
		Kind: kindOf(a.status, code), Host: a.host, Status: a.status,
		Code:        scrub.code(code),
		Description: scrub.description(description),
		RetryAfter:  retryAfter(a.header, a.issued),
	}
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

// carriesError tells an error from a token; some servers send it with status 200.
func carriesError(fields map[string]any) bool {
	if ok, is := fields["ok"].(bool); is && !ok { // Slack
		return true
	}
	switch e := fields["error"].(type) {
	case nil:
		return false
	case bool:
		return e
	case string:
		return e != ""
	case []any:
		return len(e) > 0
	case map[string]any:
		return len(e) > 0
	default: // a number
		return fmt.Sprint(e) != "0"
	}
}

// errorOf returns code and description of an error answer, as they came. Google
// and Microsoft Graph send an object where RFC 6749 section 5.2 has a string.
func errorOf(fields map[string]any) (code, description string) {
	description = text(fields["error_description"])
	object, is := fields["error"].(map[string]any)
	if !is {
		return text(fields["error"]), description
	}
	if message := text(object["message"]); message != "" {
		description = message
	}
	code, isString := object["code"].(string)
	if !isString { // Google puts the word into status, Facebook into type, and the number into code
		for _, name := range []string{"status", "type", "code"} {
			if code = text(object[name]); code != "" {
				break
			}
		}
	}
	return code, description
}

// text returns a string, or the digits of a number.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// authParam returns a parameter of a challenge (RFC 9110 section 11.2), quoted or not.
func authParam(challenges, name string) string {
	for _, m := range challengeParam.FindAllStringSubmatch(challenges, -1) {
		if strings.EqualFold(m[1], name) {
			return quotedPair.ReplaceAllString(m[2], "$1") + m[3]
		}
	}
	return ""
}

var (
	challengeParam = regexp.MustCompile(`([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)
	quotedPair     = regexp.MustCompile(`\\(.)`)
)

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
