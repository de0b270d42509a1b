// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

var compileError = regexp.MustCompile(`^[ -~]+ \(line [1-9][0-9]*, column [1-9][0-9]*\): [ -~]+$`)

// FuzzCompile: whatever the text is, it is refused in words with a place, or it
// compiles to a document whose requests render or say why not.
func FuzzCompile(f *testing.F) {
	for _, c := range refused {
		f.Add(c.document)
	}
	f.Add(whole)
	f.Add(withRequest(everySecret + `, "json": {"a": ["{{password}}", "x{{secrets.pin}}"]}`))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Compile(text, Rules{})
		if err != nil {
			if len(text) <= MaxSize {
				require.Regexp(t, compileError, err.Error())
			}
			return
		}
		again, err := Compile(text, Rules{})
		require.NoError(t, err)
		require.Equal(t, d.Needs(), again.Needs())
		v := filled(d)
		require.Empty(t, v.Missing(d.Needs()))
		r, err := d.Login(v)
		if err != nil {
			require.Regexp(t, `^request\.[ -~]+: [ -~]+$`, err.Error())
		} else {
			requireSendable(t, r)
		}
		require.NotNil(t, d.ShowLogin(v))
		require.NotContains(t, d.Secrets(v), "")
		if err := d.CheckUse(v); err == nil {
			_, ok := d.Use(v, "token")
			require.Equal(t, d.use != nil, ok)
		}
		if d.CanRefresh() {
			if r, err := d.Refresh(v); err == nil {
				requireSendable(t, r)
			}
			require.NotNil(t, d.ShowRefresh(v))
		}
	})
}

// filled has a value for everything that a document needs.
func filled(d *Document) Values {
	v := values()
	for _, name := range d.Needs() {
		if key, ok := strings.CutPrefix(name, secretsPrefix); ok {
			v.Secrets[key] = "s"
		}
		if key, ok := strings.CutPrefix(name, variablesPrefix); ok {
			v.Variables[key] = "v"
		}
	}
	return v
}

func requireSendable(t *testing.T, r *Request) {
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	require.NotEmpty(t, u.Host)
	req, err := http.NewRequest(r.Method, r.URL, nil)
	require.NoError(t, err)
	require.Equal(t, u.Host, req.URL.Host)
	for _, h := range r.Header {
		require.Regexp(t, headerName, h.Name)
		require.False(t, strings.ContainsFunc(h.Value, unicode.IsControl))
	}
}

// FuzzRender: values change values and nothing else.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{awkward, "alice", "", "..", "/../", "a:b", "{{password}}", "x&y=z;", "\xff", "\u2028<b>", "a\r\nX: y", "@evil.example/", "?#%41"} {
		f.Add(seed, seed, "v")
		f.Add("u", "p", seed)
	}
	const (
		head    = `"url": "https://h.example:8443/a/{{username}}/x{{variables.v}}?q={{password}}", "query": {"r": ["{{variables.v}}", "2"]}, "headers": {"X-V": "v {{variables.v}}"}`
		inJSON  = head + `, "json": {"z": "{{username}}", "a": ["<{{password}}>", "{{variables.v}}", 1]}`
		inForm  = head + `, "form": {"u&": "{{username}}", "p": ["{{password}}", "+{{variables.v}}"]}`
		inBasic = `"url": "/x/{{variables.v}}", "basic": {"username": "{{username}}", "password": "{{password}}"}`
		inXML   = `"url": "/", "headers": {"Content-Type": "text/xml"}, "text": "<a>{{username}}{{password}}{{variables.v}}</a>"`
	)
	asJSON, asForm, asBasic, asXML := compile(f, withRequest(inJSON)), compile(f, withRequest(inForm)), compile(f, withRequest(inBasic)), compile(f, withRequest(inXML))
	for _, seed := range []string{`{"a": [1.50, null, {"b": "<&>"}], "\u2028": -0}`, `[[true], ""]`, `1e400`, `"{{token}}"`, `null`} {
		f.Add("u", "p", seed)
	}
	whole := compile(f, withRequest(`"url": "https://h.example/", "json": {"a": "{{variables.v}}", "b": 1}`))
	f.Fuzz(func(t *testing.T, username, password, variable string) {
		requireSameJSON(t, whole, variable)
		v := Values{BaseURL: "https://base.example", Username: username, Password: secret.String(password), Variables: map[string]any{"v": variable}}
		if username == "" || password == "" || variable == "" {
			_, err := asJSON.Login(v)
			require.Error(t, err)
			return
		}
		valid := utf8.ValidString(username) && utf8.ValidString(password) && utf8.ValidString(variable)
		if r, err := asForm.Login(v); err == nil {
			requireDeclaredURL(t, r, username, password, variable)
			got, err := url.ParseQuery(string(r.Body))
			require.NoError(t, err)
			require.Equal(t, url.Values{"u&": {username}, "p": {password, "+" + variable}}, got)
		} else {
			require.True(t, climbs(url.PathEscape(username)) || climbs("x"+url.PathEscape(variable)) || strings.ContainsFunc(variable, unicode.IsControl), err)
		}
		if r, err := asJSON.Login(v); err == nil {
			requireDeclaredURL(t, r, username, password, variable)
			var got any
			require.NoError(t, json.Unmarshal(r.Body, &got))
			require.Equal(t, map[string]any{"z": username, "a": []any{"<" + password + ">", variable, 1.0}}, got)
			require.True(t, strings.HasPrefix(string(r.Body), `{"z":`))
		} else {
			require.True(t, !valid || climbs(url.PathEscape(username)) || climbs("x"+url.PathEscape(variable)) || strings.ContainsFunc(variable, unicode.IsControl), err)
		}
		if r, err := asBasic.Login(v); err == nil {
			u, err := url.Parse(r.URL)
			require.NoError(t, err)
			require.Equal(t, "base.example", u.Host)
			require.Equal(t, "/x/"+variable, u.Path)
			pair, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header[0].Value, "Basic "))
			require.NoError(t, err)
			require.Equal(t, username+":"+password, string(pair))
		} else {
			require.True(t, strings.Contains(username, ":") || climbs(url.PathEscape(variable)), err)
		}
		if r, err := asXML.Login(v); err == nil {
			require.Equal(t, username+password+variable, fromXML(t, strings.TrimSuffix(strings.TrimPrefix(string(r.Body), "<a>"), "</a>")))
		} else {
			require.True(t, !valid || strings.ContainsFunc(username+password+variable, notXML), err)
		}
	})
}

// requireSameJSON holds a value of any type against what becomes of it in a body.
func requireSameJSON(t *testing.T, d *Document, text string) {
	value, trouble := parseAnswer([]byte(text))
	if trouble != "" || empty(value) {
		return
	}
	r, err := d.Login(Values{Variables: map[string]any{"v": value}})
	require.NoError(t, err)
	got, trouble := parseAnswer(r.Body)
	require.Empty(t, trouble)
	require.Equal(t, map[string]any{"a": value, "b": json.Number("1")}, got)
}

func requireDeclaredURL(t *testing.T, r *Request, username, password, variable string) {
	requireSendable(t, r)
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	require.Equal(t, "h.example:8443", u.Host)
	require.Equal(t, "/a/"+username+"/x"+variable, u.Path)
	got, err := url.ParseQuery(u.RawQuery)
	require.NoError(t, err)
	require.Equal(t, url.Values{"q": {password}, "r": {variable, "2"}}, got)
	require.Equal(t, "v "+variable, header(r, "X-V"))
}

// FuzzRead: an answer gives a token that can be sent, or words that hold nothing
// of the answer's texts.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		``, `{"token": "CANARY"}`, `{"access_token": "CANARY", "CANARY": 1}`, `{"a": {"Token": "CANARY"}, "e": 3600, "r": "CANARY"}`, `"CANARY"`, `CANARY`,
		`<html>CANARY`, `[{"token": "CANARY"}]`, `{"token": "` + jwt(`{"exp":1795525200}`) + `"}`, `{"ok": false, "error": "CANARY"}`, "\ufeff{}", `{"token": 1}`,
		`{"token": "t", "e": "CANARY"}`, `{"token": "t", "e": "2026-11-24 17:30:00"}`, `{"token": "t", "e": "05:00:00", "r": 1, "x": {"CANARY": "CANARY"}}`, `{"e": 1e999}`,
		`{"token": "t", "expires_CANARY": 60, "CANARY": {"ttl": 60}}`, `{"token": "t", "ttl": "CANARY", "exp": 1795525200}`, `["t", {"valid_for_minutes": "30"}]`,
	} {
		f.Add([]byte(body), "CANARY", 200)
		f.Add([]byte(body), "12", 401)
	}
	var documents []*Document
	for _, as := range []string{"seconds", "duration", "date", "unix_milliseconds"} {
		documents = append(documents, compile(f, withRest(`"token": {"json": "/token"}, "expires": {"json": "/e", "as": "`+as+`"}, "refresh_token": {"json": "/r"}, "extra": {"x": {"json": "/x"}},
			"refresh": {"request": {"url": "/"}, "token": {"body": true}, "expires": {"header": "X-Auth-Token", "as": "`+as+`"}}`)))
	}
	for _, rest := range []string{
		`"token": {"header": "X-Auth-Token"}, "expires": {"jwt": true}`, `"token": {"body": true}`, `"token": {"json": ""}`, `"token": {"json": "/a/0/token"}`,
		`"token": {"json": "/token"}, "success": {"status": [200, 401], "json": {"/ok": true, "/e": 1.0, "/r": "x"}}`, `"token": {"json": "/token"}, "success": {"status": 401}`,
	} {
		documents = append(documents, compile(f, withRest(rest)))
	}
	f.Fuzz(func(t *testing.T, body []byte, headerText string, status int) {
		a := Answer{Status: status, At: now, Header: http.Header{"X-Auth-Token": {strings.ReplaceAll(headerText, "CANARY", canary)}}}
		a.Body = []byte(strings.ReplaceAll(string(body), "CANARY", canary))
		for _, d := range documents {
			r, failure := d.ReadLogin(a)
			requireSound(t, r, failure)
			if d.CanRefresh() {
				r, failure = d.ReadRefresh(a)
				requireSound(t, r, failure)
			}
		}
	})
}

func requireSound(t *testing.T, r *Result, f *Failure) {
	words := ""
	if f != nil {
		require.Nil(t, r)
		require.NotEmpty(t, f.Expected)
		require.NotEmpty(t, f.Seen)
		words = f.Error() + f.Hint
	} else {
		token := r.Token.Reveal()
		require.NotEmpty(t, strings.TrimSpace(token))
		require.False(t, strings.ContainsFunc(token, notVisible))
		if !r.Expires.IsZero() {
			require.False(t, r.Expires.Before(now))
			require.False(t, r.Expires.After(now.Add(maxLife)))
		}
		words = strings.Join(append(append(r.Found, r.Warnings...), r.Hint), "")
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", r.Token, r.Token, r.RefreshToken), canary)
	}
	require.NotContains(t, words, canary)
	require.False(t, strings.ContainsFunc(words, notVisible), words)
}
