// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

var issued = time.Date(2025, 3, 30, 0, 59, 59, 123456789, time.UTC)

func parse(status int, media, body string, header ...string) (*Token, *Error) {
	h := http.Header{}
	if media != "" {
		h.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return parseToken(&Answer{Host: "as.example", Status: status, Header: h, Body: []byte(body), Issued: issued}, new(scrubber))
}

// lifetimes and what they mean; zero is "use once".
var lifetimes = map[int64]time.Duration{
	math.MinInt64: 0, -3600: 0, -1: 0, 0: 0, 1: time.Second, 19: 19 * time.Second, 44: 44 * time.Second, 300: 5 * time.Minute,
	3599: 3599 * time.Second, 3600: time.Hour, 86400: 24 * time.Hour, 7776000: 90 * 24 * time.Hour,
	315360000: maxLife, 315360001: maxLife, math.MaxInt32: maxLife, math.MaxInt64: maxLife,
}

// spellings of a whole number as a JSON value.
var spellings = map[string]func(int64) string{
	"number":          func(n int64) string { return strconv.FormatInt(n, 10) },
	"float":           func(n int64) string { return fmt.Sprintf("%d.0", n) },
	"long float":      func(n int64) string { return fmt.Sprintf("%d.000000", n) },
	"exponent":        func(n int64) string { return strconv.FormatFloat(float64(n), 'e', -1, 64) },
	"other exponent":  func(n int64) string { return fmt.Sprintf("%dE+0", n) },
	"quoted":          func(n int64) string { return fmt.Sprintf("%q", strconv.FormatInt(n, 10)) },
	"quoted, spaces":  func(n int64) string { return fmt.Sprintf("\" %d\\n\"", n) },
	"quoted, sign":    func(n int64) string { return fmt.Sprintf("%q", fmt.Sprintf("%+d", n)) },
	"quoted float":    func(n int64) string { return fmt.Sprintf("\"%d.0\"", n) },
	"quoted exponent": func(n int64) string { return fmt.Sprintf("%q", strconv.FormatFloat(float64(n), 'e', -1, 64)) },
}

func TestLifetimesInEverySpelling(t *testing.T) {
	require.Len(t, lifetimes, 16)
	require.Len(t, spellings, 10)
	for n, want := range lifetimes {
		for name, spell := range spellings {
			body := fmt.Sprintf(`{"access_token":"a","expires_in":%s,"refresh_token":"r"}`, spell(n))
			token, err := parse(200, "application/json", body)
			require.Nil(t, err, body)
			require.Equal(t, want == 0, token.UseOnce, "%s: %s", name, body)
			require.Equal(t, issued.Add(want), token.Expires, "%s: %s", name, body)
			require.Equal(t, "r", token.RefreshToken.Reveal())
			require.Equal(t, n > 315360000, len(token.Warnings) == 1, body)
		}
	}
}

func TestOddLifetimesNeverDiscardTheAnswer(t *testing.T) {
	unknown, once := time.Duration(-1), time.Duration(0)
	for raw, want := range map[string]time.Duration{
		`null`: unknown, `""`: unknown, `"  "`: unknown, `"never"`: unknown, `true`: unknown, `[]`: unknown, `[3600]`: unknown, `{"a":{}}`: unknown,
		`"NaN"`: unknown, `"Infinity"`: unknown, `"inf"`: unknown, `"0x10"`: unknown, `"1_000"`: unknown, `"3600s"`: unknown, `"1h"`: unknown,
		`"--1"`: unknown, `"1.2.3"`: unknown, `"."`: unknown, `"e"`: unknown, `"2025-01-01"`: unknown, `"3,600"`: unknown,
		`1e999`: maxLife, `"1e999"`: maxLife, `-1e999`: once, `1e-999`: once, `0.0`: once, `-0`: once, `"-0.0"`: once, `1e18`: maxLife,
		`0.5`: 500 * time.Millisecond, `"19.25"`: 19250 * time.Millisecond, `3.6e3`: time.Hour, `"36E2"`: time.Hour, `360000e-2`: time.Hour,
		// No JSON at all:
		`NaN`: unknown, `Infinity`: unknown, `-Infinity`: unknown, `undefined`: unknown, `3600s`: unknown, ``: unknown, `'3600'`: unknown,
		`03600`: time.Hour, `+3600`: time.Hour, `.5`: 500 * time.Millisecond, `3600.`: time.Hour,
	} {
		for _, body := range []string{
			`{"access_token":"a","refresh_token":"r","expires_in": ` + raw + ` ,"token_type":"Bearer"}`,
			`{"access_token":"a","refresh_token":"r","expires_in":` + raw + `}`,
		} {
			token, err := parse(200, "application/json", body)
			require.Nil(t, err, body)
			require.Equal(t, "r", token.RefreshToken.Reveal(), body)
			require.Equal(t, want == once, token.UseOnce, body)
			if want == unknown {
				require.Zero(t, token.Expires, body)
			} else {
				require.Equal(t, issued.Add(want), token.Expires, body)
			}
		}
	}
	token, err := parse(200, "application/json", `{"access_token":"a"}`)
	require.Nil(t, err)
	require.Zero(t, token.Expires)
	require.False(t, token.UseOnce)
	require.Empty(t, token.Warnings)
}

func TestTokenAnswers(t *testing.T) {
	const js, form, plain = "application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"
	big := strings.Repeat("x", maxToken)
	for name, c := range map[string]struct {
		media, body string
		want        Token
	}{
		"complete":              {js, `{"access_token":"a+/=","token_type":"bearer","scope":"r w","refresh_token":"r"}`, Token{AccessToken: "a+/=", TokenType: "bearer", Scope: "r w", RefreshToken: "r"}},
		"only the token":        {js, `{"access_token":"a"}`, Token{AccessToken: "a"}},
		"no content type":       {"", `{"access_token":"a"}`, Token{AccessToken: "a"}},
		"labelled HTML":         {"text/html", `{"access_token":"a"}`, Token{AccessToken: "a"}},
		"labelled form":         {form, `{"access_token":"a"}`, Token{AccessToken: "a"}},
		"byte order mark":       {js, "\xef\xbb\xbf {\"access_token\":\"a\"}", Token{AccessToken: "a"}},
		"white space":           {js, "\r\n\t {\"access_token\":\"a\"}\n\n", Token{AccessToken: "a"}},
		"trailing garbage":      {js, `{"access_token":"a"}<br>Warning: x`, Token{AccessToken: "a"}},
		"second object":         {js, `{"access_token":"a"}{"error":"x"}`, Token{AccessToken: "a"}},
		"repeated name":         {js, `{"access_token":"a","access_token":"b"}`, Token{AccessToken: "b"}},
		"names in another case": {js, `{"access_token":"a","ACCESS_TOKEN":"b","Scope":"s","Refresh_Token":"r"}`, Token{AccessToken: "a"}},
		"escaped name":          {js, `{"access\u005ftoken":"\u0061"}`, Token{AccessToken: "a"}},
		"empty error":           {js, `{"access_token":"a","error":"","error_description":""}`, Token{AccessToken: "a"}},
		"no error, null":        {js, `{"access_token":"a","error":null}`, Token{AccessToken: "a"}},
		"no error, false":       {js, `{"access_token":"a","error":false}`, Token{AccessToken: "a"}},
		"no error, 0":           {js, `{"access_token":"a","error":0,"ok":true}`, Token{AccessToken: "a"}},
		"no error, empty lists": {js, `{"access_token":"a","error":[]}`, Token{AccessToken: "a"}},
		"scope list":            {js, `{"access_token":"a","scope":["r","w",3,"",null]}`, Token{AccessToken: "a", Scope: "r w"}},
		"scope null":            {js, `{"access_token":"a","scope":null}`, Token{AccessToken: "a"}},
		"scope number":          {js, `{"access_token":"a","scope":7}`, Token{AccessToken: "a"}},
		"scope, control":        {js, `{"access_token":"a","scope":"r\u0000w\n"}`, Token{AccessToken: "a", Scope: "r w "}},
		"type null":             {js, `{"access_token":"a","token_type":null}`, Token{AccessToken: "a"}},
		"type number":           {js, `{"access_token":"a","token_type":1}`, Token{AccessToken: "a"}},
		"type list":             {js, `{"access_token":"a","token_type":["Bearer"]}`, Token{AccessToken: "a"}},
		"type with a new line":  {js, `{"access_token":"a","token_type":"Bearer\r\nX: y"}`, Token{AccessToken: "a"}},
		"type with a space":     {js, `{"access_token":"a","token_type":"Bearer x"}`, Token{AccessToken: "a"}},
		"type is long":          {js, `{"access_token":"a","token_type":"` + strings.Repeat("b", 65) + `"}`, Token{AccessToken: "a"}},
		"another type":          {js, `{"access_token":"a","token_type":"DPoP"}`, Token{AccessToken: "a", TokenType: "DPoP"}},
		"refresh null":          {js, `{"access_token":"a","refresh_token":null}`, Token{AccessToken: "a"}},
		"refresh empty":         {js, `{"access_token":"a","refresh_token":""}`, Token{AccessToken: "a"}},
		"refresh number":        {js, `{"access_token":"a","refresh_token":12345678901234567890}`, Token{AccessToken: "a", RefreshToken: "12345678901234567890"}},
		"refresh with control":  {js, `{"access_token":"a","refresh_token":"r\n"}`, Token{AccessToken: "a", RefreshToken: "r\n"}},
		"refresh of other type": {js, `{"access_token":"a","refresh_token":{"a":1}}`, Token{AccessToken: "a", Warnings: []string{"refresh_token is not a string: the answer has none"}}},
		"refresh too large":     {js, `{"access_token":"a","refresh_token":"x` + big + `"}`, Token{AccessToken: "a", Warnings: []string{"the refresh token is larger than 64 KiB and was not kept"}}},
		"as large as allowed":   {js, `{"access_token":"` + big + `","refresh_token":"` + big + `"}`, Token{AccessToken: "x", RefreshToken: "x"}},
		"form":                  {form, "access_token=a%2B%2F%3D&scope=r%20w&token_type=bearer&refresh_token=r", Token{AccessToken: "a+/=", TokenType: "bearer", Scope: "r w", RefreshToken: "r"}},
		"form as text":          {plain, "access_token=a&scope=\n", Token{AccessToken: "a"}},
		"form, partly broken":   {form, "access_token=a&scope=%zz&refresh_token=r", Token{AccessToken: "a", RefreshToken: "r"}},
		"form, repeated":        {form, "access_token=a&access_token=b", Token{AccessToken: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(200, c.media, c.body)
			require.Nil(t, err)
			if c.want.AccessToken == "x" {
				c.want.AccessToken, c.want.RefreshToken = "x", "x"
				require.Len(t, got.AccessToken.Reveal(), maxToken)
				require.Len(t, got.RefreshToken.Reveal(), maxToken)
				got.AccessToken, got.RefreshToken = "x", "x"
			}
			if c.want.TokenType == "" {
				c.want.TokenType = "Bearer"
			}
			c.want.Issued = issued
			require.Equal(t, c.want, *got)
		})
	}
	got, err := parse(201, form, "access_token=a&expires_in=5184000")
	require.Nil(t, err)
	require.Equal(t, issued.Add(60*24*time.Hour), got.Expires)
}

func TestAnswersThatAreNoToken(t *testing.T) {
	const js, form = "application/json", "application/x-www-form-urlencoded"
	const none, notObject, notJSON = "the answer has no access_token", "the answer is not a JSON object", "the answer is not JSON"
	const html, odd = "the answer is HTML or XML, not JSON", "the access token has a control character, or one that is not ASCII"
	for _, c := range []struct{ media, body, reason string }{
		{js, "", "the answer is empty"}, {js, " \r\n", "the answer is empty"}, {js, "\xef\xbb\xbf", "the answer is empty"},
		{"text/html", "<html>login</html>", html}, {js, "<!doctype html>", html}, {"text/html", "access_token=a", html}, {"", "<x/>", html},
		{js, `["access_token","a"]`, notObject}, {js, `null`, notObject}, {js, `"a"`, notObject}, {js, `17`, notObject}, {js, `true`, notObject},
		{js, `access_token=a`, notObject}, {form, `token=a`, notObject}, {"text/plain", `sorry`, notObject}, {form, `access_token`, none},
		{js, `{`, notJSON}, {js, `{"access_token":"a"`, notJSON}, {js, `{"access_token":"a",}`, notJSON}, {js, `{'access_token':'a'}`, notJSON},
		{js, `{"access_token":"a","scope":NaN}`, notJSON}, {js, strings.Repeat(`{"a":`, 20000), notJSON},
		{js, `{}`, none}, {js, `{"access_token":null}`, none}, {js, `{"access_token":""}`, none}, {js, `{"access_token":"  "}`, none},
		{js, `{"Access_Token":"a"}`, none}, {js, `{"token":"a"}`, none}, {form, "access_token=&scope=r", none},
		{js, `{"access_token":1}`, "access_token is not a string"}, {js, `{"access_token":["a"]}`, "access_token is not a string"},
		{js, `{"access_token":true}`, "access_token is not a string"}, {js, `{"access_token":{"a":"b"}}`, "access_token is not a string"},
		{js, `{"access_token":"a\r\nX: y"}`, odd}, {js, `{"access_token":"a\u0000"}`, odd}, {js, `{"access_token":"a\u007f"}`, odd},
		{js, `{"access_token":"ü"}`, odd}, {js, "{\"access_token\":\"\xff\"}", odd}, {js, `{"access_token":"a\u200b"}`, odd}, {form, "access_token=a%0a", odd},
		{js, `{"access_token":"x` + strings.Repeat("x", maxToken) + `"}`, "the access token is larger than 64 KiB"},
	} {
		for _, status := range []int{200, 201, 204} {
			token, err := parse(status, c.media, c.body)
			require.Nil(t, token, c.body)
			require.Equal(t, Error{Kind: Malformed, Host: "as.example", Status: status, Reason: c.reason}, *err, "%.80s", c.body)
		}
	}
}

// Its predecessor may be used up, whatever is wrong with the access token beside it.
func TestARefreshTokenBesideABadAccessToken(t *testing.T) {
	for _, body := range []string{
		`{"access_token":null,"refresh_token":"r-2","refresh_token_expires_in":60}`,
		`{"refresh_token":"r-2","refresh_expires_in":"60","access_token":"ü"}`,
		`{"refresh_token":"r-2","refresh_expires_in":60,"access_token":"a`, // cut off
	} {
		token, err := parse(200, "application/json", body)
		require.Nil(t, token)
		require.Equal(t, secret.String("r-2"), err.RefreshToken, body)
		require.Equal(t, time.Minute, err.RefreshEnds.Sub(issued), body)
		require.NotContains(t, fmt.Sprintf("%v %+v %s", err, *err, err), "r-2")
		stored, jsonErr := json.Marshal(err)
		require.NoError(t, jsonErr)
		require.NotContains(t, string(stored), "efreshToken")
	}
	_, err := parse(400, "application/json", `{"error":"invalid_grant","refresh_token":"r-2"}`)
	require.False(t, err.RefreshToken.IsSet(), "a refusal gives none")
}

func TestErrorAnswers(t *testing.T) {
	const js, form = "application/json", "application/x-www-form-urlencoded"
	long := strings.Repeat("é", 300)
	for name, c := range map[string]struct {
		status            int
		media, body       string
		header            []string
		kind              Kind
		code, description string
	}{
		"plain":                  {400, js, `{"error":"invalid_grant","error_description":"bad"}`, nil, Refused, "invalid_grant", "bad"},
		"with status 200":        {200, js, `{"error":"invalid_grant","access_token":"a"}`, nil, Refused, "invalid_grant", ""},
		"Slack":                  {200, js, `{"ok":false,"error":"invalid_auth"}`, nil, Refused, "invalid_auth", ""},
		"Slack, no code":         {200, js, `{"ok":false,"access_token":"a"}`, nil, Refused, "", ""},
		"GitHub":                 {200, form, `error=bad_verification_code&error_description=It+is+wrong.`, nil, Refused, "bad_verification_code", "It is wrong."},
		"Google":                 {403, js, `{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`, nil, Refused, "PERMISSION_DENIED", "no"},
		"Graph":                  {401, js, `{"error":{"code":"InvalidAuthenticationToken","message":"no","innerError":{}}}`, nil, Refused, "InvalidAuthenticationToken", "no"},
		"Facebook":               {400, js, `{"error":{"message":"no","type":"OAuthException","code":190}}`, nil, Refused, "OAuthException", "no"},
		"object with a number":   {400, js, `{"error":{"code":190},"error_description":"d"}`, nil, Refused, "190", "d"},
		"object with status 200": {200, js, `{"error":{"code":"x","message":"m"}}`, nil, Refused, "x", "m"},
		"number":                 {400, js, `{"error":1234}`, nil, Refused, "1234", ""},
		"list":                   {400, js, `{"error":["a"]}`, nil, Refused, "", ""},
		"true":                   {200, js, `{"error":true,"error_description":"d"}`, nil, Refused, "", "d"},
		"HTML":                   {403, "text/html", `<h1>secret page</h1>`, nil, Refused, "", ""},
		"empty":                  {403, "", ``, nil, Refused, "", ""},
		"token with 400":         {400, js, `{"access_token":"a"}`, nil, Refused, "", ""},
		"trailing garbage":       {400, js, `{"error":"invalid_client"}<br>`, nil, Refused, "invalid_client", ""},
		"temporarily":            {400, js, `{"error":"temporarily_unavailable"}`, nil, Unavailable, "temporarily_unavailable", ""},
		"server_error with 200":  {200, js, `{"error":"server_error"}`, nil, Unavailable, "server_error", ""},
		"408":                    {408, "", ``, nil, Unavailable, "", ""},
		"425":                    {425, "", ``, nil, Unavailable, "", ""},
		"429":                    {429, js, `{"error":"invalid_grant"}`, nil, Unavailable, "invalid_grant", ""},
		"500":                    {500, "text/plain", `too many attempts`, nil, Unavailable, "", ""},
		"503":                    {503, "text/html", `<h1>`, nil, Unavailable, "", ""},
		"999":                    {999, "", ``, nil, Unavailable, "", ""},
		"301":                    {301, js, `{"access_token":"a"}`, nil, Redirected, "", ""},
		"challenge":              {401, "", ``, []string{"WWW-Authenticate", `Bearer realm="x, y", error="invalid_token", error_description="it \"ends\""`}, Refused, "invalid_token", `it "ends"`},
		"challenge, bare":        {401, "", ``, []string{"WWW-Authenticate", `Basic realm=x`, "WWW-Authenticate", `Bearer error=invalid_token`}, Refused, "invalid_token", ""},
		"challenge, realm":       {401, "", ``, []string{"WWW-Authenticate", `Basic realm="error=trick"`}, Refused, "", ""},
		"challenge and body":     {401, js, `{"error":"invalid_client"}`, []string{"WWW-Authenticate", `Bearer error="other"`}, Refused, "invalid_client", ""},
		"challenge with 400":     {400, js, ``, []string{"WWW-Authenticate", `Bearer error="other"`}, Refused, "", ""},
		"description, no code":   {401, js, `{"error_description":"body"}`, []string{"WWW-Authenticate", `Bearer error="e", error_description="head"`}, Refused, "e", "body"},
		"code alphabet":          {400, js, `{"error":"a\"b\\c\nd\u00e9e f"}`, nil, Refused, "abcde f", ""},
		"long code":              {400, js, `{"error":"` + strings.Repeat("c", 65) + `"}`, nil, Refused, strings.Repeat("c", 64), ""},
		"control characters":     {400, js, `{"error":"x","error_description":"a\r\nb\u001b[31m\u202ec\u0000"}`, nil, Refused, "x", "a  b [31mc"},
		"long description":       {400, js, `{"error":"x","error_description":"` + long + `"}`, nil, Refused, "x", long[:400]},
		"a document":             {400, js, `{"error":"x","error_description":"` + strings.Repeat("d", maxScrubbed+1) + `"}`, nil, Refused, "x", ""},
		"description, object":    {400, js, `{"error":"x","error_description":{"a":"b"}}`, nil, Refused, "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := parse(c.status, c.media, c.body, c.header...)
			require.Nil(t, token)
			reason := ""
			if c.kind == Redirected {
				reason = "redirect refused"
			}
			require.Equal(t, Error{Kind: c.kind, Host: "as.example", Status: c.status, Code: c.code, Description: c.description, Reason: reason}, *err)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "1h": 0, "NaN": 0, "-": 0,
		"1": time.Second, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "0.5": time.Second, "1.2": 2 * time.Second,
		"0": time.Second, "-5": time.Second, "3600": time.Hour, "3601": time.Hour, "99999999999999999999": time.Hour, "1e400": time.Hour,
		issued.Add(90*time.Second + time.Second).Format(http.TimeFormat):      90*time.Second + 876543211, // whole seconds on the wire
		issued.Add(-time.Hour).Format(http.TimeFormat):                        time.Second,
		issued.Add(48 * time.Hour).Format(http.TimeFormat):                    time.Hour,
		issued.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05") + " GMT": time.Minute - 123456789,
	} {
		_, err := parse(429, "", "", "Retry-After", value)
		require.Equal(t, want, err.RetryAfter, "%q", value)
	}
	// The server's clock is an hour ahead; what counts is the difference.
	ahead := issued.Add(time.Hour)
	_, err := parse(503, "", "", "Retry-After", ahead.Add(time.Minute).Format(http.TimeFormat), "Date", ahead.Format(http.TimeFormat))
	require.Equal(t, time.Minute, err.RetryAfter)
	_, err = parse(400, "application/json", `{"error":"slow"}`, "Retry-After", "9")
	require.Equal(t, 9*time.Second, err.RetryAfter, "a server that names a wait is obeyed, whatever the status")
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"as:8443 answered 400: invalid_grant: bad":   {Kind: Refused, Host: "as:8443", Status: 400, Code: "invalid_grant", Description: "bad"},
		"as answered 403":                            {Kind: Refused, Host: "as", Status: 403},
		"as: connection refused":                     {Kind: Unreachable, Host: "as", Reason: "connection refused"},
		"as answered 307: redirect refused":          {Kind: Redirected, Host: "as", Status: 307, Reason: "redirect refused"},
		"the token endpoint: token_url is not a URL": {Kind: Forbidden, Reason: "token_url is not a URL"},
	} {
		require.EqualError(t, e, want)
	}
	seen := map[string]bool{}
	for k := Kind(0); k <= Forbidden; k++ {
		require.False(t, seen[k.String()], k.String())
		seen[k.String()] = true
	}
}

func FuzzParseToken(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","expires_in":3600,"refresh_token":"r","scope":["a"]}`, `{"access_token":"a","expires_in":NaN}`, `{"error":{"code":1}}`,
		`{"ok":false}`, `access_token=a&expires_in=1`, `<html>`, ``, `[]`, "\xef\xbb\xbf{}", `{"access_token":"a","refresh_token":"r","expires_in":36`, `{"access_token":"a\n"}`, `{"error":"a\"","error_description":"\u0007"}`,
	} {
		f.Add(200, "application/json", "", body)
		f.Add(400, "text/plain", "30", body)
		f.Add(401, "application/x-www-form-urlencoded", `Bearer error="x"`, body)
	}
	f.Fuzz(func(t *testing.T, status int, media, odd, body string) {
		a := &Answer{Status: status, Header: http.Header{"Content-Type": {media}, "Retry-After": {odd}, "Www-Authenticate": {odd}}, Body: []byte(body), Issued: issued}
		token, err := parseToken(a, new(scrubber))
		if (token == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil {
			checkError(t, err)
			return
		}
		access := token.AccessToken.Reveal()
		switch {
		case status/100 != 2, access == "", len(access) > maxToken, !visible(access):
			t.Fatalf("accepted %d %q", status, access)
		case token.TokenType == "" || !visible(token.TokenType), strings.ContainsFunc(token.Scope, unicode.IsControl):
			t.Fatalf("type %q scope %q", token.TokenType, token.Scope)
		case len(token.RefreshToken.Reveal()) > maxToken:
			t.Fatal("refresh token too large")
		case token.UseOnce && token.Expires != issued, !token.Expires.IsZero() && (token.Expires.Before(issued) || token.Expires.After(issued.Add(maxLife))):
			t.Fatalf("expires %v", token.Expires)
		}
	})
}

func checkError(t *testing.T, err *Error) {
	t.Helper()
	switch {
	case err.Kind < Refused || err.Kind > Forbidden, err.RetryAfter != 0 && (err.RetryAfter < minRetryAfter || err.RetryAfter > maxRetryAfter):
		t.Fatalf("%+v", *err)
	case len(err.Code) > maxCode, strings.ContainsAny(err.Code, `"\`), !visible(err.Code):
		t.Fatalf("code %q", err.Code)
	case utf8.RuneCountInString(err.Description) > maxDescription, strings.ContainsFunc(err.Description, func(r rune) bool { return !unicode.IsPrint(r) }):
		t.Fatalf("description %q", err.Description)
	}
}

func BenchmarkParseToken(b *testing.B) {
	body := []byte(`{"access_token":"` + strings.Repeat("eyJ", 400) + `","token_type":"Bearer","expires_in":3600,"refresh_token":"` +
		strings.Repeat("r", 64) + `","scope":"read write","id_token":"` + strings.Repeat("i", 900) + `"}`)
	a := &Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Issued: issued}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseToken(a, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseError(b *testing.B) {
	c := &Client{ID: "id", Own: field.Own{"client_secret": secret.String("a client secret, 32 characters xx")}, Auth: ClientSecretBasic}
	form := url.Values{"refresh_token": {strings.Repeat("r", 1024)}}
	a := &Answer{Status: 400, Header: http.Header{}, Body: []byte(`{"error":"invalid_grant","error_description":"the refresh token has expired or was revoked"}`)}
	proof, err := clientSecretBasic{}.Authenticate(b.Context(), c, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseToken(a, c.scrubber(&url.URL{}, form, proof)); err == nil {
			b.Fatal("no error")
		}
	}
}
