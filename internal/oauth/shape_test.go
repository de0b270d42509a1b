// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawn is the shape of an answer to a request with these secrets, as a trace
// would show it.
func drawn(a *Answer, secrets ...string) string {
	tokens, more := tokensOf(a)
	return shapeOf(a, newVeil(secrets, tokens), more)
}

func answered(status int, media, body string) *Answer {
	return &Answer{Status: status, Header: http.Header{"Content-Type": {media}}, Body: []byte(body)}
}

func jwt(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}

func TestShapes(t *testing.T) {
	const js, form = "application/json", "application/x-www-form-urlencoded"
	token := jwt(`{"exp":1795478400}`)
	for body, want := range map[string]string{
		`{"token":"` + token + `","a":{"b":[1,2.5,true,null,{}]},"c":[]}`: "{\n  \"token\": [JWT, " + fmt.Sprint(len(token)) + " characters, exp 2026-11-24T00:00:00Z],\n  \"a\": {\n    \"b\": [\n      1,\n      2.5,\n      true,\n      null,\n      {}\n    ]\n  },\n  \"c\": []\n}",
		`{"access_token":"tok-1234","expires_in":NaN}<br>warning`:         "{\n  \"access_token\": [text, 8 characters],\n  \"expires_in\": [text, 3 characters]\n}\n[11 bytes behind it]",
		"\xef\xbb\xbf {\"t\":\"\"}":                                       "{\n  \"t\": \"\"\n}",
		`{"t":"` + jwt(`{}`) + `"}`:                                       "{\n  \"t\": [JWT, 37 characters]\n}",
		`{"t":"` + jwt(`{"exp":"soon"}`) + `"}`:                           "{\n  \"t\": [JWT, 53 characters]\n}",
		`{"t":"` + jwt(`{"exp":1e30}`) + `"}`:                             "{\n  \"t\": [JWT, 50 characters]\n}",
		`{"expires":"2026-11-24T00:00:00Z","on":"2026-11-24 01:02:03"}`:   "{\n  \"expires\": \"2026-11-24T00:00:00Z\",\n  \"on\": \"2026-11-24 01:02:03\"\n}",
		`{"a":"2026-11-24x","b":"20261124","c":"1795478400"}`:             "{\n  \"a\": [text, 11 characters],\n  \"b\": [text, 8 characters],\n  \"c\": [text, 10 characters]\n}",
		`{"token":"2026-11-24","expires_in":3600}`:                        "{\n  \"token\": [text, 10 characters],\n  \"expires_in\": 3600\n}",
		`{"a":12345678901234567,"b":1234567890123456,"refresh_token":12}`: "{\n  \"a\": [number],\n  \"b\": 1234567890123456,\n  \"refresh_token\": [number]\n}",
		`{"refresh_token_expires_in":12}`:                                 "{\n  \"refresh_token_expires_in\": 12\n}",
		`{"` + strings.Repeat("k", 41) + `":1,"A7bQ9xKw2LmZ81pRs":2}`:     "{\n  \"[name, 41 characters]\": 1,\n  \"[name, 17 characters]\": 2\n}",
		`{"k\u0000\n\"x":1}`:                                              "{\n  \"k  'x\": 1\n}",
		`{"message":"all is well","status":"ok"}`:                         "{\n  \"message\": [text, 11 characters],\n  \"status\": [text, 2 characters]\n}",
		`{"success":false,"message":"bad password","status":"no"}`:        "{\n  \"success\": false,\n  \"message\": \"bad password\",\n  \"status\": [text, 2 characters]\n}",
		`{"error":"invalid_grant","x":"bad password"}`:                    "{\n  \"error\": \"invalid_grant\",\n  \"x\": [text, 12 characters]\n}",
		`"a-token-that-is-all"`:                                           "[text, 19 characters]", `1234567`: "[number]", `[]`: "[]", `null`: "null",
		`<html>`: "[HTML, 6 bytes]", `<?xml version="1.0"?><a/>`: "[XML, 25 bytes]", ``: "[empty]", " \n": "[empty]",
		"\x00\x01": "[binary, 2 bytes]", "\xff": "[binary, 1 bytes]", `a-token-that-is-all`: "[text, 19 bytes]", `{"a":`: "[text, 5 bytes]", `12 a`: "[text, 4 bytes]",
	} {
		require.Equal(t, want, drawn(answered(200, js, body)), "%s", body)
	}
	for body, want := range map[string]string{
		"access_token=a&scope=&x.y=b": "[form: access_token, scope, x.y]", "session=abc": "[form: session]", "dG9rZW4tdG9rZW4=": "[text, 16 bytes]",
		"dG9rZW4tdG9rZW4==": "[text, 17 bytes]", "plain": "[text, 5 bytes]", "a/b=c": "[text, 5 bytes]", "A7bQ9xKw2LmZ81pRs=c": "[form: [name, 17 characters]]",
	} {
		require.Equal(t, want, drawn(answered(200, form, body)), "%s", body)
	}
	require.Equal(t, "[text, 11 bytes]", drawn(answered(200, "text/plain", "session=abc")))
	require.Equal(t, "[form: access_token]", drawn(answered(200, "text/plain", "access_token=abc")))
	cut := answered(200, js, `{"a":"tok`)
	cut.cut = true
	require.Equal(t, "[cut off after 9 bytes]", drawn(cut))
	cut.Body = []byte(`{"a":1}`)
	require.Equal(t, "{\n  \"a\": 1\n}", drawn(cut), "a whole object is a whole answer")
}

func TestShapesOfErrors(t *testing.T) {
	long := strings.Repeat("word ", 60)
	for body, want := range map[string]string{
		`{"message":"wrong","detail":["not here","x"]}`:            `{ "message": "wrong", "detail": [ "not here", "x" ] }`,
		`{"message":"` + strings.Repeat("x", 41) + `"}`:            `{ "message": [text, 41 characters] }`,
		`{"message":"see ` + strings.Repeat("x", 41) + `."}`:       `{ "message": "see [redacted]" }`,
		`{"message":"the session A7bQ9xKw2LmZ81pRs has ended"}`:    `{ "message": "the session [redacted] has ended" }`,
		`{"error_token":"no secret"}`:                              `{ "error_token": [text, 9 characters] }`,
		`{"mfa_token":"mfa9","error":"give mfa9 again"}`:           `{ "mfa_token": [text, 4 characters], "error": "give [redacted] again" }`,
		`{"user":"alice-77","error":"alice-77 is unknown"}`:        `{ "user": [text, 8 characters], "error": "[redacted] is unknown" }`,
		`{"errorMessage":"say \"no\"\nmore"}`:                      `{ "errorMessage": "say 'no' more" }`,
		`{"message":"` + long + `"}`:                               `{ "message": "` + strings.TrimSpace(long[:200]) + `" }`,
		`{"token_type":"access_token","access_token":"tok-12345"}`: `{ "token_type": [text, 12 characters], "access_token": [text, 9 characters] }`,
	} {
		require.Equal(t, want, strings.Join(strings.Fields(drawn(answered(400, "application/json", body))), " "), "%s", body)
	}
}

func TestShapesAreLimited(t *testing.T) {
	var body strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&body, `,"k%d":{"x":"value-number-%d"}`, i, i)
	}
	a := answered(400, "application/json", "{"+body.String()[1:]+`,"message":"bad value-number-4999"}`)
	out := drawn(a)
	require.Less(t, strings.Count(out, "\n"), 130)
	require.Contains(t, out, `"k29": {`)
	require.NotContains(t, out, `"k30": {`)
	require.NotContains(t, out, "4999")

	_, more := tokensOf(a)
	require.True(t, more)
	a.Body = []byte(`{"message":"bad value-number-4999",` + body.String()[1:] + `}`)
	require.NotContains(t, drawn(a), "value-number", "there are more texts than are looked for")

	deep := drawn(answered(200, "", strings.Repeat(`{"a":`, 50)+"1"+strings.Repeat("}", 50)))
	require.Equal(t, 6, strings.Count(deep, `"a"`))
	require.Contains(t, deep, "...")
	require.Equal(t, "[text, 120000 bytes]", drawn(answered(200, "", strings.Repeat(`{"a":[`, 20000))))
}

func TestDates(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-11-24": true, "2026-11-24T10:00:00Z": true, "2026-11-24T10:00:00.1234567+01:00": true, "2026-11-24 10:00:00": true, "2026-11-24T10:00:00+0100": true,
		"20261124": false, "2026": false, "12:30:00": false, "2026-13-24": false, "2026-11-24T10:00:00.12345678901234567890Z": false, "0001-01-01": false, "-": false, "": false,
		"1-2-3": false, "2026-11-24T10:00:00z": false,
	} {
		require.Equal(t, want, dateLike(text), text)
	}
}

func TestTokenLikeWords(t *testing.T) {
	for word, want := range map[string]bool{
		"550e8400-e29b-41d4-a716-446655440000": true, "A7bQ9xKw2LmZ81pRs": true, "aBcDeFgHiJkLmNoP": true, "0123456789abcdef": true,
		"access_token": false, "refresh_token_expires_in": false, "accessTokenExpirationTime": false, "RSA-SHA256-fingerprint": false, "authenticationSessionIdentifier": false,
		"short1234": false, "": false,
	} {
		require.Equal(t, want, tokenLike(word), word)
	}
}

func FuzzShape(f *testing.F) {
	for i, text := range []string{
		`{"access_token":"?","error":"bad ?","message":"it is ?"}`, `{"?":{"?":["?",{"error":"no ? here"}]}}`, `access_token=?&?=x&error=?`, `<p>?</p>`, `"?"`,
		`{"error":{"message":"got %3f ?","data":"?"},"errors":["?"]}`, `?`, `{"success":false,"msg":"\u003f? ?","status":"?"}`, `{"a":1,"a":2}{"b":"?"}`,
	} {
		f.Add(200+i%3*100, "application/json", text, i%2 == 0)
		f.Add(400, "application/x-www-form-urlencoded", text, i%2 == 1)
	}
	const secret, token = `c4n4ry s"cret/é`, "t0k3n-c4n4ry"
	raw, _ := json.Marshal(secret)
	f.Fuzz(func(t *testing.T, status int, media, body string, sent bool) {
		canary := token
		if sent { // what was sent is hidden wherever it comes back
			canary = string(raw[1 : len(raw)-1])
		}
		body = strings.ReplaceAll(body, "?", canary)
		if !sent { // what the answer brings is hidden wherever it stands a second time
			body = `{"access_token":"` + token + `","all":` + body + "}"
		}
		a := answered(status, media, body)
		a.Header.Set("Www-Authenticate", "Bearer "+canary)
		tokens, more := tokensOf(a)
		v := newVeil([]string{secret}, tokens)
		out := shapeOf(a, v, more) + strings.Join(v.header(a.Header), "\n") + v.failure(*a.refusal(nil, new(scrubber)), more)
		for _, form := range append(encodings(canary), encodings(secret)...) {
			if len(form) >= shortSecret && strings.Contains(out, form) {
				t.Fatalf("%q shows %q", out, form)
			}
		}
		if strings.Contains(out, "c4n4ry") && !strings.Contains(strings.ReplaceAll(body, canary, ""), "c4n4ry") {
			t.Fatalf("%q shows a part of %q", out, canary)
		}
		if strings.Count(out, "\n") > 3*maxMembers {
			t.Fatalf("%d lines", strings.Count(out, "\n"))
		}
	})
}

func BenchmarkShape(b *testing.B) {
	var body strings.Builder
	for i := range 150 {
		fmt.Fprintf(&body, `,"key number %d":"value-number-%d of them"`, i, i)
	}
	a := answered(400, "application/json", "{"+body.String()[1:]+"}")
	for b.Loop() {
		drawn(a, "a secret of some length")
	}
}
