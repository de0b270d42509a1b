// SPDX-License-Identifier: MPL-2.0

package login

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var refused = []struct{ document, words string }{
	// The text.
	{``, ``},
	{`  `, ``},
	{`{"request": {"url": "/x"}`, ``},
	{`{"request": {"url": "/x}`, ``},
	{"{\n  \"request\": {\"url\": \"/x\",}\n}", ``},
	{`{"request": 1} {}`, ``},
	{`[]`, ``},
	{`"text"`, ``},
	{"{\"\xff\": 1}", ``},
	{`{"token": {}, "token": {}}`, ``},
	{`{"request": {"json": {"é": [0, {"b": 1, "b": 2}]}}}`, ``},
	{`{"request": {"url": "/x", "json": ` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}}`, ``},
	{strings.Repeat(" ", MaxSize+1), ``},
	// Keys.
	{`{"request": {"jsn": 1}}`, ``},
	{`{"reqest": {}}`, ``},
	{`{"something": {}}`, ``},
	{`{"refreshToken": {}}`, ``},
	{`{"expires_in": {}}`, ``},
	{`{"\u001b[31m` + strings.Repeat("k", 60) + `": {}}`, ``},
	{`{}`, ``},
	{`{"request": {"url": "/x"}}`, ``},
	{`{"request": [], "token": {}}`, ``},
	{`{"request": {}, "token": {"json": "/t"}}`, ``},
	// Requests.
	{withRequest(`"url": "/x", "method": "post"`), ``},
	{withRequest(`"url": "/x", "method": "HEAD"`), ``},
	{withRequest(`"url": "/x", "method": 1`), ``},
	{withRequest(`"url": "/x", "method": "{{username}}"`), ``},
	{withRequest(`"url": ""`), ``},
	{withRequest(`"url": 1`), ``},
	{withRequest(`"url": "x"`), ``},
	{withRequest(`"url": "ftp://h/x"`), ``},
	{withRequest(`"url": "//h/x"`), ``},
	{withRequest(`"url": "{{variables.url}}"`), ``},
	{withRequest(`"url": "https://{{variables.host}}/x"`), ``},
	{withRequest(`"url": "https://h.example{{variables.port}}/x"`), ``},
	{withRequest(`"url": "https://h.example.{{variables.domain}}"`), ``},
	{withRequest(`"url": "https:///x"`), ``},
	{withRequest(`"url": "https://"`), ``},
	{withRequest(`"url": "https://h:port/x"`), ``},
	{withRequest(`"url": "https://user:in-url@h/x"`), ``},
	{withRequest(`"url": "/x#f"`), ``},
	{withRequest(`"url": "/{{username}}#"`), ``},
	{withRequest(`"url": "/a b"`), ``},
	{withRequest(`"url": "/é"`), ``},
	{withRequest(`"url": "/%4{{username}}"`), ``},
	{withRequest(`"url": "/a/../b"`), ``},
	{withRequest(`"url": "/a/%2e%2E/b"`), ``},
	{withRequest(`"url": "/./b"`), ``},
	{withRequest(`"url": "/x?{{username}}=1"`), ``},
	{withRequest(`"url": "/x?a=1&b{{username}}"`), ``},
	{withRequest(`"url": "/x", "query": {"": "1"}`), ``},
	{withRequest(`"url": "/x", "query": {"{{username}}": "1"}`), ``},
	{withRequest(`"url": "/x", "query": {"a": 1}`), ``},
	{withRequest(`"url": "/x", "query": {"a": ["1", true]}`), ``},
	{withRequest(`"url": "/x", "query": {"a": []}`), ``},
	{withRequest(`"url": "/x", "query": {"a": {}}`), ``},
	{withRequest(`"url": "/x", "query": []`), ``},
	{withRequest(`"url": "/x", "headers": {"X Y": "1"}`), ``},
	{withRequest(`"url": "/x", "headers": {"X-Y": "1", "x-y": "2"}`), ``},
	{withRequest(`"url": "/x", "headers": {"X-Y": "in-header\n{{username}}"}`), ``},
	{withRequest(`"url": "/x", "headers": {"X-Y": ["1"]}`), ``},
	{withRequest(`"url": "/x", "headers": {"authorization": "x"}, "basic": {"username": "", "password": ""}`), ``},
	{withRequest(`"url": "/x", "basic": {"username": "{{username}}"}`), ``},
	{withRequest(`"url": "/x", "basic": {"username": "in:user", "password": ""}`), ``},
	{withRequest(`"url": "/x", "basic": {"username": "", "password": "", "scheme": "two words"}`), ``},
	{withRequest(`"url": "/x", "basic": {"username": "", "password": "", "realm": ""}`), ``},
	{withRequest(`"url": "/x", "json": {}, "form": {}`), ``},
	{withRequest(`"url": "/x", "form": {}, "text": ""`), ``},
	{withRequest(`"url": "/x", "method": "GET", "json": {}`), ``},
	{withRequest(`"url": "/x", "json": {"{{username}}": 1}`), ``},
	{withRequest(`"url": "/x", "text": {}`), ``},
	{withRequest(`"url": "/x", "text": "", "headers": {"content-type": "{{variables.type}}"}`), ``},
	// Placeholders.
	{withRequest(`"url": "/x", "text": "a {{pasword}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{user}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{in-name}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{{username}}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{username} }"`), ``},
	{withRequest(`"url": "/x", "text": "{{secrets.}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{variables.a b}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{secrets.` + strings.Repeat("k", 65) + `}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{token}}"`), ``},
	{withRequest(`"url": "/x", "text": "{{refresh_token}}"`), ``},
	{"{\"request\": {\"url\": \"/x\",\n \"text\": \"é\\\"\\u00e9\\ud83d\\ude00\\n {{nobody}}\"}}", ``},
	// Sources.
	{`{"request": {"url": "/x"}, "token": "/t"}`, ``},
	{`{"request": {"url": "/x"}, "token": {}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": "/t", "header": "T"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": 1}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": "t"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": "/a~2"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": "/a~"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"header": ""}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"header": "{{username}}"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"body": false}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"body": "true"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"path": "/t"}}`, ``},
	{`{"request": {"url": "/x"}, "token": {"json": "/t", "ttl": "1h"}}`, ``},
	// Expiry.
	{withRest(`"token": {"body": true}, "expires": {}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"jwt": false}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"jwt": true, "fixed": "1h"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "1h", "as": "seconds"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": 0}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": 1.5}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "3651d"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "1h1d"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": "soon"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"fixed": true}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"json": "/e", "as": "second"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"json": "/e", "as": "fortnights"}`), ``},
	{withRest(`"token": {"body": true}, "expires": {"json": "e"}`), ``},
	{withRest(`"token": {"body": true}, "session_ttl": "500ms"`), ``},
	// Success.
	{withRest(`"token": {"body": true}, "success": {}`), ``},
	{withRest(`"token": {"body": true}, "success": {"status": 99}`), ``},
	{withRest(`"token": {"body": true}, "success": {"status": [200, 600]}`), ``},
	{withRest(`"token": {"body": true}, "success": {"status": "200"}`), ``},
	{withRest(`"token": {"body": true}, "success": {"status": []}`), ``},
	{withRest(`"token": {"body": true}, "success": {"status": 200.5}`), ``},
	{withRest(`"token": {"body": true}, "success": {"json": {}}`), ``},
	{withRest(`"token": {"body": true}, "success": {"json": {"ok": true}}`), ``},
	{withRest(`"token": {"body": true}, "success": {"json": {"/ok": [true]}}`), ``},
	{withRest(`"token": {"body": true}, "success": {"json": []}`), ``},
	// Refreshing.
	{withRest(`"token": {"body": true}, "refresh": {}`), ``},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r", "text": "{{refresh_token}}"}}`), ``},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r"}, "extra": {}}`), ``},
	{withRest(`"token": {"body": true}, "refresh": {"request": {"url": "/r"}, "refresh_token": {"json": "/r"}}`), ``},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r"}`), ``},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r", "ttl": "x"}, "refresh": {"request": {"url": "/r"}}`), ``},
	{withRest(`"token": {"body": true}, "refresh_token": {"json": "/r"}, "refresh": {"request": {"url": "/r"}, "refresh_token": {"json": "/r", "ttl": "1h"}}`), ``},
	// Extra values and use.
	{withRest(`"token": {"body": true}, "extra": {"a b": {"json": "/a"}}`), ``},
	{withRest(`"token": {"body": true}, "extra": {"a": "/a"}`), ``},
	{withRest(`"token": {"body": true}, "use": {}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "query": "b"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A B"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"query": ""}`), ``},
	{withRest(`"token": {"body": true}, "use": {"cookie": "a=b"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "none"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "{{token}}{{token}}"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "value": "{{token}}{{password}}"}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "headers": {"a": "1"}}`), ``},
	{withRest(`"token": {"body": true}, "use": {"cookie": "A", "headers": {"cookie": "1"}}`), ``},
	{withRest(`"token": {"body": true}, "use": {"header": "A", "headers": {"B": "{{token}}"}}`), ``},
}

func TestGenerate(t *testing.T) {
	var out strings.Builder
	for _, c := range refused {
		_, err := Compile(c.document, Rules{})
		fmt.Fprintf(&out, "%.300q\n    %v\n", c.document, err)
	}
	os.WriteFile("/tmp/lw/out.txt", []byte(out.String()), 0o600)
	_ = errors.New
	require.True(t, true)
}
