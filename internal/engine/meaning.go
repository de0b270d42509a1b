// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"net/http"
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// meaning is what a failed exchange tells. Nothing else in the engine judges an
// oauth.Error.
type meaning struct {
	operator  bool // an operator has to act; else the failure may be transient
	answered  bool // the server has said something that is no token, and may well say the same again
	account   bool // the answer was one to user name and password, and counts against the account
	throttled bool // the server wants fewer requests, or may still be at this one
	silent    bool // it tells nothing about the server's health
	token     fate
}

// fate is what a failure tells of the refresh token that was sent.
type fate int

const (
	tokenUnused     fate = iota // the server has not looked at it
	tokenUnanswered             // the server may have replaced it: the answer is lost
	tokenUnreadable             // the server may have replaced it: the answer has no token
	tokenRefused                // the server has refused it
	tokenDeclined               // the server has refused our client, or what is asked for
)

// requestFaults are the codes that refuse our client or what it asks for, whoever
// asks (RFC 6749 section 5.2, RFC 8707 section 2).
var requestFaults = []string{
	"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request", "invalid_target",
}

func (d *Definition) meaningOf(failed *oauth.Error) meaning {
	return meaningOf(failed, d.About.OwnWords)
}

// meaningOf goes by kind, status and code. ownWords: an API with a login document
// answers in words of its own, which no code of RFC 6749 tells apart.
func meaningOf(failed *oauth.Error, ownWords bool) meaning {
	m := meaning{
		throttled: failed.Status == http.StatusTooManyRequests || failed.Status == http.StatusServiceUnavailable || failed.Kind == oauth.Ambiguous,
		silent:    failed.Kind == oauth.Forbidden || failed.Kind == oauth.Malformed, // a page may be one config's own fault
	}
	switch failed.Kind {
	case oauth.Refused, oauth.Unexpected, oauth.Redirected:
		m.operator, m.answered = true, true
	case oauth.Forbidden:
		m.operator = true
	case oauth.Malformed:
		m.answered = true
	}
	m.account = m.answered && (ownWords || !slices.Contains(requestFaults, failed.Code))
	m.token = m.fate(failed, ownWords)
	return m
}

// fate tells what became of the refresh token that was sent.
func (m meaning) fate(failed *oauth.Error, ownWords bool) fate {
	switch {
	case failed.Kind == oauth.Ambiguous, brokeOnTheWay(failed):
		return tokenUnanswered
	case failed.Kind == oauth.Malformed, failed.Kind == oauth.Unexpected:
		return tokenUnreadable
	case failed.Kind == oauth.Refused && namesToken(failed, ownWords):
		return tokenRefused
	case m.operator && failed.Code != "invalid_client": // a client secret is often changed at one side first
		return tokenDeclined
	}
	return tokenUnused
}

// namesToken tells a refusal of the refresh token from one of our client or of the
// request (RFC 6749 section 5.2), and from a page of somebody who stands before
// the server. Some servers have codes of their own, such as bad_refresh_token.
func namesToken(failed *oauth.Error, ownWords bool) bool {
	switch {
	case ownWords:
		return true
	case failed.Code == "":
		return failed.Status == http.StatusBadRequest || failed.Status == http.StatusUnauthorized
	}
	return !slices.Contains(requestFaults, failed.Code)
}

// brokeOnTheWay tells a failure of the server, or of a gateway before it, after which it
// may have acted all the same. 503 and 429 say that it has not, and so does a code.
func brokeOnTheWay(failed *oauth.Error) bool {
	return failed.Status >= 500 && failed.Status != http.StatusServiceUnavailable && failed.Code == ""
}

// ActionRequired tells whether an operator has to act after the failure; else it
// may be transient.
func ActionRequired(failed *oauth.Error) bool { return meaningOf(failed, false).operator }
