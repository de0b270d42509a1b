// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func TestShown(t *testing.T) {
	v := values()
	v.Password, v.BaseURL = "s3cr3t-in-show", "https://base.example"
	for _, c := range []struct {
		request string
		want    Shown
	}{
		{
			`"url": "/u/{{secrets.key}}/{{username}}?a={{password}}&b={{variables.text}}", "query": {"c d": "x {{client_secret}}"}, "method": "GET"`,
			Shown{
				"GET", "https://base.example/u/[redacted, 13 bytes]/alice?a=[redacted, 14 bytes]&b=north&c+d=x+[redacted, 16 bytes]",
				[]string{"Accept: application/json", "User-Agent: vault-plugin-secrets-oauth"}, "",
			},
		},
		{
			`"url": "/", "basic": {"username": "{{username}}", "password": "{{password}}"}, "headers": {"X-Key": "k {{secrets.key}}"}`,
			Shown{"POST", "https://base.example/", []string{
				"X-Key: k [redacted, 13 bytes]", "Authorization: Basic base64(alice:[redacted, 14 bytes])",
				"Accept: application/json", "User-Agent: vault-plugin-secrets-oauth",
			}, ""},
		},
		{
			`"url": "/", "headers": {"Accept": "*/*", "User-Agent": "x"}, "json": {"u": "{{username}}", "p": "{{password}}", "n": "{{secrets.pin}}", "l": "{{secrets.list}}", "x": "<{{password}}>", "none": "{{secrets.none}}", "v": "{{variables.list}}", "t": "{{variables.list}}!", "m": "a{{variables.none}}"}`,
			Shown{
				"POST", "https://base.example/", []string{"Accept: */*", "User-Agent: x", "Content-Type: application/json"},
				`{"u":"alice","p":"[redacted, 14 bytes]","n":"[redacted, 4 bytes]","l":"[redacted, 21 bytes]","x":"<[redacted, 14 bytes]>","none":"[?]","v":["a",2,null],"t":"[?]!","m":"a[?]"}`,
			},
		},
		{
			`"url": "/", "headers": {"Accept": "*/*", "User-Agent": "x"}, "form": {"a b": "c d", "p": "{{password}}", "q": "{{secrets.list}}"}`,
			Shown{
				"POST", "https://base.example/", []string{"Accept: */*", "User-Agent: x", "Content-Type: application/x-www-form-urlencoded"},
				"a+b=c+d&p=[redacted, 14 bytes]&q=[?]",
			},
		},
		{
			`"url": "/", "headers": {"Accept": "*/*", "User-Agent": "x", "Content-Type": "text/xml"}, "text": "<p>{{password}}</p>{{variables.object}}"`,
			Shown{"POST", "https://base.example/", []string{"Accept: */*", "User-Agent: x", "Content-Type: text/xml"}, "<p>[redacted, 14 bytes]</p>[?]"},
		},
	} {
		require.Equal(t, &c.want, compile(t, withRequest(c.request)).ShowLogin(v))
	}
}

func TestWhatCannotBeSentIsStillShown(t *testing.T) {
	v := Values{BaseURL: "https://in-user:in-password@h", Username: "a:b\n..", Variables: map[string]any{"bad": "\xff", "dots": ".."}}
	shown := compile(t, withRequest(`"url": "/{{variables.dots}}/{{client_id}}", "basic": {"username": "{{username}}", "password": "{{password}}"},
		"headers": {"X": "{{username}}"}, "json": ["{{variables.bad}}", "x{{variables.bad}}"]`)).ShowLogin(v)
	require.Equal(t, "[?]/../[?]", shown.URL)
	require.Equal(t, []string{"X: [?]", "Authorization: Basic base64(a:b\n..:[?])"}, shown.Header[:2])
	require.Equal(t, `["[?]","x[?]"]`, shown.Body)
}

// everySecret puts every secret into every place.
const everySecret = `"url": "/{{password}}/{{client_secret}}/{{secrets.key}}?a={{password}}&b={{client_secret}}&c={{secrets.key}}",
	"query": {"a": "{{password}}", "b": ["{{client_secret}}", "{{secrets.key}}{{secrets.pin}}"]},
	"headers": {"A": "x {{client_secret}}", "B": "{{secrets.key}}"},
	"basic": {"username": "{{secrets.key}}", "password": "{{password}}"}`

func TestShownHidesEverySecret(t *testing.T) {
	refresh := strings.ReplaceAll(everySecret, "{{password}}", "{{password}}{{token}}{{refresh_token}}")
	for _, body := range []string{
		`"json": ["{{password}}", "{{client_secret}}", "{{secrets.key}}", "{{secrets.list}}", "x{{secrets.pin}}"]`,
		`"form": {"a": "{{password}}", "b": "{{client_secret}}", "c": "{{secrets.key}}"}`,
		`"text": "{{password}}{{client_secret}}{{secrets.key}}"`,
	} {
		d := compile(t, `{"request": {`+everySecret+`, `+body+`}, "token": {"json": "/t"}, "refresh_token": {"json": "/r"}, "refresh": {"request": {`+refresh+`, `+body+`}}}`)
		v := values()
		v.Password = "in-pass\"<word"
		for _, shown := range []*Shown{d.ShowLogin(v), d.ShowRefresh(v)} {
			text := strings.ReplaceAll(fmt.Sprintf("%+v", *shown), userAgent, "")
			require.NotContains(t, text, "in-")
			require.NotContains(t, text, "word")
			require.NotContains(t, text, "4711")
			require.Contains(t, text, "[redacted, 13 bytes]")
			require.NotContains(t, text, unreadable)
		}
	}
}

func TestSecrets(t *testing.T) {
	d := compile(t, `{"request": {"url": "/{{variables.text}}", "basic": {"username": "{{username}}", "password": "{{password}}"}, "json": ["{{secrets.list}}", "{{secrets.pin}}", "{{secrets.object}}"]},
		"token": {"json": "/t"}, "refresh_token": {"json": "/r"}, "refresh": {"request": {"url": "/", "form": {"r": "{{refresh_token}}", "s": "{{client_secret}}"}}},
		"use": {"header": "A", "headers": {"K": "{{secrets.key}}"}}}`)
	v := values()
	v.Secrets["object"] = map[string]any{"a": "in-object", "b": true, "c": ""}
	require.Equal(t, []string{
		awkward, "12", "4711", "alice:" + awkward, "in-client-secret", "in-object", "in-refresh-token", "in-secret-key", "in-secret-list",
	}, d.Secrets(v))
	require.Empty(t, d.Secrets(Values{}))
}

func TestValuesPrintNothing(t *testing.T) {
	v := values()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{v, &v, struct{ V Values }{v}, []Values{v}} {
			text := fmt.Sprintf(verb, value)
			for _, part := range []string{"in-", "alice", "app", "north", "4711", "base.example", `"}]`} {
				require.NotContains(t, text, part, verb)
			}
		}
	}
	text, err := json.Marshal(map[string]any{"v": v, "p": &v})
	require.NoError(t, err)
	require.JSONEq(t, `{"v": "[redacted]", "p": "[redacted]"}`, string(text))
	require.Equal(t, redacted, v.String())
	require.Equal(t, redacted, v.GoString())
}

func TestMissing(t *testing.T) {
	needs := []string{"client_id", "client_secret", "password", "username", "secrets.a", "secrets.b", "secrets.c", "variables.a", "variables.b", "variables.c", "variables.d", "variables.e", "unheard of"}
	require.Equal(t, needs, Values{}.Missing(needs))
	v := Values{
		Username: "u", Password: secret.String("p"), ClientID: "i", ClientSecret: "s",
		Secrets:   map[string]any{"a": "x", "b": "", "c": nil},
		Variables: map[string]any{"a": nil, "b": false, "c": json.Number("0"), "d": "", "e": json.Number("")},
	}
	require.Equal(t, []string{"secrets.b", "secrets.c", "variables.d", "variables.e", "unheard of"}, v.Missing(needs))
	require.Empty(t, v.Missing(nil))
}
