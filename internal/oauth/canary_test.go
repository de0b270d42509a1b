// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// canaries are the secrets of one request, each with characters that every
// encoder treats differently.
func canaries() map[string]string {
	named := map[string]string{}
	for _, name := range []string{"client_secret", "password", "refresh_token", "assertion", "client_assertion", "subject_token",
		"actor_token", "code", "code_verifier", "device_code", "header", "query"} {
		named[name] = "c4n4ry <" + name + `>&+/%41"\é=`
	}
	return named
}

// spelled returns a secret the way a server, or a framework under it, may echo it.
func spelled(value string) map[string]string {
	inJSON, _ := json.Marshal(value)
	lower := strings.NewReplacer("%3C", "%3c", "%3E", "%3e", "%2B", "%2b", "%2F", "%2f", "%5C", "%5c", "%C3%A9", "%c3%a9", "%3D", "%3d")
	return map[string]string{
		"raw": value, "form": url.QueryEscape(value), "path": url.PathEscape(value), "HTML": html.EscapeString(value), "JSON": string(inJSON),
		"base64": base64.StdEncoding.EncodeToString([]byte(value)), "base64 unpadded": base64.RawStdEncoding.EncodeToString([]byte(value)),
		"base64url": base64.URLEncoding.EncodeToString([]byte(value)), "base64url unpadded": base64.RawURLEncoding.EncodeToString([]byte(value)),
		"form in lower case": lower.Replace(url.QueryEscape(value)), "JSON in JSON": fmt.Sprintf("%q", string(inJSON)),
		"HTML by name": strings.NewReplacer("&#34;", "&quot;", "é", "&eacute;").Replace(html.EscapeString(value)),
		"pair":         base64.StdEncoding.EncodeToString([]byte("my client:" + value)), "encoded pair": base64.StdEncoding.EncodeToString([]byte("my+client:" + url.QueryEscape(value))),
	}
}

func TestNoEchoedSecretShows(t *testing.T) {
	s := oauthtest.New(t)
	secrets := canaries()
	grant := url.Values{"grant_type": {"password"}}
	for name, value := range secrets {
		if name != "header" && name != "query" && name != "client_secret" {
			grant.Set(name, value)
		}
	}
	for _, method := range []string{oauth.ClientSecretBasic, oauth.ClientSecretPost} {
		client := register(s, method)
		client.Own = field.Own{"client_secret": secret.String(secrets["client_secret"])}
		if method == oauth.ClientSecretBasic {
			client.Own["client_secret_basic_encoding"] = oauth.BasicRaw
		}
		client.Header = map[string]string{"X-Api-Key": "Key " + strings.ReplaceAll(secrets["header"], "é", "e")}
		secrets["header"] = strings.ReplaceAll(secrets["header"], "é", "e")
		client.TokenURL += "?code=" + url.QueryEscape(secrets["query"])
		for name, value := range secrets {
			for spelling, echo := range spelled(value) {
				for where, respond := range echoes(echo) {
					if name != "client_secret" && where != "code" && where != "description" {
						continue // every place once, every secret in the two that matter most
					}
					s.Respond(func(w http.ResponseWriter, _ *http.Request) bool { respond(w); return true })
					token, err := client.Exchange(t.Context(), grant)
					e := failed(t, token, err)
					shown := strings.Join([]string{err.Error(), fmt.Sprintf("%v %+v %#v %q", e, *e, *e, err)}, "\n")
					for other, form := range spelled(value) {
						require.NotContains(t, shown, form, "%s %s %s %s, %s", method, name, spelling, where, other)
					}
					require.NotContains(t, shown, "c4n4ry", "%s %s %s %s", method, name, spelling, where)
				}
			}
		}
	}
}

// TestNoSecretShowsThroughOurDecoding: a server that forgets to escape what it
// echoes makes our own decoding change it.
func TestNoSecretShowsThroughOurDecoding(t *testing.T) {
	s := oauthtest.New(t)
	client := register(s, oauth.ClientSecretBasic)
	const value = `m4ngl3 d+%41\u0041\/x=`
	client.Own = field.Own{"client_secret": secret.String(value)}
	for media, body := range map[string]string{
		"text/plain":       "error=" + value + "&error_description=bad " + value,
		"application/json": `{"error":"` + value + `","error_description":"bad ` + value + `"}`,
		"":                 "",
	} {
		s.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", media)
			w.Header().Set("WWW-Authenticate", `Bearer error="`+value+`", error_description="bad `+value+`"`)
			w.WriteHeader(401)
			_, _ = fmt.Fprint(w, body)
			return true
		})
		token, err := client.Exchange(t.Context(), clientCredentials)
		require.Equal(t, "[redacted]", failed(t, token, err).Code, media)
		require.Equal(t, "bad [redacted]", failed(t, token, err).Description, media)
	}
}

// echoes are the places of an answer where a server may put what it was sent.
func echoes(echo string) map[string]func(http.ResponseWriter) {
	object := func(status int, body any) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
		}
	}
	type m = map[string]any
	return map[string]func(http.ResponseWriter){
		"code":            object(400, m{"error": "bad " + echo}),
		"description":     object(400, m{"error": "invalid_grant", "error_description": "you sent " + echo + " and it is wrong"}),
		"description 200": object(200, m{"error": echo, "error_description": echo + echo}),
		"object":          object(403, m{"error": m{"code": echo, "message": "got '" + echo + "'"}}),
		"far out":         object(500, m{"error": "x", "error_description": strings.Repeat("é", 190) + echo}),
		"JSON body":       object(500, m{"message": echo, "request": m{"form": echo}}),
		"no token":        object(200, m{"token": echo}),
		"HTML": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			_, _ = fmt.Fprint(w, "<h1>", echo, "</h1>")
		},
		"form": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprint(w, url.Values{"error": {echo}, "error_description": {echo}}.Encode())
		},
		"challenge": func(w http.ResponseWriter) {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(echo)
			w.Header().Set("WWW-Authenticate", `Bearer error="`+quoted+`", error_description="got `+quoted+`"`)
			w.WriteHeader(401)
		},
		"location": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(echo))
			w.WriteHeader(307)
		},
	}
}
