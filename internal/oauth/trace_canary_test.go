// SPDX-License-Identifier: MPL-2.0

package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// TestNoSecretShowsInATrace: every secret of a request, in every spelling, in
// every place of an answer; and every token of an answer in every other place.
func TestNoSecretShowsInATrace(t *testing.T) {
	secrets := canaries()
	delete(secrets, "query")
	grant := url.Values{"grant_type": {"password"}}
	for name, value := range secrets {
		if name != "header" && name != "client_secret" {
			grant.Set(name, value)
		}
	}
	client := &oauth.Client{TokenURL: "https://as.example/token?x=" + url.QueryEscape(canaries()["query"]), ID: "my client", Own: field.Own{"client_secret": secret.String(secrets["client_secret"])}, Auth: oauth.ClientSecretBasic,
		Header: map[string]string{"X-Api-Key": "Key " + secrets["header"]}}
	trace := new(oauth.Trace)
	ctx := oauth.WithTrace(t.Context(), trace)
	shows := func(where string, forms map[string]string, canary string) {
		shown := trace.String() + fmt.Sprintf("%+v %#v", *trace, trace.Steps)
		require.NotContains(t, shown, canary, where)
		for other, form := range forms {
			require.NotContains(t, shown, form, "%s %s", where, other)
		}
		trace.Steps = nil
	}
	for name, value := range secrets {
		for spelling, echo := range spelled(value) {
			for where, a := range places(echo) {
				switch {
				case spelling != "raw" && (where == "form, raw" || where == "header"): // escaped twice, and then not at all
					continue
				case name != "client_secret" && (spelling != "raw" || where != "nested 400" && where != "key 200"): // one in every spelling and place, the others where they matter most
					continue
				}
				client.HTTP = answerWith(a.status, a.header, a.body)
				_, _ = client.Exchange(ctx, grant)
				shows(name+" "+spelling+" "+where, spelled(value), "c4n4ry")
				_, _ = oauth.Send(ctx, client.HTTP, oauth.Outgoing{Method: "POST", URL: "https://api.example/", Secrets: []string{value}})
				oauth.Note(ctx, "the answer has "+echo)
				shows(name+" "+spelling+" "+where+", sent", spelled(value), "c4n4ry")
			}
		}
	}
	const token = "t0k3n-c4n4ry-words"
	for where, a := range places(token) {
		var body any = a.body
		if json.Valid([]byte(a.body)) {
			body = json.RawMessage(a.body)
		}
		wrapped, err := json.Marshal(map[string]any{"accessToken": token, "rest": body, "error": "because " + token, "message": token, token: token})
		require.NoError(t, err)
		for _, status := range []int{200, 302, 401, 500} {
			_, _ = oauth.Send(ctx, answerWith(status, a.header, string(wrapped)), oauth.Outgoing{Method: "POST", URL: "https://api.example/"})
			oauth.Note(ctx, "the answer has "+token)
			shows(where, nil, "c4n4ry")
			client.HTTP = answerWith(status, a.header, strings.ReplaceAll(string(wrapped), "accessToken", "access_token"))
			_, _ = client.Exchange(ctx, grant)
			shows(where, nil, "c4n4ry")
		}
	}
}

type place struct {
	status int
	header http.Header
	body   string
}

// places are where a server may put what it was sent, or what it issues.
func places(echo string) map[string]place {
	js := http.Header{"Content-Type": {"application/json"}}
	all := map[string]place{}
	type m = map[string]any
	for name, body := range map[string]any{
		"code": m{"error": echo}, "description": m{"error": "x", "error_description": "you sent " + echo}, "key": m{echo: 1}, "nested key": m{"a": m{"b": []any{m{"x " + echo: "y"}}}},
		"message": m{"message": echo + " is wrong", "status": echo}, "nested": m{"errors": []any{m{"detail": "no " + echo, "title": echo}, "no " + echo}}, "fault": m{"fault": m{"faultstring": echo}},
		"success": m{"success": false, "msg": "no " + echo, "reason": echo}, "token": m{"access_token": "abcd", "scope": echo, "token_type": echo, "expires_in": echo}, "text": echo, "object": m{"error": m{"code": echo, "message": echo, "data": echo}},
	} {
		raw, _ := json.Marshal(body)
		for _, status := range []int{200, 400} {
			all[fmt.Sprint(name, " ", status)] = place{status, js, string(raw)}
		}
	}
	all["text 200"] = place{200, http.Header{"Content-Type": {"text/plain"}}, echo}
	all["form"] = place{200, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, url.Values{"error": {echo}, echo: {"1"}}.Encode()}
	all["form, raw"] = place{400, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "error=" + echo + "&" + echo + "=1&" + echo}
	all["HTML"] = place{502, http.Header{"Content-Type": {"text/html"}}, "<h1>" + echo}
	oneLine := strings.NewReplacer("\r", "", "\n", "").Replace(echo)
	all["header"] = place{401, http.Header{"Www-Authenticate": {`Bearer error="` + oneLine + `"`}, "Server": {oneLine}, "Content-Type": {oneLine}, "X-" + oneLine: {oneLine}, "Set-Cookie": {"sid=" + oneLine}}, "{}"}
	return all
}
