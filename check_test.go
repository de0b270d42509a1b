// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// Every mistake is refused with a message that helps, and stores nothing.
func TestBadInput(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	role := fields{"config": "main"}
	for name, c := range map[string]struct {
		path string
		base fields
		bad  fields
		want []string
	}{
		"no token_url":       {"config/new", elsewhere, fields{"token_url": absent}, []string{"token_url is required"}},
		"cleared token_url":  {"config/main", nil, fields{"token_url": "", "client_secret": ""}, []string{"token_url is required"}},
		"no client_id":       {"config/new", elsewhere, fields{"client_id": absent}, []string{"client_id is required"}},
		"no URL":             {"config/new", elsewhere, fields{"token_url": "://canary-"}, []string{"token_url", "URL"}},
		"a path":             {"config/new", elsewhere, fields{"token_url": "/token"}, []string{"token_url", "https://"}},
		"another scheme":     {"config/new", elsewhere, fields{"token_url": "ftp://login.example.com"}, []string{"token_url", "https://"}},
		"no host":            {"config/new", elsewhere, fields{"token_url": "https:///token"}, []string{"token_url", "host"}},
		"userinfo":           {"config/new", elsewhere, fields{"token_url": "https://a:canary-@login.example.com/"}, []string{"token_url", "user name"}},
		"fragment":           {"config/new", elsewhere, fields{"token_url": "https://login.example.com/#canary-"}, []string{"token_url", "fragment"}},
		"http":               {"config/new", elsewhere, fields{"token_url": "http://login.example.com/"}, []string{"token_url", "allow_http"}},
		"metadata":           {"config/new", elsewhere, fields{"token_url": "https://169.254.169.254/"}, []string{"token_url", "169.254.169.254"}},
		"auth method":        {"config/new", elsewhere, fields{"client_auth_method": "canary-"}, []string{"client_auth_method", "client_secret_post"}},
		"none and a secret":  {"config/new", elsewhere, fields{"client_auth_method": "none"}, []string{"client_auth_method", "client_secret"}},
		"basic encoding":     {"config/new", elsewhere, fields{"client_secret_basic_encoding": "canary-"}, []string{"client_secret_basic_encoding", "raw"}},
		"colon in raw":       {"config/new", elsewhere, fields{"client_secret_basic_encoding": "raw", "client_id": "a:b"}, []string{"client_id"}},
		"header Host":        {"config/new", elsewhere, fields{"headers": "Host=canary-"}, []string{"headers", "Host"}},
		"header with basic":  {"config/new", elsewhere, fields{"headers": "authorization=canary-"}, []string{"headers", "Authorization"}},
		"header name":        {"config/new", elsewhere, fields{"headers": fields{"a b": "1"}}, []string{"headers"}},
		"header value":       {"config/new", elsewhere, fields{"headers": fields{"A": "canary-\r\nB: c"}}, []string{"headers", "value of A"}},
		"reserved param":     {"config/new", elsewhere, fields{"params": "client_id=x"}, []string{"params", "client_id"}},
		"header_name":        {"config/new", elsewhere, fields{"header_name": "a b"}, []string{"header_name"}},
		"header_format":      {"config/new", elsewhere, fields{"header_format": "Bearer"}, []string{"header_format", "{{token}}"}},
		"header_format LF":   {"config/new", elsewhere, fields{"header_format": "{{token}}\n"}, []string{"header_format"}},
		"ca_cert":            {"config/new", elsewhere, fields{"ca_cert": "canary-"}, []string{"ca_cert"}},
		"tls_client_cert":    {"config/new", elsewhere, fields{"tls_client_cert": "canary-", "tls_client_key": "canary-"}, []string{"tls_client_cert"}},
		"key only":           {"config/new", elsewhere, fields{"tls_client_key": "canary-"}, []string{"tls_client_cert"}},
		"proxy_url":          {"config/new", elsewhere, fields{"proxy_url": "canary-"}, []string{"proxy_url"}},
		"request_timeout":    {"config/new", elsewhere, fields{"request_timeout": "1000h"}, []string{"request_timeout"}},
		"absurd timeout":     {"config/new", elsewhere, fields{"request_timeout": 1 << 52}, []string{"request_timeout"}},
		"negative timeout":   {"config/new", elsewhere, fields{"request_timeout": -1}, []string{"request_timeout", "not negative"}},
		"allowed_roles":      {"config/new", elsewhere, fields{"allowed_roles": "[a"}, []string{"allowed_roles"}},
		"config name":        {"config/a..b", elsewhere, nil, []string{"name", ".."}},
		"long config name":   {"config/" + strings.Repeat("n", 129), elsewhere, nil, []string{"name", "128"}},
		"large config":       {"config/new", elsewhere, fields{"description": long}, []string{"64 KiB"}},
		"no config":          {"roles/new", fields{}, fields{}, []string{"config is required"}},
		"unknown config":     {"roles/new", role, fields{"config": "nowhere"}, []string{"no config named nowhere"}},
		"config with dots":   {"roles/new", role, fields{"config": "../settings"}, []string{"config"}},
		"config with slash":  {"roles/new", role, fields{"config": "a/b"}, []string{"config"}},
		"unknown flow":       {"roles/new", role, fields{"flow": "canary-"}, []string{"flow", "client_credentials", "password"}},
		"username":           {"roles/new", role, fields{"username": "bob"}, []string{"username", "client_credentials", "password"}},
		"password":           {"roles/new", role, fields{"password": "canary-"}, []string{"password", "client_credentials"}},
		"no username":        {"roles/new", role, fields{"flow": "password", "password": "canary-"}, []string{"username"}},
		"username LF":        {"roles/new", role, fields{"flow": "password", "username": "a\nb"}, []string{"username"}},
		"scopes with BEL":    {"roles/new", role, fields{"scopes": "a b\ac"}, []string{"scopes", "number 2"}},
		"scopes with quotes": {"roles/new", role, fields{"scopes": `canary-"`}, []string{"scopes", "number 1"}},
		"audience":           {"roles/new", role, fields{"audience": "a\x00"}, []string{"audience"}},
		"resource":           {"roles/new", role, fields{"resource": "a\nb"}, []string{"resource"}},
		"role params":        {"roles/new", role, fields{"params": "scope=x"}, []string{"params", "scopes"}},
		"refresh_token":      {"roles/new", role, fields{"params": "refresh_token=canary-"}, []string{"params", "refresh_token"}},
		"params NUL":         {"roles/new", role, fields{"params": fields{"a": "canary-\x00"}}, []string{"params"}},
		"negative":           {"roles/new", role, fields{"max_ttl": "-1h"}, []string{"max_ttl", "not negative"}},
		"absurd":             {"roles/new", role, fields{"max_ttl": 1 << 52}, []string{"max_ttl"}},
		"absurd min_ttl":     {"roles/new", role, fields{"min_ttl": "999999h"}, []string{"min_ttl"}},
		"min over max":       {"roles/new", role, fields{"min_ttl": 60, "max_ttl": 60}, []string{"min_ttl", "max_ttl"}},
		"min over access":    {"roles/new", role, fields{"min_ttl": 61, "access_token_ttl": 60}, []string{"min_ttl", "access_token_ttl"}},
		"role name":          {"roles/a..b", role, nil, []string{"name", ".."}},
		"large role":         {"roles/new", role, fields{"description": long}, []string{"16 KiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMount(t)
			m.write("config/main", elsewhere)
			before := m.stored()
			data := c.bad
			if c.base != nil {
				data = with(c.base, c.bad)
			}
			message := m.refused(logical.UpdateOperation, c.path, data)
			for _, want := range c.want {
				require.Contains(t, message, want)
			}
			require.Equal(t, before, m.stored())
		})
	}
}

func TestLoopbackNeedsTheSetting(t *testing.T) {
	m := newMount(t)
	for _, host := range []string{"127.0.0.1", "localhost:1", "[::1]", "127.1", "2130706433"} {
		message := m.refused(logical.UpdateOperation, "config/x", with(elsewhere, fields{"token_url": "https://" + host + "/"}))
		require.Contains(t, message, "token_url")
		require.Contains(t, message, `allow it with "vault write oauth/settings allow_loopback=true"`)
	}
	require.Empty(t, m.stored())
}

// A setting that was narrowed holds for what was written before it.
func TestSettingsHoldAfterwards(t *testing.T) {
	m := newMountAndServer(t)
	m.write("settings", fields{"allow_loopback": false})
	require.Contains(t, m.refused(logical.ReadOperation, "token/app", nil), `allow it with "vault write oauth/settings allow_loopback=true"`)
	require.Zero(t, m.server.Requests())
}
