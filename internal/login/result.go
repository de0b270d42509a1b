// SPDX-License-Identifier: MPL-2.0

package login

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

const (
	maxToken = 64 << 10 // bytes
	maxExtra = 4 << 10  // bytes of each value
)

// Result is what an answer gives.
type Result struct {
	Token, RefreshToken secret.String
	Expires             time.Time         // zero: not known
	Extra               map[string]string // nil: none
	Warnings            []string
	Hint                string // what to write so that Expires is known; "": it is, or nobody can tell
	// Found tells for a person, one line each, where everything was. It holds no
	// values other than times.
	Found []string
}

// ReadLogin reads the answer to the request that Login returned. Exactly one of
// the two results is nil.
func (d *Document) ReadLogin(a Answer) (*Result, *Failure) { return d.read(d.login, a) }

// ReadRefresh reads the answer to the request that Refresh returned. That it has
// no refresh token, or not all of the extra values, is normal: the old ones stay.
func (d *Document) ReadRefresh(a Answer) (*Result, *Failure) {
	if d.refresh == nil {
		return nil, &Failure{Expected: "a login document with refresh", Seen: "one without"}
	}
	return d.read(d.refresh, a)
}

func (d *Document) read(e *exchange, raw Answer) (*Result, *Failure) {
	a := open(raw)
	if f := e.success.check(a); f != nil {
		return nil, f
	}
	token, f := readToken(e.token, a)
	if f != nil {
		return nil, f
	}
	r := &Result{Token: secret.String(token)}
	r.note("token: %s matched %s", e.token.name(), describeText(token))
	r.readLife(e.expires, a, token)
	if r.Expires.IsZero() {
		r.Hint = lifeHint(a, e.token)
	}
	login := e == d.login
	if e.refreshToken != nil {
		r.readRefreshToken(e.refreshToken, a, login)
	}
	for _, extra := range d.extra {
		r.readExtra(extra, a, login)
	}
	return r, nil
}

func (r *Result) note(format string, args ...any) {
	r.Found = append(r.Found, fmt.Sprintf(format, args...))
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// readToken returns a token that can be sent in a header, or why there is none.
func readToken(s source, a *answer) (string, *Failure) {
	got := s.look(a)
	token, ok := got.value.(string)
	f := &Failure{Expected: "token: a text " + s.place(), Seen: got.trouble}
	switch {
	case !got.there:
	case !ok:
		f.Seen = describe(got.value) + " there"
	case strings.TrimSpace(token) == "":
		f.Seen = describeText(token) + " there"
	case len(token) > maxToken:
		f.Seen = fmt.Sprintf("a text of %d bytes there; 64 KiB is the most", len(token))
	case strings.ContainsFunc(token, notVisible):
		f.Seen = describeText(token) + " there, of which some are not visible ASCII"
	default:
		return token, nil
	}
	if words := refusal(a); words != "" && (!ok || strings.TrimSpace(token) == "") {
		f.Refused, f.Seen = true, words
		return "", f
	}
	f.Hint = hint(s, a)
	return "", f
}

func notVisible(r rune) bool { return r < ' ' || r > '~' }

func (r *Result) readLife(e expiry, a *answer, token string) {
	if e == nil {
		e = undeclaredLife{}
	}
	l := e.read(a, token)
	r.Expires = l.expires
	r.Found = append(r.Found, l.found)
	if l.warning != "" {
		r.Warnings = append(r.Warnings, l.warning)
	}
}

// readRefreshToken keeps a refresh token as it is: it only ever goes back to the
// server that it came from.
func (r *Result) readRefreshToken(s source, a *answer, login bool) {
	got := s.look(a)
	text := ""
	switch v := got.value.(type) {
	case string:
		text = v
	case fmt.Stringer: // json.Number
		text = v.String()
	}
	switch {
	case text != "" && len(text) <= maxToken:
		r.RefreshToken = secret.String(text)
		r.note("refresh_token: %s matched %s", s.name(), describe(got.value))
	case text != "":
		r.warn("refresh_token: %s is longer than 64 KiB and was left out", s.name())
	case got.there && got.value != nil && got.value != "":
		r.warn("refresh_token: %s is %s, and not a text", s.name(), describe(got.value))
	case login:
		r.warn("refresh_token: nothing %s; the token cannot be refreshed with it", s.place())
	default:
		r.note("refresh_token: nothing %s; the old one stays", s.place())
	}
}

func (r *Result) readExtra(e namedSource, a *answer, login bool) {
	got := e.source.look(a)
	text, err := scalarText(got.value)
	switch {
	case !got.there || got.value == nil:
		if login {
			r.warn("extra.%s: nothing %s", e.name, e.source.place())
		}
		return
	case err != nil:
		r.warn("extra.%s: %s is %s; only texts, numbers, true and false are handed out", e.name, e.source.name(), describe(got.value))
		return
	case len(text) > maxExtra || !utf8.ValidString(text):
		r.warn("extra.%s: %s is longer than 4 KiB, or not UTF-8, and was left out", e.name, e.source.name())
		return
	}
	if r.Extra == nil {
		r.Extra = map[string]string{}
	}
	r.Extra[e.name] = text
	r.note("extra.%s: %s matched %s", e.name, e.source.name(), describe(got.value))
}
