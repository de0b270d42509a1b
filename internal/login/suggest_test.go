// SPDX-License-Identifier: MPL-2.0

package login

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSuggestions(t *testing.T) {
	document := []string{"request", "success", "token", "expires", "refresh_token", "session_ttl", "refresh", "extra", "use"}
	request := []string{"method", "url", "query", "headers", "basic", "json", "form", "text"}
	for _, c := range []struct {
		name, want string
		names      []string
	}{
		{"Request", "request", document}, {"session-ttl", "session_ttl", document}, {"sucess", "success", document}, {"access_token", "token", document},
		{"accessToken", "token", document}, {"expiry", "expires", document}, {"steps", "request", document}, {"outputs", "extra", document},
		{"body", "json", request}, {"params", "query", request}, {"uri", "url", request}, {"verb", "method", request}, {"Authorization", "basic", request},
		{"raw", "text", request}, {"header", "headers", request}, {"jsonBody", "", request}, {"x", "", request}, {"", "", request}, {"fr", "", request},
		{"pointer", "json", []string{"json", "header", "body"}}, {"string", "body", []string{"json", "header", "body"}}, {"headers", "header", []string{"json", "header", "body"}},
		{"ttl", "expires", document}, {"unit", "as", []string{"json", "as"}}, {"name", "value", []string{"header", "value"}},
		{"pwd", "password", []string{"username", "password"}}, {"secret", "client_secret", []string{"client_id", "client_secret"}}, {"id", "client_id", []string{"client_id", "client_secret"}},
		{strings.Repeat("x", 1<<16), "", document},
	} {
		require.Equal(t, c.want, suggest(c.name, c.names), "%.40s", c.name)
	}
}

func TestShownKeys(t *testing.T) {
	for key, want := range map[string]string{
		"": `""`, "a b": "a b", "\x1b[31m\n\u202eé": "?[31m???", strings.Repeat("k", 40): strings.Repeat("k", 40), strings.Repeat("é", 41): strings.Repeat("?", 40) + "...", "\x7f": "?",
	} {
		require.Equal(t, want, shownKey(key))
	}
	require.Equal(t, "/a//??", shownPointer("/a//é\n"))
	require.Equal(t, strings.Repeat("/a", 10)+"/...", shownPointer(strings.Repeat("/a", 11)))
	require.Equal(t, strings.Repeat("/a", 10), shownPointer(strings.Repeat("/a", 10)))
}
