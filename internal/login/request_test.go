// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAwkwardPasswordArrivesWhole(t *testing.T) {
	v := values()
	t.Run("json", func(t *testing.T) {
		var got map[string]string
		require.NoError(t, json.Unmarshal(login(t, `"url": "/", "json": {"whole": "{{password}}", "part": "<{{password}}>"}`, v).Body, &got))
		require.Equal(t, map[string]string{"whole": awkward, "part": "<" + awkward + ">"}, got)
	})
	t.Run("form", func(t *testing.T) {
		got, err := url.ParseQuery(string(login(t, `"url": "/", "form": {"p&": "{{password}}", "q": ["+{{password}}", "2"]}`, v).Body))
		require.NoError(t, err)
		require.Equal(t, url.Values{"p&": {awkward}, "q": {"+" + awkward, "2"}}, got)
	})
	t.Run("basic", func(t *testing.T) {
		r := login(t, `"url": "/", "basic": {"username": "{{username}}", "password": "{{password}}"}`, v)
		encoded, ok := strings.CutPrefix(header(r, "Authorization"), "Basic ")
		require.True(t, ok)
		got, err := base64.StdEncoding.DecodeString(encoded)
		require.NoError(t, err)
		require.Equal(t, "alice:"+awkward, string(got))
	})
	t.Run("url", func(t *testing.T) {
		r := login(t, `"url": "/u/{{password}}/x-{{password}}?a={{password}}&b=1", "query": {"c": "{{password}}"}`, v)
		got, err := url.Parse(r.URL)
		require.NoError(t, err)
		require.Equal(t, "base.example", got.Host)
		require.Equal(t, "/api/u/"+awkward+"/x-"+awkward, got.Path)
		require.Equal(t, url.Values{"a": {awkward}, "b": {"1"}, "c": {awkward}}, got.Query())
	})
	t.Run("slashes", func(t *testing.T) {
		v := v
		v.Username = "..a/b?c#d%2f"
		r := login(t, `"url": "/u/{{username}}/end"`, v)
		require.Equal(t, "https://base.example/api/u/..a%2Fb%3Fc%23d%252f/end", r.URL)
	})
	for contentType, decode := range map[string]func(*testing.T, string) string{
		"text/xml; charset=utf-8":       fromXML,
		"Application/XML":               fromXML,
		"application/soap+xml":          fromXML,
		"application/json":              fromJSON,
		"application/vnd.api+json; a=b": fromJSON,
		formType:                        fromForm,
		"text/plain":                    func(_ *testing.T, text string) string { return text },
	} {
		t.Run(contentType, func(t *testing.T) {
			r := login(t, `"url": "/", "headers": {"content-type": "`+contentType+`"}, "text": "{{password}}"`, v)
			require.Equal(t, awkward, decode(t, string(r.Body)))
			require.Equal(t, contentType, header(r, "Content-Type"))
		})
	}
}

func fromXML(t *testing.T, text string) string {
	var got struct {
		Text string `xml:",chardata"`
	}
	require.NoError(t, xml.Unmarshal([]byte("<a>"+text+"</a>"), &got))
	return got.Text
}

func fromJSON(t *testing.T, text string) string {
	var got string
	require.NoError(t, json.Unmarshal([]byte(`"`+text+`"`), &got))
	return got
}

func fromForm(t *testing.T, text string) string {
	got, err := url.QueryUnescape(text)
	require.NoError(t, err)
	return got
}

// Only a filler that knows where a value came from can do this.
func TestAValueIsNeverATemplate(t *testing.T) {
	v := values()
	v.Username = "{{password}}"
	require.Equal(t, `["{{password}}","x{{password}}"]`, string(login(t, `"url": "/", "json": ["{{username}}", "x{{username}}"]`, v).Body))
	require.Equal(t, "{{password}}", string(login(t, `"url": "/", "text": "{{username}}"`, v).Body))
	require.Equal(t, "}}", string(login(t, `"url": "/", "text": "}}"`, v).Body))
}

func TestJSONBodies(t *testing.T) {
	for template, want := range map[string]string{
		`{"z": 1, "a": {"z": 1e2, "b": -0.0}, "m": []}`:            `{"z":1,"a":{"z":1e2,"b":-0.0},"m":[]}`,
		`["{{variables.number}}", "{{ variables.yes }}"]`:          `[1.50,true]`,
		`["{{variables.no}}", "{{variables.null}}"]`:               `[false,null]`,
		`["{{variables.list}}", "{{variables.object}}"]`:           `[["a",2,null],{"k":"<v>"}]`,
		`"{{secrets.pin}}"`:                                        `4711`,
		`"{{secrets.list}}"`:                                       `["in-secret-list",12]`,
		`"{{secrets.pin}} "`:                                       `"4711 "`,
		`"n={{variables.number}} y={{variables.yes}}"`:             `"n=1.50 y=true"`,
		`{"<&>": "<&>\u2028", "é": "é"}`:                           `{"<&>":"<&>\u2028","é":"é"}`,
		`null`:                                                     `null`,
		`"{{username}}{{client_id}}"`:                              `"aliceapp"`,
		`{"a.b": "{{username}}", "": "x", "longer than it is": 0}`: `{"a.b":"alice","":"x","longer than it is":0}`,
	} {
		r := login(t, `"url": "/", "json": `+template, values())
		require.Equal(t, want, string(r.Body))
		require.Equal(t, "application/json", header(r, "Content-Type"))
	}
}

func TestGoNumbersAreNumbers(t *testing.T) {
	v := Values{BaseURL: "https://h", Variables: map[string]any{"i": 7, "l": int64(8), "f": 1.5}}
	require.Equal(t, `[7,8,1.5,"7 8 1.5"]`, string(login(t, `"url": "/", "json": ["{{variables.i}}", "{{variables.l}}", "{{variables.f}}", "{{variables.i}} {{variables.l}} {{variables.f}}"]`, v).Body))
}

func TestURLs(t *testing.T) {
	for _, c := range []struct{ request, base, want string }{
		{`"url": "/login"`, "https://h.example", "https://h.example/login"},
		{`"url": "/login/"`, "https://h.example/", "https://h.example/login/"},
		{`"url": "/login"`, "http://h.example:8080/a/b/", "http://h.example:8080/a/b/login"},
		{`"url": "/"`, "https://[::1]:1", "https://[::1]:1/"},
		{`"url": "https://other.example/x"`, "", "https://other.example/x"},
		{`"url": "https://other.example"`, "https://h.example", "https://other.example"},
		{`"url": "https://other.example?a={{username}}"`, "", "https://other.example?a=alice"},
		{`"url": "/{{username}}-{{variables.number}}?"`, "https://h.example", "https://h.example/alice-1.50"},
		{`"url": "/x?a=1", "query": {"b": "2", "a": ["3", "{{variables.text}}"]}`, "https://h.example", "https://h.example/x?a=1&b=2&a=3&a=north"},
		{`"url": "/x", "query": {"b c": "d e"}`, "https://h.example", "https://h.example/x?b+c=d+e"},
		{`"url": "/x?q=a?b/{{username}}"`, "https://h.example", "https://h.example/x?q=a?b/alice"},
		{`"url": "/x?next=../{{username}}"`, "https://h.example", "https://h.example/x?next=../alice"},
		{`"url": "/a%20b/c:d;e=f@g"`, "https://h.example", "https://h.example/a%20b/c:d;e=f@g"},
	} {
		v := values()
		v.BaseURL = c.base
		require.Equal(t, c.want, login(t, c.request, v).URL)
	}
}

func TestHeaders(t *testing.T) {
	r := login(t, `"url": "/", "method": "GET", "headers": {"X-B": "b{{variables.number}}", "x-a": "", "user-agent": "curl", "ACCEPT": "*/*"}`, values())
	require.Equal(t, []Header{{"X-B", "b1.50"}, {"x-a", ""}, {"user-agent", "curl"}, {"ACCEPT", "*/*"}}, r.Header)
	require.Nil(t, r.Body)
	require.Equal(t, "GET", r.Method)

	r = login(t, `"url": "/", "form": {}, "basic": {"username": "{{client_secret}}", "password": "", "scheme": "X-Scheme"}`, values())
	require.Equal(t, []Header{
		{"Authorization", "X-Scheme " + base64.StdEncoding.EncodeToString([]byte("in-client-secret:"))},
		{"Content-Type", formType}, {"Accept", "application/json"}, {"User-Agent", userAgent},
	}, r.Header)
	require.NotNil(t, r.Body)
	require.Empty(t, r.Body)

	r = login(t, `"url": "/", "text": "é"`, values())
	require.Equal(t, "text/plain; charset=utf-8", header(r, "Content-Type"))
	r = login(t, `"url": "/", "json": {}, "headers": {"Content-Type": "application/{{variables.text}}+json"}`, values())
	require.Equal(t, "application/north+json", header(r, "Content-Type"))
}

func TestRenderingErrors(t *testing.T) {
	bad := func(change func(*Values)) Values {
		v := values()
		change(&v)
		return v
	}
	name := func(username string) Values { return bad(func(v *Values) { v.Username = username }) }
	base := func(url string) Values { return bad(func(v *Values) { v.BaseURL = url }) }
	for _, c := range []struct {
		request string
		values  Values
		words   string
	}{
		{`"url": "/", "json": {"a": ["{{username}}"]}`, name(""), "request.json.a[0]: there is no value for username"},
		{`"url": "/", "json": "x{{secrets.none}}"`, values(), "request.json: there is no value for secrets.none"},
		{`"url": "/", "form": {"a": "{{variables.empty}}"}`, values(), "request.form.a: there is no value for variables.empty"},
		{`"url": "/", "form": {"a": "{{variables.list}}"}`, values(), "request.form.a: variables.list is a list, which cannot stand inside a text"},
		{`"url": "/", "query": {"a": ["", "{{variables.object}}"]}`, values(), "request.query.a[1]: variables.object is an object, which cannot stand inside a text"},
		{`"url": "/", "json": ["a {{variables.null}}"]`, values(), "request.json[0]: variables.null is null, which has no form inside a text"},
		{`"url": "/{{variables.list}}"`, values(), "request.url: variables.list is a list, which cannot stand inside a text"},
		{`"url": "/?a={{variables.list}}"`, values(), "request.url: variables.list is a list, which cannot stand inside a text"},
		{`"url": "/", "headers": {"X-Key": "{{username}}"}`, name("in-value\r\nX: 1"), "request.headers.X-Key: a header value must not hold control characters, such as the end of a line"},
		{`"url": "/", "headers": {"X-Key": "{{secrets.list}}"}`, values(), "request.headers.X-Key: secrets.list is a list, which cannot stand inside a text"},
		{`"url": "/", "basic": {"username": "{{username}}", "password": ""}`, name("in:value"), `request.basic.username: must not hold ":", which separates it from the password`},
		{`"url": "/", "basic": {"username": "", "password": "{{secrets.none}}"}`, values(), "request.basic.password: there is no value for secrets.none"},
		{`"url": "/{{username}}/x"`, name(".."), `request.url: a segment of the path is empty, "." or ".."`},
		{`"url": "/x.{{username}}"`, name("."), ""},
		{`"url": "/.{{username}}"`, name("."), `request.url: a segment of the path is empty, "." or ".."`},
		{`"url": "/%2e{{username}}"`, name("."), `request.url: a segment of the path is empty, "." or ".."`},
		{`"url": "/"`, base(""), "request.url: there is no base URL to append it to"},
		{`"url": "/"`, base("ftp://h"), "request.url: the base URL must be http:// or https:// and a host, with nothing but a path behind"},
		{`"url": "/"`, base("https://in-url@h"), "request.url: the base URL must be http:// or https:// and a host, with nothing but a path behind"},
		{`"url": "/"`, base("https://h?in-url"), "request.url: the base URL must be http:// or https:// and a host, with nothing but a path behind"},
		{`"url": "/"`, base("https://h#in-url"), "request.url: the base URL must be http:// or https:// and a host, with nothing but a path behind"},
		{`"url": "/a/{{username}}"`, name("x/../in-value"), `request.url: a segment of the path is empty, "." or ".."`},
		{`"url": "/a/{{username}}"`, name(`..\in-value`), `request.url: a segment of the path is empty, "." or ".."`},
		{`"url": "/"`, base("https://"), "request.url: the base URL must be http:// or https:// and a host, with nothing but a path behind"},
		{`"url": "/", "json": "{{username}}"`, name("in-value\xff"), "request.json: the value is not UTF-8, which JSON requires"},
		{`"url": "/", "json": "x{{username}}"`, name("in-value\xff"), "request.json: the value is not UTF-8, which JSON requires"},
		{`"url": "/", "json": "{{variables.list}}"`, bad(func(v *Values) { v.Variables["list"] = []any{map[string]any{"\xff": 1}} }), "request.json: the value is not UTF-8, which JSON requires"},
		{`"url": "/", "json": "{{variables.list}}"`, bad(func(v *Values) { v.Variables["list"] = json.Number("in-value") }), "request.json: the value has no form in JSON"},
		{`"url": "/", "text": "{{username}}", "headers": {"Content-Type": "text/xml"}`, name("in-value\x00"), "request.text: the value has a character that XML cannot carry"},
		{`"url": "/", "text": "{{variables.odd}}"`, bad(func(v *Values) { v.Variables["odd"] = struct{ A string }{"in-value"} }), "request.text: variables.odd is of a type that JSON does not have"},
	} {
		if c.words == "" {
			login(t, c.request, c.values)
			continue
		}
		words := loginError(t, c.request, c.values)
		require.Equal(t, c.words, words)
		require.NotContains(t, words, "in-value")
		require.NotContains(t, words, "in-url")
	}
}

func TestRefresh(t *testing.T) {
	d := compile(t, whole)
	r, err := d.Refresh(values())
	require.Error(t, err)
	require.Equal(t, "refresh.request.form.v: there is no value for variables.more", err.Error())
	require.Nil(t, r)
	v := values()
	v.Variables["more"] = json.Number("1")
	r, err = d.Refresh(v)
	require.NoError(t, err)
	require.Equal(t, "https://other.example:8443/r", r.URL)
	require.Equal(t, "t=in-token&r=in-refresh-token&v=1", string(r.Body))
	v.Token = ""
	_, err = d.Refresh(v)
	require.EqualError(t, err, "refresh.request.form.t: there is no value for token")
}

func TestLoginMayGoOnAtOnce(t *testing.T) {
	d, v := compile(t, withRequest(`"url": "/", "json": {"a": "{{password}}"}`)), values()
	done := make(chan string)
	for range 4 {
		go func() {
			r, err := d.Login(v)
			if err != nil {
				done <- err.Error()
				return
			}
			_, f := d.ReadLogin(said(`{"token": "t"}`))
			if f != nil {
				done <- f.Error()
				return
			}
			done <- string(r.Body)
		}()
	}
	for range 4 {
		require.Equal(t, `{"a":"\"}],'&<>%\n"}`, <-done)
	}
}
