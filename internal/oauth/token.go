// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Limits on what an answer may claim.
const (
	maxToken = 64 << 10                  // bytes of an access or refresh token: what fits into storage with room to spare
	maxLife  = 10 * 365 * 24 * time.Hour // a life beyond this is a slip of units, or "for ever"
)

// Token is a successful answer (RFC 6749 section 5.1).
type Token struct {
	AccessToken  secret.String
	TokenType    string            // as given; Bearer when missing
	Scope        string            // as granted; empty when the server does not say
	RefreshToken secret.String     // empty when there is none
	Issued       time.Time         // when the request started: wall clock, so no later than the server's own idea of it
	Expires      time.Time         // Issued + expires_in; zero: the server does not say; Issued itself if UseOnce
	RefreshEnds  time.Time         // when RefreshToken ends, where somebody says; else zero
	SessionEnds  time.Time         // when the session ends that the token belongs to, where somebody says; else zero
	UseOnce      bool              // expires_in <= 0: good for the one who asked, not for a cache
	Extra        map[string]string // what else a dialect wants kept beside the token; nil
	Warnings     []string          // what was odd about the answer, in our own words, for the operator
	Hint         string            // what to change so that its life is known; "" where it is, or nobody can tell
}

// parseToken turns an answer into a token or an error; it is pure. An access
// token of the right shape is enough: nothing odd in the other members may
// discard the answer, because with it a rotated refresh token would be lost
// whose predecessor is used up.
func parseToken(a *Answer, scrub *scrubber) (*Token, *Error) {
	if a.Status/100 == 3 {
		return nil, a.Redirected()
	}
	fields, reason := a.fields()
	if a.Status/100 != 2 || carriesError(fields) {
		return nil, a.refusal(fields, scrub)
	}
	if reason != "" {
		t := a.early()
		if t != nil && t.AccessToken.IsSet() {
			return t, nil
		}
		return nil, a.malformed(reason).leaving(t)
	}
	access, reason := accessToken(fields)
	t := newToken(a, access, fields)
	if reason != "" {
		return nil, a.malformed(reason).leaving(t)
	}
	return t, nil
}

func newToken(a *Answer, access string, fields map[string]any) *Token {
	t := &Token{AccessToken: secret.String(access), TokenType: tokenType(fields), Scope: scope(fields), Issued: a.Issued}
	t.setRefreshToken(fields["refresh_token"])
	t.setLife(fields["expires_in"])
	t.setRefreshLife(fields)
	return t
}

// accessToken returns the access token, or what is wrong with it.
func accessToken(fields map[string]any) (token, reason string) {
	value, present := fields["access_token"]
	token, isString := value.(string)
	switch {
	case !present || value == nil || isString && strings.TrimSpace(token) == "":
		return "", "the answer has no access_token"
	case !isString:
		return "", "access_token is not a string"
	}
	if reason = CheckToken(token); reason != "" {
		return "", reason
	}
	return token, ""
}

// CheckToken returns why a text can be no access token, or "". It goes into a
// header, so it must be of RFC 6749 appendix A.12: no control characters, ASCII.
func CheckToken(text string) (reason string) {
	switch {
	case strings.TrimSpace(text) == "":
		return "the access token is blank"
	case len(text) > maxToken:
		return "the access token is larger than 64 KiB"
	case !visible(text):
		return "the access token has a control character, or one that is not ASCII"
	}
	return ""
}

// setRefreshToken keeps a refresh token as it came, even with characters that
// RFC 6749 appendix A.17 does not know: it only ever travels percent-encoded in a
// form, where it can do no harm, and refusing or dropping it would lose the grant.
// A number is kept by its digits, which is what the server will compare.
func (t *Token) setRefreshToken(value any) {
	var token string
	switch v := value.(type) {
	case nil:
		return
	case string:
		token = v
	case json.Number:
		token = v.String()
	default:
		t.warn("refresh_token is not a string: the answer has none")
		return
	}
	if len(token) > maxToken {
		t.warn("the refresh token is larger than 64 KiB and was not kept")
		return
	}
	t.RefreshToken = secret.String(token)
}

// tokenType keeps the server's spelling (Bearer, bearer). It goes into a header,
// so whatever could not is taken as missing.
func tokenType(fields map[string]any) string {
	given, _ := fields["token_type"].(string)
	if given == "" || len(given) > 64 || !visible(given) || strings.Contains(given, " ") {
		return "Bearer"
	}
	return given
}

// scope joins a list with spaces: Twitch sends one where RFC 6749 section 3.3 has
// a string.
func scope(fields map[string]any) string {
	switch v := fields["scope"].(type) {
	case string:
		return printable(v)
	case []any:
		var names []string
		for _, name := range v {
			if s, ok := name.(string); ok && s != "" {
				names = append(names, printable(s))
			}
		}
		return strings.Join(names, " ")
	}
	return ""
}

// setLife reads expires_in in every spelling seen: Azure AD's first endpoint,
// Naver and Apigee quote it, others send 3600.0 or 3.6e3.
func (t *Token) setLife(value any) {
	var text string
	switch v := value.(type) {
	case nil:
		return
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	default:
		t.warn("expires_in is not a number: the life of the token is unknown")
		return
	}
	if text == "" {
		return
	}
	seconds, ok := number(text)
	switch {
	case !ok:
		t.warn("expires_in is not a number: the life of the token is unknown")
	case seconds <= 0:
		t.UseOnce, t.Expires = true, t.Issued
	case seconds > maxLife.Seconds():
		t.warn("expires_in is more than 10 years and was taken as 10 years")
		t.Expires = t.Issued.Add(maxLife)
	default: // whole seconds apart, since a float of nanoseconds is not exact
		whole, part := math.Modf(seconds)
		t.Expires = t.Issued.Add(time.Duration(whole)*time.Second + time.Duration(part*float64(time.Second)))
	}
}

// setRefreshLife reads what no RFC names: GitHub, Microsoft and LinkedIn call it
// refresh_token_expires_in, Keycloak refresh_expires_in (with 0 for never), Intuit
// x_refresh_token_expires_in. What cannot be read says nothing.
func (t *Token) setRefreshLife(fields map[string]any) {
	if !t.RefreshToken.IsSet() {
		return
	}
	for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"} {
		seconds, ok := number(strings.TrimSpace(fmt.Sprint(fields[name])))
		if ok && seconds >= 1 && seconds <= maxLife.Seconds() {
			t.RefreshEnds = t.Issued.Add(time.Duration(seconds) * time.Second)
			return
		}
	}
}

// number reads a decimal number with an optional fraction and exponent; one that
// overflows is infinite. The words and bases that strconv knows are no numbers here.
func number(text string) (float64, bool) {
	if strings.Trim(text, "0123456789+-.eE") != "" || !strings.ContainsAny(text, "0123456789") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func (t *Token) warn(words string) { t.Warnings = append(t.Warnings, words) }

// visible tells whether text has only visible ASCII and spaces (VSCHAR, RFC 6749 appendix A).
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
