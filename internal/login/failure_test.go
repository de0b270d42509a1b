// SPDX-License-Identifier: MPL-2.0

package login

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// canary is in every answer of these tests where a token could be.
const canary = "canary-0123456789-canary-0123456789-canary-0123456789-canary"

func TestFailures(t *testing.T) {
	const wanted = "expected token: a text at /token, seen "
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, c := range []struct {
		document, body, words, hint string
		refused                     bool
	}{
		// No JSON.
		{atToken, ``, wanted + "an empty answer", "", false},
		{atToken, " \r\n", wanted + "an empty answer", "", false},
		{atToken, "\ufeff", wanted + "an empty answer", "", false},
		{atToken, `<!doctype html><p>` + canary, wanted + "a page of HTML or XML", "the url may be that of a web page and not of the API; some servers answer JSON only if the request's Accept header asks for it", false},
		{atToken, "\x00\x01\xff", wanted + "not JSON but 3 bytes of something else", "", false},
		{atToken, `{"token": "` + canary, wanted + "JSON that ends too early, after 71 bytes", "", false},
		{atToken, `{"token": "` + canary + `"} x`, wanted + "JSON with something after it", "", false},
		{atToken, `{"token": 'x'}`, wanted + "not JSON but 14 bytes of something else", "", false},
		{atToken, strings.Repeat("[", 20000), wanted + "not JSON but 20000 bytes of something else", "", false},
		{atToken, canary, wanted + "not JSON but 60 bytes of something else", `the whole body is a text of 60 characters: if that is the token, write "token": {"body": true}`, false},
		// Nothing there.
		{atToken, `"` + canary + `"`, wanted + "nothing there; the answer is a text of 60 characters", `the whole answer is a text of 60 characters: if that is the token, write "token": {"body": true}`, false},
		{atToken, `null`, wanted + "nothing there; the answer is null", "", false},
		{atToken, `17`, wanted + "nothing there; the answer is a number", "", false},
		{atToken, `{}`, wanted + "nothing there; the answer is an empty object", "", false},
		{atToken, deep, wanted + "nothing there; the answer is a list of 1", "", false},
		{atToken, `{"access_token": "` + canary + `", "expires": 1}`, wanted + "nothing there; the answer's keys are access_token, expires", `"/access_token" is a text of 60 characters: if that is the token, write "token": {"json": "/access_token"}`, false},
		{atToken, `{"Token": "short", "other": "` + canary + `"}`, wanted + "nothing there; the answer's keys are Token, other", `"/Token" is a text of 5 characters: if that is the token, write "token": {"json": "/Token"}`, false},
		{atToken, `{"data": {"token": "short"}, "to_ken": "` + canary + `"}`, wanted + "nothing there; the answer's keys are data, to_ken", `"/data/token" is a text of 5 characters: if that is the token, write "token": {"json": "/data/token"}`, false},
		{atToken, `{"a": [{"b": {"token": "x"}}]}`, wanted + "nothing there; the answer's keys are a", `"/a/0/b/token" is a text of 1 character: if that is the token, write "token": {"json": "/a/0/b/token"}`, false},
		{atToken, `{"a": {"b": {"c": {"d": {"token": "` + canary + `"}}}}}`, wanted + "nothing there; the answer's keys are a", "", false},
		{atToken, `{"a/~\"": "` + canary + `"}`, wanted + `nothing there; the answer's keys are a/~"`, `"/a~1~0\"" is a text of 60 characters: if that is the token, write "token": {"json": "/a~1~0\""}`, false},
		{atToken, `{"` + canary + `": "` + canary + `", "é\n": "` + canary + `"}`, wanted + "nothing there; the answer's keys are [name, 60 characters], ??", "", false},
		{atToken, `{"message": "words and more words and words", "id": "short"}`, wanted + "nothing there; the answer's keys are id, message", "", false},
		{strings.ReplaceAll(atToken, "/token", "/data/token"), `{"data": {"id": 1}, "token": "t"}`, "expected token: a text at /data/token, seen nothing there; the keys at /data are id", `"/token" is a text of 1 character: if that is the token, write "token": {"json": "/token"}`, false},
		{strings.ReplaceAll(atToken, "/token", "/data/x"), `{"data": "` + canary + `"}`, "expected token: a text at /data/x, seen nothing there; /data is a text of 60 characters", `"/data" is a text of 60 characters: if that is the token, write "token": {"json": "/data"}`, false},
		{strings.ReplaceAll(atToken, "/token", "/l/"), `{"l": ["x"]}`, "expected token: a text at /l/, seen nothing there; /l is a list of 1", "", false},
		{strings.ReplaceAll(atToken, "/token", "/l/99999999999999999999"), `{"l": ["x"]}`, "expected token: a text at /l/99999999999999999999, seen nothing there; /l is a list of 1", "", false},
		{strings.ReplaceAll(atToken, "/token", "/l/1"), `{"l": ["x"]}`, "expected token: a text at /l/1, seen nothing there; /l is a list of 1", "", false},
		// Something else there.
		{atToken, `{"token": 12345678}`, wanted + "a number there", "", false},
		{atToken, `{"token": null}`, wanted + "null there", "", false},
		{atToken, `{"token": true}`, wanted + "true there", "", false},
		{atToken, `{"token": ["` + canary + `"]}`, wanted + "a list of 1 there", `"/token/0" is a text of 60 characters: if that is the token, write "token": {"json": "/token/0"}`, false},
		{atToken, `{"token": {"value": "` + canary + `", "n": {}}}`, wanted + "an object with the keys n, value there", `"/token/value" is a text of 60 characters: if that is the token, write "token": {"json": "/token/value"}`, false},
		{atToken, `{"token": ""}`, wanted + "an empty text there", "", false},
		{atToken, `{"token": " \t"}`, wanted + "a text of white space only there", "", false},
		{atToken, `{"token": "` + canary + `\n"}`, wanted + "a text of 61 characters there, of which some are not visible ASCII", "", false},
		{atToken, `{"token": "` + canary + `é"}`, wanted + "a text of 61 characters there, of which some are not visible ASCII", "", false},
		{atToken, `{"token": "` + strings.Repeat("t", maxToken+1) + `"}`, wanted + "a text of 65537 bytes there; 64 KiB is the most", "", false},
		{wholeValue, `{"token": "` + canary + `"}`, "expected token: a text as the whole answer, seen an object with the keys token there", `"/token" is a text of 60 characters: if that is the token, write "token": {"json": "/token"}`, false},
		// The server says no with status 200.
		{atToken, `{"error": "` + canary + `"}`, wanted + "an error: error is a text of 60 characters; the answer's keys are error", "", true},
		{atToken, `{"errcode": 40013, "errmsg": "` + canary + `"}`, wanted + "an error: errcode is 40013; the answer's keys are errcode, errmsg", "", true},
		{atToken, `{"errcode": 0, "access": "` + canary + `"}`, wanted + "nothing there; the answer's keys are access, errcode", `"/access" is a text of 60 characters: if that is the token, write "token": {"json": "/access"}`, false},
		{atToken, `{"success": false}`, wanted + "an error: success is false; the answer's keys are success", "", true},
		{atToken, `{"Success": "false"}`, wanted + "an error: Success is a text of 5 characters; the answer's keys are Success", "", true},
		{atToken, `{"ok": false, "token": null}`, wanted + "an error: ok is false; the answer's keys are ok, token", "", true},
		{atToken, `{"ok": true, "errors": [], "error": "", "errorCode": "0", "err": {}}`, wanted + "nothing there; the answer's keys are err, error, errorCode, errors, ok", "", false},
		{atToken, `{"token": "", "errors": [{"m": "` + canary + `"}]}`, wanted + "an error: errors is a list of 1; the answer's keys are errors, token", "", true},
		{atToken, `{"errorCode": "E1"}`, wanted + "an error: errorCode is a text of 2 characters; the answer's keys are errorCode", "", true},
		{atToken, `{"error": true}`, wanted + "an error: error is true; the answer's keys are error", "", true},
		{atToken, `{"Errors": {"a": 1}}`, wanted + "an error: Errors is an object with the keys a; the answer's keys are Errors", "", true},
		// Other sources.
		{wholeBody, ``, "expected token: a text as the body, seen an empty answer", "", false},
		{wholeBody, `<html>` + canary, "expected token: a text as the body, seen a page of HTML or XML", "the url may be that of a web page and not of the API; some servers answer JSON only if the request's Accept header asks for it", false},
		{wholeBody, `""`, "expected token: a text as the body, seen an empty text there", "", false},
		{wholeBody, `null`, "expected token: a text as the body, seen null there", "", false},
		{wholeBody, `{"token": "` + canary + `"}`, "expected token: a text as the body, seen an object with the keys token there", `"/token" is a text of 60 characters: if that is the token, write "token": {"json": "/token"}`, false},
		{wholeBody, `{"error": 1}`, "expected token: a text as the body, seen an error: error is 1; the answer's keys are error", "", true},
		{wholeBody, "a\nb", "expected token: a text as the body, seen a text of 3 characters there, of which some are not visible ASCII", "", false},
		{inHeader, `{"token": "` + canary + `"}`, "expected token: a text in the header X-Auth-Token, seen no such header, and the answer's keys are token", `"/token" is a text of 60 characters: if that is the token, write "token": {"json": "/token"}`, false},
		{inHeader, ``, "expected token: a text in the header X-Auth-Token, seen no such header, and an empty answer", "", false},
		{inHeader, `{"error": 1}`, "expected token: a text in the header X-Auth-Token, seen an error: error is 1; the answer's keys are error", "", true},
	} {
		f := fails(t, c.document, said(c.body))
		require.Equal(t, c.words, f.Error(), "%.80q", c.body)
		require.Equal(t, c.hint, f.Hint, "%.80q", c.body)
		require.Equal(t, c.refused, f.Refused, "%.80q", c.body)
		require.NotContains(t, fmt.Sprintf("%+v", f), canary)
	}
}

func TestATokenInAHeaderIsFound(t *testing.T) {
	const words = `the header X-Subject-Token is a text of 60 characters: if that is the token, write "token": {"header": "X-Subject-Token"}`
	for _, body := range []string{``, `{}`, `{"a": 1}`, `<html>`} {
		a := withHeader(body, "X-Subject-Token", canary)
		a.Header.Set("Www-Authenticate", canary)
		a.Header.Set("X-Auth-Session", "two words that are no token at all")
		require.Equal(t, words, fails(t, atToken, a).Hint)
	}
	require.Empty(t, fails(t, inHeader, withHeader(``, "X-Auth-Token", "")).Hint)
	require.Equal(t, "an empty text there", fails(t, inHeader, withHeader(``, "X-Auth-Token", "")).Seen)
}

func TestStatuses(t *testing.T) {
	for status, hint := range map[int]string{
		100: "", 301: "redirects are not followed: write the url that the server redirects to", 400: "", 401: "", 500: "",
		404: `the server has nothing at this address: compare "url", and the base URL, with the API's description`,
		405: `the server wants another "method" there`,
		406: `the server cannot answer with what the header Accept asks for: "headers" may set another`,
		415: `the server wants another kind of body: "json", "form", or "text" with a Content-Type in "headers"`,
		0:   "", -1: "", 1000: "",
	} {
		a := said(`{"token": "` + canary + `", "message": "` + canary + `"}`)
		a.Status = status
		f := fails(t, atToken, a)
		require.Equal(t, fmt.Sprintf("expected success: a 2xx status, seen status %d; the answer's keys are message, token", status), f.Error())
		require.True(t, f.Refused)
		require.Equal(t, hint, f.Hint)
	}
}

func TestSeenNamesTwentyKeys(t *testing.T) {
	var members []string
	for i := range 25 {
		members = append(members, fmt.Sprintf(`"k%02d": 1`, i))
	}
	f := fails(t, atToken, said("{"+strings.Join(members, ",")+"}"))
	require.True(t, strings.HasSuffix(f.Seen, ", k18, k19 and 5 more"), f.Seen)
	require.NotContains(t, f.Seen, "k20")
}

func TestALargeAnswerIsLookedThroughInPart(t *testing.T) {
	f := fails(t, atToken, said("["+strings.Repeat("0,", 3*hintNodes)+`{"token": "`+canary+`"}]`))
	require.Empty(t, f.Hint)
}
