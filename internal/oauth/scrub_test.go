// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

const hard = "p@ss:w/ rd+%41&=<\"'>\\é"

func scrubberFor(secrets ...string) *scrubber {
	s := new(scrubber)
	s.add(secrets...)
	return s
}

func TestDescriptionsLoseTheirSecrets(t *testing.T) {
	s := scrubberFor(hard, "other-secret", "overlap-one", "one-two-three")
	for name, c := range map[string]struct{ text, want string }{
		"nothing to scrub":  {"the client is unknown", "the client is unknown"},
		"raw":               {"no " + hard + "!", "no [redacted]!"},
		"twice":             {hard + hard + " " + hard, "[redacted] [redacted]"},
		"form-encoded":      {"secret=" + url.QueryEscape(hard) + "&a=b", "secret=[redacted]&a=b"},
		"path-escaped":      {"no " + url.PathEscape(hard), "no [redacted]"},
		"HTML-escaped":      {"no " + html.EscapeString(hard), "no [redacted]"},
		"JSON-escaped":      {`no p@ss:w/ rd+%41&=<\"'>\\é`, "no [redacted]"},
		"JSON- and HTML":    {`no p@ss:w/ rd+%41\u0026=\u003c\"'\u003e\\é`, "no [redacted]"},
		"base64":            {"no " + base64.StdEncoding.EncodeToString([]byte(hard)), "no [redacted]"},
		"base64url":         {"no " + base64.RawURLEncoding.EncodeToString([]byte(hard)) + ".", "no [redacted]."},
		"two secrets":       {"other-secret and " + hard, "[redacted] and [redacted]"},
		"overlapping":       {"overlap-one-two-three", "[redacted]"},
		"brought together":  {"[redother-secretacted", "[red[redacted]acted"},
		"across a new line": {"a\nother-secret\tb", "a [redacted] b"},
		// In an encoding that is not in the list, the whole text goes:
		"lower-case hex":      {"no " + strings.ToLower(url.QueryEscape("p@ss:w/")) + strings.ToLower(url.QueryEscape(hard)[len("p%40ss%3Aw%2F"):]), "[redacted]"},
		"all of it in hex":    {"no %6f%74%68%65%72%2d%73%65%63%72%65%74", "[redacted]"},
		"encoded twice":       {"no " + url.QueryEscape(url.QueryEscape(hard)), "[redacted]"},
		"encoded four times":  {"no " + url.QueryEscape(url.QueryEscape(url.QueryEscape(url.QueryEscape(hard)))), "[redacted]"},
		"JSON in HTML":        {"no " + html.EscapeString(`\u006fther-secret`), "[redacted]"},
		"named entities":      {"no p@ss:w/ rd+%41&amp;=&lt;&quot;&apos;&gt;\\&eacute;", "[redacted]"},
		"ASCII-only JSON":     {`no p@ss:w\/ rd+%41&=<\"'>\\\u00e9`, "[redacted]"},
		"inside base64":       {"got " + base64.StdEncoding.EncodeToString([]byte("Basic you:other-secret")), "[redacted]"},
		"base64 of a prefix":  {"got x" + base64.RawStdEncoding.EncodeToString([]byte("~other-secret, it was")), "[redacted]"},
		"base64, escaped":     {"got " + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("??"+hard))), "[redacted]"},
		"unprintables within": {"no other-\u200bsecret", "no [redacted]"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, s.description(c.text)) })
	}
}

func TestSecretsAtTheEdgeOfTheLimit(t *testing.T) {
	s := scrubberFor("0123456789abcdef")
	for before := range maxDescription + 5 {
		out := s.description(strings.Repeat("é", before) + "0123456789abcdef and more")
		require.NotContains(t, out, "0123")
		require.LessOrEqual(t, utf8.RuneCountInString(out), maxDescription)
	}
}

func TestShortSecretsWithholdTheText(t *testing.T) {
	require.Equal(t, "[redacted]", scrubberFor("abc").description("the abc is wrong"))
	require.Equal(t, "the client is wrong", scrubberFor("abc").description("the client is wrong"))
	require.Equal(t, "[redacted]", scrubberFor("b").code("banana"))
	require.Equal(t, "", scrubberFor("red").description("red is wrong"), "the word itself would show it")
	require.Equal(t, "", scrubberFor("redacted").description("it is redacted"))
	require.Equal(t, "[redacted]", scrubberFor("secret", "[redacted]x").description("a secretx b"), "brought together by the word itself")
	require.Equal(t, "[redacted]", scrubberFor("&").description("a&amp;b"))
}

func TestCodes(t *testing.T) {
	require.Equal(t, "invalid_grant", scrubberFor("grant").code("invalid_grant"), "a registered word stays recognisable")
	require.Equal(t, "invalid [redacted]", scrubberFor("hunter22").code("invalid hunter22"))
	require.Equal(t, "bad [redacted]", scrubberFor(hard).code("bad "+hard), "scrubbed after its alphabet")
	require.Equal(t, "x", scrubberFor("").code("x"))
}

func TestScrubberKnowsWhatARequestCarries(t *testing.T) {
	c := &Client{ID: "my id", Own: field.Own{"client_secret": secret.String("s ecret")}, Auth: ClientSecretBasic, Header: map[string]string{"Authorization": "Custom tok-123", "X-Key": "k-456"}}
	form := url.Values{"scope": {"a"}, "username": {"alice"}, "resource": {"https://r"}}
	var want []string
	for _, name := range secretParams {
		form[name] = []string{name + "-value"}
		want = append(want, name+"-value")
	}
	want = append(want, "s ecret", "my id:s ecret", "my+id:s+ecret", "Custom tok-123", "tok-123", "k-456", "fk-789")
	proof, err := clientSecretBasic{}.Authenticate(t.Context(), c, nil)
	require.NoError(t, err)
	require.ElementsMatch(t, want, c.scrubber(&url.URL{RawQuery: "code=fk-789"}, form, proof).secrets)
}

func FuzzScrub(f *testing.F) {
	for i, s := range []string{hard, "abc", "red", "aaaa", "acted][red", "s3cr3t-value", "\x00\x01ab", "é\u200bé", "\xff\xfe\xfd\xfc", "%41%42", "&amp;", `\u0041\`} {
		f.Add(s, "the secret ", " is wrong", byte(i))
		f.Add(s, s[:1], s, byte(i+7))
	}
	f.Add("\x80amp", "\xc5", "&amp;", byte(17)) // cut out of the middle of a character
	f.Fuzz(func(t *testing.T, value, before, after string, encoding byte) {
		if value == "" {
			return
		}
		forms := encodings(value)
		text := before + forms[int(encoding)%len(forms)] + after
		s := scrubberFor(value, "a-second-secret")
		for _, out := range []string{s.description(text), s.code(text)} {
			if containsAny(out, forms) {
				t.Fatalf("%q shows %q", out, value)
			}
			form, _ := url.QueryUnescape(out)
			for _, decoded := range []string{form, html.UnescapeString(out)} {
				if strings.Contains(decoded, value) {
					t.Fatalf("%q hides %q", out, value)
				}
			}
			if utf8.RuneCountInString(out) > maxDescription || !utf8.ValidString(out) {
				t.Fatalf("%q", out)
			}
		}
	})
}
