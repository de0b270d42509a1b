// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	atToken    = `{"request": {"url": "/"}, "token": {"json": "/token"}}`
	inHeader   = `{"request": {"url": "/"}, "token": {"header": "X-Auth-Token"}}`
	wholeBody  = `{"request": {"url": "/"}, "token": {"body": true}}`
	wholeValue = `{"request": {"url": "/"}, "token": {"json": ""}}`
)

// withHeader is an answer with one more header.
func withHeader(body, name, value string) Answer {
	a := said(body)
	a.Header.Set(name, value)
	return a
}

func TestTokens(t *testing.T) {
	long := strings.Repeat("t", maxToken)
	for _, c := range []struct {
		document     string
		answer       Answer
		token, found string
	}{
		{atToken, said(`{"token": "abc"}`), "abc", "token: /token matched a text of 3 characters"},
		{atToken, said("\ufeff \r\n{\"token\": \"abc\"}\n"), "abc", "token: /token matched a text of 3 characters"},
		{atToken, said(`{"token": "a b~ \u0021"}`), "a b~ !", "token: /token matched a text of 6 characters"},
		{atToken, said(`{"error": "none", "token": "abc"}`), "abc", "token: /token matched a text of 3 characters"},
		{atToken, said(`{"token": "` + long + `"}`), long, "token: /token matched a text of 65536 characters"},
		{wholeValue, said(`"abc"`), "abc", "token: the whole answer matched a text of 3 characters"},
		{wholeBody, said(`"a\u0062c"`), "abc", "token: the body matched a text of 3 characters"},
		{wholeBody, said("\ufeff abc.def\r\n"), "abc.def", "token: the body matched a text of 7 characters"},
		{wholeBody, said(`12345`), "12345", "token: the body matched a text of 5 characters"},
		{wholeBody, said(`"unclosed`), `"unclosed`, "token: the body matched a text of 9 characters"},
		{inHeader, withHeader("<html>", "x-auth-token", "abc"), "abc", "token: the header X-Auth-Token matched a text of 3 characters"},
		{strings.ReplaceAll(atToken, "/token", "/a~1b/~0c/1/d"), said(`{"a/b": {"~c": [0, {"d": "abc"}]}}`), "abc", "token: /a~1b/~0c/1/d matched a text of 3 characters"},
		{strings.ReplaceAll(atToken, "/token", "/"), said(`{"": "abc"}`), "abc", "token: / matched a text of 3 characters"},
		{atToken, said(`{"token": "first", "token": "last"}`), "last", "token: /token matched a text of 4 characters"},
	} {
		r := read(t, c.document, c.answer)
		require.Equal(t, c.token, r.Token.Reveal())
		require.Equal(t, []string{c.found, "expires: the document does not say, and the token is no JWT"}, r.Found)
		require.Empty(t, r.Warnings)
		require.Nil(t, r.Extra)
		require.False(t, r.RefreshToken.IsSet())
		require.Zero(t, r.Expires)
	}
}

func TestRefreshTokens(t *testing.T) {
	const rest = `"token": {"json": "/t"}, "refresh_token": {"json": "/r"}, "refresh": {"request": {"url": "/"}}`
	d := compile(t, withRest(rest))
	for _, c := range []struct{ value, token, warning, found string }{
		{`"abc"`, "abc", "", "refresh_token: /r matched a text of 3 characters"},
		{`" a\nb "`, " a\nb ", "", "refresh_token: /r matched a text of 5 characters"},
		{`123456789012345678901234567890`, "123456789012345678901234567890", "", "refresh_token: /r matched a number"},
		{`""`, "", "refresh_token: nothing at /r; the token cannot be refreshed with it", "refresh_token: nothing at /r; the old one stays"},
		{`null`, "", "refresh_token: nothing at /r; the token cannot be refreshed with it", "refresh_token: nothing at /r; the old one stays"},
		{`true`, "", "refresh_token: /r is true, and not a text", ""},
		{`["a"]`, "", "refresh_token: /r is a list of 1, and not a text", ""},
		{`"` + strings.Repeat("r", maxToken) + `"`, strings.Repeat("r", maxToken), "", "refresh_token: /r matched a text of 65536 characters"},
		{`"` + strings.Repeat("r", maxToken+1) + `"`, "", "refresh_token: /r is longer than 64 KiB and was left out", ""},
	} {
		a := said(`{"t": "x", "r": ` + c.value + `}`)
		r, f := d.ReadLogin(a)
		require.Nil(t, f)
		require.Equal(t, c.token, r.RefreshToken.Reveal())
		if c.warning != "" {
			require.Equal(t, []string{c.warning}, r.Warnings)
		} else {
			require.Equal(t, c.found, r.Found[2])
		}
		r, f = d.ReadRefresh(a)
		require.Nil(t, f)
		require.Equal(t, c.token, r.RefreshToken.Reveal())
		if c.found != "" {
			require.Empty(t, r.Warnings)
			require.Equal(t, c.found, r.Found[2])
		} else {
			require.Equal(t, []string{c.warning}, r.Warnings)
		}
	}
}

func TestARefreshReadsItsOwnWay(t *testing.T) {
	d := compile(t, whole)
	r, f := d.ReadRefresh(Answer{Status: 204, Header: http.Header{"N": {"7"}}, Body: []byte(jwt(`{"exp":1795525200}`)), At: now})
	require.Nil(t, f)
	require.Equal(t, int64(1795525200), r.Expires.Unix())
	require.Equal(t, map[string]string{"n": "7"}, r.Extra)
	require.Empty(t, r.Warnings, "neither a refresh token nor all extra values need to come again")
	_, f = d.ReadRefresh(said(`x`))
	require.Equal(t, "expected success: status 204, seen status 200; not JSON but 1 byte of something else", f.Error())
}

func TestExtraValues(t *testing.T) {
	long := strings.Repeat("é", maxExtra/2)
	const rest = `"token": {"json": "/t"}, "extra": {"x": {"json": "/x"}}`
	for _, c := range []struct{ value, text, warning string }{
		{`"abc"`, "abc", ""},
		{`""`, "", ""},
		{`1.50`, "1.50", ""},
		{`true`, "true", ""},
		{`false`, "false", ""},
		{`"` + long + `"`, long, ""},
		{`"` + long + `a"`, "", "extra.x: /x is longer than 4 KiB, or not UTF-8, and was left out"},
		{`null`, "", "extra.x: nothing at /x"},
		{`[]`, "", "extra.x: /x is a list of 0; only texts, numbers, true and false are handed out"},
		{`{"k": 1}`, "", "extra.x: /x is an object with the keys k; only texts, numbers, true and false are handed out"},
	} {
		r := read(t, withRest(rest), said(`{"t": "x", "x": `+c.value+`}`))
		if c.warning != "" {
			require.Equal(t, []string{c.warning}, r.Warnings)
			require.Nil(t, r.Extra)
			continue
		}
		require.Equal(t, map[string]string{"x": c.text}, r.Extra)
		require.Contains(t, r.Found[2], "extra.x: /x matched ")
	}
	r := read(t, withRest(`"token": {"json": "/t"}, "extra": {"x": {"json": "/x"}, "h": {"header": "H"}}`), withHeader(`{"t": "x"}`, "H", "\xff"))
	require.Equal(t, []string{"extra.x: nothing at /x", "extra.h: the header H is longer than 4 KiB, or not UTF-8, and was left out"}, r.Warnings)
}

func TestSuccess(t *testing.T) {
	for _, c := range []struct {
		success string
		status  int
		body    string
		seen    string // "": a success
	}{
		{`{"status": 201}`, 201, `{}`, ""},
		{`{"status": 201}`, 200, `{}`, "expected success: status 201, seen status 200; the answer is an empty object"},
		{`{"status": [302, 404]}`, 404, `{}`, ""},
		{`{"status": [302, 404]}`, 200, `{"a": 1}`, "expected success: status 302 or 404, seen status 200; the answer's keys are a, token"},
		{`{"json": {"/ok": true}}`, 299, `{"ok": true}`, ""},
		{`{"json": {"/ok": true}}`, 300, `{"ok": true}`, "expected success: a 2xx status, seen status 300; the answer's keys are ok, token"},
		{`{"json": {"/ok": true}}`, 200, `{"ok": false}`, "expected success: true at /ok, seen false there"},
		{`{"json": {"/ok": true}}`, 200, `{"ok": "true"}`, "expected success: true at /ok, seen a text of 4 characters there"},
		{`{"json": {"/ok": false}}`, 200, `{"ok": null}`, "expected success: false at /ok, seen null there"},
		{`{"json": {"/ok": true}}`, 200, `{"OK": true}`, "expected success: true at /ok, seen nothing there; the answer's keys are OK, token"},
		{`{"json": {"/n": 1}}`, 200, `{"n": 1.0}`, ""},
		{`{"json": {"/n": 1.50e3}}`, 200, `{"n": 1500}`, ""},
		{`{"json": {"/n": -0.0}}`, 200, `{"n": 0}`, ""},
		{`{"json": {"/n": 1e999999999}}`, 200, `{"n": 10e999999998}`, ""},
		{`{"json": {"/n": 1e99999999999}}`, 200, `{"n": 1e99999999999}`, ""},
		{`{"json": {"/n": 1e99999999999}}`, 200, `{"n": 1}`, "expected success: 1e99999999999 at /n, seen 1 there"},
		{`{"json": {"/n": 0}}`, 200, `{"n": 40013}`, "expected success: 0 at /n, seen 40013 there"},
		{`{"json": {"/n": 0}}`, 200, `{"n": ` + strings.Repeat("1", 41) + `}`, "expected success: 0 at /n, seen a number there"},
		{`{"json": {"/n": ` + strings.Repeat("1", 41) + `}}`, 200, `{"n": 0}`, "expected success: the number that the document gives at /n, seen 0 there"},
		{`{"json": {"/n": 1}}`, 200, `{"n": "1"}`, "expected success: 1 at /n, seen a text of 1 character there"},
		{`{"json": {"/n": 1}}`, 200, `{"n": -1}`, "expected success: 1 at /n, seen -1 there"},
		{`{"json": {"/s": "ok"}}`, 200, `{"s": "ok"}`, ""},
		{`{"json": {"/s": ""}}`, 200, `{"s": ""}`, ""},
		{`{"json": {"/s": ""}}`, 200, `{}`, "expected success: the text that the document gives at /s, seen nothing there; the answer's keys are token"},
		{`{"json": {"/s": "in-document"}}`, 200, `{"s": "in-answer"}`, "expected success: the text that the document gives at /s, seen another text there"},
		{`{"json": {"/s": "ok"}}`, 200, `{"s": [1]}`, "expected success: the text that the document gives at /s, seen a list of 1 there"},
		{`{"json": {"/e": null}}`, 200, `{"e": null}`, ""},
		{`{"json": {"/e": null}}`, 200, `{}`, ""},
		{`{"json": {"/e/f": null}}`, 200, `{"e": 1}`, ""},
		{`{"json": {"/e": null}}`, 200, `{"e": {"k": 1}}`, "expected success: null at /e, seen an object with the keys k there"},
		{`{"json": {"/a/b": 1}}`, 200, `{"a": {"c": 1, "d": 2}}`, "expected success: 1 at /a/b, seen nothing there; the keys at /a are c, d"},
		{`{"json": {"/a/01": 1}}`, 200, `{"a": [1, 1]}`, "expected success: 1 at /a/01, seen nothing there; /a is a list of 2"},
	} {
		document := `{"request": {"url": "/"}, "token": {"json": "/token"}, "success": ` + c.success + `}`
		a := said(strings.Replace(strings.Replace(c.body, "{", `{"token": "t", `, 1), ", }", "}", 1))
		if c.body == "{}" && strings.Contains(c.seen, "empty") {
			a = said(c.body)
		}
		a.Status = c.status
		if c.seen == "" {
			read(t, document, a)
			continue
		}
		f := fails(t, document, a)
		require.Equal(t, c.seen, f.Error())
		require.True(t, f.Refused)
	}
	f := fails(t, withRest(`"token": {"json": "/t"}, "success": {"json": {"/ok": true}}`), said(`<html>`))
	require.Equal(t, "expected success: true at /ok, seen a page of HTML or XML", f.Error())
	require.False(t, f.Refused)
}

func TestDecimal(t *testing.T) {
	for _, same := range [][]string{
		{"1", "1.0", "10e-1", "0.1E1", "1e0", "1E+0"}, {"0", "-0", "0.00", "0e7"}, {"-12.5", "-125e-1"}, {"100", "1e2"}, {"0.001", "1e-3"},
	} {
		for _, number := range same {
			require.True(t, json.Valid([]byte(number)))
			require.Equal(t, decimal(same[0]), decimal(number))
		}
	}
	require.NotEqual(t, decimal("1"), decimal("-1"))
	require.NotEqual(t, decimal("1"), decimal("10"))
}
