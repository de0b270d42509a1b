// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refused documents; what must not be quoted in them begins with "in-".
var refused = []struct{ document, words string }{
	// The text.
	{``, `the document (line 1, column 1): empty; a login document is a JSON object`},
	{`  `, `the document (line 1, column 1): empty; a login document is a JSON object`},
	{`{"request": {"url": "/x"}`, `the document (line 1, column 26): the JSON ends too early: a quote, a bracket or a brace is missing`},
	{`{"request": {"url": "/x}`, `the document (line 1, column 25): the JSON ends too early: a quote, a bracket or a brace is missing`},
	{"{\n  \"request\": {\"url\": \"/x\",}\n}", `the document (line 2, column 27): not JSON from here on`},
	{`{"request": 1} {}`, `the document (line 1, column 16): there is something after the JSON value`},
	{`[]`, `the document (line 1, column 1): must be an object, and is a list`},
	{`"text"`, `the document (line 1, column 1): must be an object, and is a text`},
	{"{\"\xff\": 1}", `the document (line 1, column 3): not UTF-8`},
	{`{"token": {}, "token": {}}`, `token (line 1, column 15): this key stands here twice`},
	{`{"request": {"json": {"é": [0, {"b": 1, "b": 2}]}}}`, `request.json.?[1].b (line 1, column 41): this key stands here twice`},
	{`{"request": {"url": "/x", "json": ` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}}`, `request.json[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0] (line 1, column 97): objects and lists are nested more than 64 deep`},
	{strings.Repeat(" ", MaxSize+1), `the login document is longer than 32 KiB`},
	// Keys.
	{`{"request": {"jsn": 1}}`, `request.jsn (line 1, column 14): unknown key; did you mean json?`},
	{`{"reqest": {}}`, `reqest (line 1, column 2): unknown key; did you mean request?`},
	{`{"something": {}}`, `something (line 1, column 2): unknown key; the keys here are request, success, token, expires, refresh_token, session_ttl, refresh, extra, use`},
	{`{"refreshToken": {}}`, `refreshToken (line 1, column 2): unknown key; did you mean refresh_token?`},
	{`{"expires_in": {}}`, `expires_in (line 1, column 2): unknown key; did you mean expires?`},
	{`{"\u001b[31m` + strings.Repeat("k", 60) + `": {}}`, `?[31mkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk... (line 1, column 2): unknown key; the keys here are request, success, token, expires, refresh_token, session_ttl, refresh, extra, use`},
	{`{}`, `the document (line 1, column 1): needs "request"`},
	{`{"request": {"url": "/x"}}`, `the document (line 1, column 1): needs "token", which says where the answer has it`},
	{`{"request": [], "token": {}}`, `request (line 1, column 13): must be an object, and is a list`},
	{`{"request": {}, "token": {"json": "/t"}}`, `request (line 1, column 13): needs "url"`},
	// Requests.
	{withRequest(`"url": "/x", "method": "post"`), `request.method (line 1, column 37): must be in capitals: POST`},
	{withRequest(`"url": "/x", "method": "HEAD"`), `request.method (line 1, column 37): must be one of GET, POST, PUT, PATCH, DELETE`},
	{withRequest(`"url": "/x", "method": 1`), `request.method (line 1, column 37): must be a text, and is a number`},
	{withRequest(`"url": "/x", "method": "{{username}}"`), `request.method (line 1, column 37): no placeholder can stand here`},
	{withRequest(`"url": ""`), `request.url (line 1, column 21): must begin with "/" or with http:// or https:// and a host`},
	{withRequest(`"url": 1`), `request.url (line 1, column 21): must be a text, and is a number`},
	{withRequest(`"url": "x"`), `request.url (line 1, column 21): must begin with "/" or with http:// or https:// and a host`},
	{withRequest(`"url": "ftp://h/x"`), `request.url (line 1, column 21): must begin with "/" or with http:// or https:// and a host`},
	{withRequest(`"url": "//h/x"`), `request.url (line 1, column 21): must not begin with "//": write one slash, or http:// or https:// and the host`},
	{withRequest(`"url": "{{variables.url}}"`), `request.url (line 1, column 21): must begin with "/" or with http:// or https:// and a host`},
	{withRequest(`"url": "https://{{variables.host}}/x"`), `request.url (line 1, column 21): must have no placeholder in its host`},
	{withRequest(`"url": "https://h.example{{variables.port}}/x"`), `request.url (line 1, column 21): must have no placeholder in its host`},
	{withRequest(`"url": "https://h.example.{{variables.domain}}"`), `request.url (line 1, column 21): must have no placeholder in its host`},
	{withRequest(`"url": "https:///x"`), `request.url (line 1, column 21): has no valid host`},
	{withRequest(`"url": "https://"`), `request.url (line 1, column 21): has no valid host`},
	{withRequest(`"url": "https://h:port/x"`), `request.url (line 1, column 21): has no valid host`},
	{withRequest(`"url": "https://user:in-url@h/x"`), `request.url (line 1, column 21): must name no user; "basic" is for that`},
	{withRequest(`"url": "/x#f"`), `request.url (line 1, column 21): must have no fragment ("#")`},
	{withRequest(`"url": "/{{username}}#"`), `request.url (line 1, column 21): must have no fragment ("#")`},
	{withRequest(`"url": "/a b"`), `request.url (line 1, column 21): has a character that must be percent-encoded, or a "%" that is not followed by two digits of base 16`},
	{withRequest(`"url": "/é"`), `request.url (line 1, column 21): has a character that must be percent-encoded, or a "%" that is not followed by two digits of base 16`},
	{withRequest(`"url": "/%4{{username}}"`), `request.url (line 1, column 21): has a character that must be percent-encoded, or a "%" that is not followed by two digits of base 16`},
	{withRequest(`"url": "/a/../b"`), `request.url (line 1, column 21): must have no "." or ".." in its path`},
	{withRequest(`"url": "/a/%2e%2E/b"`), `request.url (line 1, column 21): must have no "." or ".." in its path`},
	{withRequest(`"url": "/./b"`), `request.url (line 1, column 21): must have no "." or ".." in its path`},
	{withRequest(`"url": "/x?{{username}}=1"`), `request.url (line 1, column 21): must have no placeholder in a name of its query`},
	{withRequest(`"url": "/x?a=1&b{{username}}"`), `request.url (line 1, column 21): must have no placeholder in a name of its query`},
	{withRequest(`"url": "/x", "query": {"": "1"}`), `request.query."" (line 1, column 37): a name must not be empty`},
	{withRequest(`"url": "/x", "query": {"{{username}}": "1"}`), `request.query.{{username}} (line 1, column 37): a name must not hold a placeholder`},
	{withRequest(`"url": "/x", "query": {"a": 1}`), `request.query.a (line 1, column 42): must be a text: put it in quotes`},
	{withRequest(`"url": "/x", "query": {"a": ["1", true]}`), `request.query.a[1] (line 1, column 48): must be a text: put it in quotes`},
	{withRequest(`"url": "/x", "query": {"a": []}`), `request.query.a (line 1, column 42): an empty list; leave the name out`},
	{withRequest(`"url": "/x", "query": {"a": {}}`), `request.query.a (line 1, column 42): must be a text, and is an object`},
	{withRequest(`"url": "/x", "query": []`), `request.query (line 1, column 36): must be an object, and is a list`},
	{withRequest(`"url": "/x", "headers": {"X Y": "1"}`), "request.headers.X Y (line 1, column 39): a header name consists of letters, digits and !#$%&'*+-.^_`|~"},
	{withRequest(`"url": "/x", "headers": {"X-Y": "1", "x-y": "2"}`), `request.headers.x-y (line 1, column 51): this header stands here twice; case makes no difference`},
	{withRequest(`"url": "/x", "headers": {"X-Y": "in-header\n{{username}}"}`), `request.headers.X-Y (line 1, column 46): a header value must not hold control characters, such as the end of a line`},
	{withRequest(`"url": "/x", "headers": {"X-Y": ["1"]}`), `request.headers.X-Y (line 1, column 46): must be a text, and is a list`},
	{withRequest(`"url": "/x", "headers": {"authorization": "x"}, "basic": {"username": "", "password": ""}`), `request.headers.authorization (line 1, column 39): "basic" makes this header too; only one of them can be`},
	{withRequest(`"url": "/x", "basic": {"username": "{{username}}"}`), `request.basic (line 1, column 36): needs "username" and "password"; either may be ""`},
	{withRequest(`"url": "/x", "basic": {"username": "in:user", "password": ""}`), `request.basic.username (line 1, column 49): must not hold ":", which separates it from the password`},
	{withRequest(`"url": "/x", "basic": {"username": "", "password": "", "scheme": "two words"}`), `request.basic.scheme (line 1, column 79): must be one word`},
	{withRequest(`"url": "/x", "basic": {"username": "", "password": "", "realm": ""}`), `request.basic.realm (line 1, column 69): unknown key; the keys here are username, password, scheme`},
	{withRequest(`"url": "/x", "json": {}, "form": {}`), `request.form (line 1, column 39): json is there as well; a request has one body at most`},
	{withRequest(`"url": "/x", "form": {}, "text": ""`), `request.text (line 1, column 39): form is there as well; a request has one body at most`},
	{withRequest(`"url": "/x", "method": "GET", "json": {}`), `request.json (line 1, column 44): a GET has no body; "query" is for its parameters, "method" for another method`},
	{withRequest(`"url": "/x", "json": {"{{username}}": 1}`), `request.json.{{username}} (line 1, column 36): a key must not hold a placeholder`},
	{withRequest(`"url": "/x", "text": {}`), `request.text (line 1, column 35): must be a text, and is an object`},
	{withRequest(`"url": "/x", "text": "", "headers": {"content-type": "{{variables.type}}"}`), `request.headers.content-type (line 1, column 67): must hold no placeholder beside "text": it decides how the values there are escaped`},
	// Placeholders.
	{withRequest(`"url": "/x", "text": "a {{pasword}}"`), `request.text (line 1, column 38): unknown placeholder; did you mean {{password}}?`},
	{withRequest(`"url": "/x", "text": "{{user}}"`), `request.text (line 1, column 36): unknown placeholder; did you mean {{username}}?`},
	{withRequest(`"url": "/x", "text": "{{in-name}}"`), `request.text (line 1, column 36): unknown placeholder; there are username, password, client_id, client_secret, secrets.<name> and variables.<name>`},
	{withRequest(`"url": "/x", "text": "{{}}"`), `request.text (line 1, column 36): unknown placeholder; there are username, password, client_id, client_secret, secrets.<name> and variables.<name>`},
	{withRequest(`"url": "/x", "text": "{{{username}}}"`), `request.text (line 1, column 36): unknown placeholder; did you mean {{username}}?`},
	{withRequest(`"url": "/x", "text": "{{username} }"`), `request.text (line 1, column 36): "{{" begins a placeholder, and there is no "}}" after it`},
	{withRequest(`"url": "/x", "text": "{{secrets.}}"`), `request.text (line 1, column 36): the name after secrets. consists of 1 to 64 letters, digits, _, . and -`},
	{withRequest(`"url": "/x", "text": "{{variables.a b}}"`), `request.text (line 1, column 36): the name after variables. consists of 1 to 64 letters, digits, _, . and -`},
	{withRequest(`"url": "/x", "text": "{{secrets.` + strings.Repeat("k", 65) + `}}"`), `request.text (line 1, column 36): the name after secrets. consists of 1 to 64 letters, digits, _, . and -`},
	{withRequest(`"url": "/x", "text": "{{token}}"`), `request.text (line 1, column 36): {{token}} is known only in refresh.request and in use.value`},
	{withRequest(`"url": "/x", "text": "{{refresh_token}}"`), `request.text (line 1, column 36): {{refresh_token}} is known only in refresh.request`},
	{"{\"request\": {\"url\": \"/x\",\n \"text\": \"é\\\"\\u00e9\\ud83d\\ude00\\n {{nobody}}\"}}", `request.text (line 2, column 35): unknown placeholder; there are username, password, client_id, client_secret, secrets.<name> and variables.<name>`},
	// Sources.
	{`{"request": {"url": "/x"}, "token": "/t"}`, `token (line 1, column 37): must be an object, such as {"json": "/token"}`},
	{`{"request": {"url": "/x"}, "token": {}}`, `token (line 1, column 37): needs one of json, header, body`},
	{`{"request": {"url": "/x"}, "token": {"json": "/t", "header": "T"}}`, `token.header (line 1, column 52): json is there as well; exactly one of them may be`},
	{`{"request": {"url": "/x"}, "token": {"json": 1}}`, `token.json (line 1, column 46): must be a text, and is a number`},
	{`{"request": {"url": "/x"}, "token": {"json": "t"}}`, `token.json (line 1, column 46): a JSON pointer begins with "/" or is empty; did you mean "/t"?`},
	{`{"request": {"url": "/x"}, "token": {"json": "$.data.token"}}`, `token.json (line 1, column 46): a JSON pointer begins with "/" or is empty; did you mean "/data/token"?`},
	{`{"request": {"url": "/x"}, "token": {"json": "/a~2"}}`, `token.json (line 1, column 46): a JSON pointer has "~" only in ~0, which is "~", and ~1, which is "/"`},
	{`{"request": {"url": "/x"}, "token": {"json": "/a~"}}`, `token.json (line 1, column 46): a JSON pointer has "~" only in ~0, which is "~", and ~1, which is "/"`},
	{`{"request": {"url": "/x"}, "token": {"header": ""}}`, "token.header (line 1, column 48): a header name consists of letters, digits and !#$%&'*+-.^_`|~"},
	{`{"request": {"url": "/x"}, "token": {"header": "{{username}}"}}`, `token.header (line 1, column 48): no placeholder can stand here`},
	{`{"request": {"url": "/x"}, "token": {"body": false}}`, `token.body (line 1, column 46): must be true`},
	{`{"request": {"url": "/x"}, "token": {"body": "true"}}`, `token.body (line 1, column 46): must be true`},
	{`{"request": {"url": "/x"}, "token": {"path": "/t"}}`, `token.path (line 1, column 38): unknown key; did you mean json?`},
	{`{"request": {"url": "/x"}, "token": {"json": "/t", "ttl": "1h"}}`, `token.ttl (line 1, column 52): unknown key; the keys here are json, header, body`},
	// Expiry.
	{withRest(`"token": {"body": true}, "expires": {}`), `expires (line 1, column 80): needs one of json, header, jwt, fixed`},
	{withRest(`"token": {"body": true}, "expires": {"jwt": false}`), `expires.jwt (line 1, column 88): must be true`},
	{withRest(`"token": {"body": true}, "expires": {"jwt": true, "fixed": "1h"}`), `expires.fixed (line 1, column 94): jwt is there as well; exactly one of them may be`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "1h", "as": "seconds"}`), `expires.as (line 1, column 96): says how to read the answer, and fixed does not read it`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": 0}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": 1.5}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "3651d"}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "1h1d"}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "soon"}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"fixed": true}`), `expires.fixed (line 1, column 90): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "expires": {"json": "/e", "as": "second"}`), `expires.as (line 1, column 101): unknown; did you mean seconds?`},
	{withRest(`"token": {"body": true}, "expires": {"json": "/e", "as": "fortnights"}`), `expires.as (line 1, column 101): must be one of seconds, milliseconds, minutes, hours, duration, date, unix, unix_milliseconds`},
	{withRest(`"token": {"body": true}, "expires": {"json": "e"}`), `expires.json (line 1, column 89): a JSON pointer begins with "/" or is empty; did you mean "/e"?`},
	{withRest(`"token": {"body": true}, "session_ttl": "500ms"`), `session_ttl (line 1, column 84): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	// Success.
	{withRest(`"token": {"body": true}, "success": {}`), `success (line 1, column 80): needs "status" or "json"`},
	{withRest(`"token": {"body": true}, "success": {"status": 99}`), `success.status (line 1, column 91): must be a whole number from 100 to 599, or a list of such`},
	{withRest(`"token": {"body": true}, "success": {"status": [200, 600]}`), `success.status[1] (line 1, column 97): must be a whole number from 100 to 599, or a list of such`},
	{withRest(`"token": {"body": true}, "success": {"status": "200"}`), `success.status (line 1, column 91): must be a whole number from 100 to 599, or a list of such`},
	{withRest(`"token": {"body": true}, "success": {"status": []}`), `success.status (line 1, column 91): an empty list; leave it out`},
	{withRest(`"token": {"body": true}, "success": {"status": 200.5}`), `success.status (line 1, column 91): must be a whole number from 100 to 599, or a list of such`},
	{withRest(`"token": {"body": true}, "success": {"json": {}}`), `success.json (line 1, column 89): expects nothing; leave it out`},
	{withRest(`"token": {"body": true}, "success": {"json": {"ok": true}}`), `success.json.ok (line 1, column 90): a JSON pointer begins with "/" or is empty; did you mean "/ok"?`},
	{withRest(`"token": {"body": true}, "success": {"json": {"/ok": [true]}}`), `success.json./ok (line 1, column 97): must be a text, a number, true, false or null`},
	{withRest(`"token": {"body": true}, "success": {"json": []}`), `success.json (line 1, column 89): must be an object, and is a list`},
	// Refreshing.
	{withRest(`"token": {"body": true}, "refresh": {}`), `refresh (line 1, column 80): needs "request"`},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r", "text": "{{refresh_token}}"}}`), `refresh.request.text (line 1, column 115): {{refresh_token}} needs "refresh_token" beside "token", which says where the login's answer has it`},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r"}, "extra": {}}`), `refresh.extra (line 1, column 107): unknown key; the keys here are request, success, token, expires, refresh_token`},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r"}, "refresh_token": {"json": "/r"}}`), `refresh.refresh_token (line 1, column 107): needs "refresh_token" beside "token", which says where the login's answer has it`},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r"}`), `refresh_token (line 1, column 69): is of use only together with "refresh"`},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r", "ttl": "x"}, "refresh": {"request": {"url": "/r"}}`), `refresh_token.ttl (line 1, column 108): must be a duration such as "90s", "12h" or "14d", or whole seconds, between 1s and 3650d`},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r"}, "refresh": {"request": {"url": "/r"}, "refresh_token": {"json": "/r", "ttl": "1h"}}`), `refresh.refresh_token.ttl (line 1, column 172): unknown key; the keys here are json, header, body`},
	// Extra values and use.
	{withRest(`"token": {"body": true}, "extra": {"a b": {"json": "/a"}}`), `extra.a b (line 1, column 79): a name here consists of 1 to 64 letters, digits, _, . and -`},
	{withRest(`"token": {"body": true}, "extra": {"a": "/a"}`), `extra.a (line 1, column 84): must be an object, such as {"json": "/token"}`},
	{withRest(`"token": {"body": true}, "use": {}`), `use (line 1, column 76): needs one of header, query, cookie`},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "query": "b"}`), `use.query (line 1, column 92): header is there as well; exactly one of them may be`},
	{withRest(`"token": {"body": true}, "use": {"header": "A B"}`), "use.header (line 1, column 87): a header name consists of letters, digits and !#$%&'*+-.^_`|~"},
	{withRest(`"token": {"body": true}, "use": {"query": ""}`), `use.query (line 1, column 86): must not be empty`},
	{withRest(`"token": {"body": true}, "use": {"cookie": "a=b"}`), "use.cookie (line 1, column 87): a cookie's name consists of letters, digits and !#$%&'*+-.^_`|~"},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "none"}`), `use.value (line 1, column 101): must hold {{token}} exactly once`},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "{{token}}{{token}}"}`), `use.value (line 1, column 101): must hold {{token}} exactly once`},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "{{token}}{{password}}"}`), `use.value (line 1, column 111): {{password}} is not known here`},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "headers": {"a": "1"}}`), `use.headers.a (line 1, column 104): "header" names this one already`},
	{withRest(`"token": {"body": true}, "use": {"cookie": "A", "headers": {"cookie": "1"}}`), `use.headers.cookie (line 1, column 104): "cookie" makes this header already`},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "headers": {"B": "{{token}}"}}`), `use.headers.B (line 1, column 110): {{token}} is known only in refresh.request and in use.value`},
}

func TestRefusedDocuments(t *testing.T) {
	for _, c := range refused {
		d, err := Compile(c.document, Rules{})
		require.EqualError(t, err, c.words, c.document)
		require.Nil(t, d)
		require.NotContains(t, err.Error(), "in-", "a value")
	}
}

func TestTheRulesAreAsked(t *testing.T) {
	rules := Rules{
		HeaderName: func(name string) error {
			if name == "X-No" {
				return errors.New("not this one")
			}
			return nil
		},
		HeaderValue: func(value string) error {
			if strings.Contains(value, "no") {
				return errors.New("not that one")
			}
			return nil
		},
	}
	for _, c := range []struct{ document, words string }{
		{withRequest(`"url": "/x", "headers": {"X-No": "1"}`), `request.headers.X-No (line 1, column 39): not this one`},
		{withRequest(`"url": "/x", "headers": {"X": "no"}`), `request.headers.X (line 1, column 44): not that one`},
		{withRest(`"token": {"body": true}, "use": {"header": "X-No"}`), `use.header (line 1, column 87): not this one`},
		{withRest(`"token": {"body": true}, "use": {"query": "q", "headers": {"X-No": "1"}}`), `use.headers.X-No (line 1, column 103): not this one`},
	} {
		_, err := Compile(c.document, rules)
		require.EqualError(t, err, c.words)
	}
	d, err := Compile(withRequest(`"url": "https://h/", "headers": {"X": "n{{variables.o}}"}`), rules)
	require.NoError(t, err)
	_, err = d.Login(Values{Variables: map[string]any{"o": "o"}})
	require.EqualError(t, err, "request.headers.X: not that one")
	require.Contains(t, d.ShowLogin(Values{Variables: map[string]any{"o": "o"}}).Header, "X: [?]")
}

const whole = `{
  "request": {
    "method": "PUT",
    "url": "/login/{{variables.tenant}}?v=1&t={{variables.tenant}}",
    "query": {"q": "{{ secrets.a.b-c_1 }}", "r": ["1", "{{username}}"]},
    "headers": {"X-App": "{{client_id}}", "Accept": "*/*"},
    "basic": {"username": "{{username}}", "password": "{{password}}", "scheme": "Custom"},
    "json": {"z": 1e2, "a": [true, null, "{{client_secret}}"]}
  },
  "success": {"status": [200, 201], "json": {"": null, "/ok": true, "/a~1b/0": "x", "/n": 1.0}},
  "token": {"json": "/data/0/token"},
  "expires": {"header": "X-Expires", "as": "date"},
  "refresh_token": {"header": "X-Refresh", "ttl": "14d"},
  "session_ttl": 86400,
  "refresh": {
    "request": {"url": "https://other.example:8443/r", "form": {"t": "{{token}}", "r": "{{refresh_token}}", "v": "{{variables.more}}"}},
    "success": {"status": 204},
    "token": {"body": true},
    "expires": {"jwt": true},
    "refresh_token": {"json": "/r"}
  },
  "extra": {"instance_url": {"json": "/url"}, "n": {"header": "N"}},
  "use": {"cookie": "sid", "value": "{{variables.prefix}}{{token}}", "headers": {"X-Key": "{{secrets.use}}"}}
}`

func TestAWholeDocument(t *testing.T) {
	for _, text := range []string{whole, "\ufeff" + whole, strings.ReplaceAll(whole, "\n", "\r\n")} {
		d := compile(t, text)
		require.Equal(t, []string{
			"client_id", "client_secret", "password", "secrets.a.b-c_1", "secrets.use", "username", "variables.more", "variables.prefix", "variables.tenant",
		}, d.Needs())
		require.True(t, d.NeedsBaseURL())
		require.Equal(t, []string{"https://other.example:8443"}, d.URLs())
		require.True(t, d.CanRefresh())
		require.True(t, d.RefreshTakes("token"))
		require.True(t, d.RefreshTakes("refresh_token"))
		require.False(t, d.RefreshTakes("password"))
		require.Equal(t, 14*day, d.RefreshTTL())
		require.Equal(t, day, d.SessionTTL())
	}
}

func TestTheLeastDocument(t *testing.T) {
	d := compile(t, `{"request": {"url": "HTTPS://H.example?x"}, "token": {"body": true}}`)
	require.Empty(t, d.Needs())
	require.False(t, d.NeedsBaseURL())
	require.Equal(t, []string{"https://h.example"}, d.URLs())
	require.False(t, d.CanRefresh())
	require.False(t, d.RefreshTakes("token"))
	require.Zero(t, d.RefreshTTL())
	require.Zero(t, d.SessionTTL())
	r, err := d.Login(Values{})
	require.NoError(t, err)
	require.Equal(t, &Request{Method: "POST", URL: "https://h.example?x", Header: []Header{{"Accept", "application/json"}, {"User-Agent", "vault-plugin-secrets-oauth"}}}, r)
	_, err = d.Refresh(Values{})
	require.Error(t, err)
	require.Nil(t, d.ShowRefresh(Values{}))
	_, f := d.ReadRefresh(said(`{}`))
	require.Error(t, f)
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"1s"`: time.Second, `"90s"`: 90 * time.Second, `"1500ms"`: 1500 * time.Millisecond, `"12h"`: 12 * time.Hour, `"14d"`: 14 * day,
		`"1d12h"`: 36 * time.Hour, `"3650d"`: 3650 * day, `1`: time.Second, `3600`: time.Hour, `315360000`: 3650 * day, `"87600h"`: 3650 * day,
	} {
		require.Equal(t, want, compile(t, withRest(`"token": {"body": true}, "session_ttl": `+text)).SessionTTL(), text)
	}
	for _, text := range []string{`"0s"`, `0`, `-1`, `"-1h"`, `"-1d"`, `"1d-1h"`, `"3650d1s"`, `315360001`, `1e2`, `99999999999999999999`, `"d"`, `""`, `"1"`, `"99999d"`, `"2562047h"`, `null`} {
		_, err := Compile(withRest(`"token": {"body": true}, "session_ttl": `+text), Rules{})
		require.ErrorContains(t, err, "session_ttl (line 1, column 84): must be a duration", text)
	}
}

func TestTheLargestDocument(t *testing.T) {
	frame := withRequest(`"url": "/x", "text": ""`)
	text := strings.Replace(frame, `"text": "`, `"text": "`+strings.Repeat("x", MaxSize-len(frame)), 1)
	compile(t, text)
	_, err := Compile(text+" ", Rules{})
	require.Error(t, err)
	compile(t, withRequest(`"url": "/x", "json": `+strings.Repeat("[", 62)+strings.Repeat("]", 62)))
}
