// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/logins"
)

// newLoginMount has a config api for a fixture's API, and a role api there that
// was written without logging in.
func newLoginMount(t *testing.T, name string) (*mount, *logins.Server) {
	t.Helper()
	fixture, err := logins.Named(name)
	require.NoError(t, err)
	m, server := newMount(t), logins.NewServer(t, fixture)
	m.write("settings", fields{"allow_loopback": true})
	m.write("config/api", server.Config())
	m.write("roles/api", with(server.Role(), fields{"config": "api"}))
	return m, server
}

// TestLogins runs every fixture: the bytes that are sent, and what a reader gets.
func TestLogins(t *testing.T) {
	fixtures, err := logins.Load()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(fixtures), 12)
	for _, fixture := range fixtures {
		t.Run(fixture.Name, func(t *testing.T) {
			m, server := newLoginMount(t, fixture.Name)
			require.Equal(t, "login", m.read("roles/api")["flow"])
			require.Equal(t, server.Login(), m.read("config/api")["login"], "byte for byte")
			require.Zero(t, server.Requests())
			require.Empty(t, server.Want(m.read("creds/api")))
			require.Empty(t, server.Want(m.read("creds/api")))
			require.Equal(t, 1, server.Requests())
			if fixture.Refreshes() {
				m.write("token/api/renew", nil)
				require.Empty(t, server.WantRefreshed(m.read("creds/api")))
				require.Equal(t, 2, server.Requests())
			}
			require.Empty(t, server.Mismatches())
		})
	}
}

// The documents of the fixtures, tried by roles/<name>/test: nothing secret may show.
func TestTheTraceOfALogin(t *testing.T) {
	fixtures, err := logins.Load()
	require.NoError(t, err)
	for _, fixture := range fixtures {
		t.Run(fixture.Name, func(t *testing.T) {
			m, server := newLoginMount(t, fixture.Name)
			tried := m.write("roles/api/test", nil).Data
			require.Equal(t, true, tried["ok"], "%v", tried)
			trace := tried["trace"].(string)
			require.Contains(t, trace, "good until")
			read := m.read("token/api")
			require.Equal(t, 1, server.Requests(), "the token that showed it is the role's")
			require.NotContains(t, trace, read["access_token"])
			role := server.Role()
			if password, ok := role["password"].(string); ok {
				require.NotContains(t, trace, password)
			}
			for _, values := range []any{role["secrets"], server.Config()["secrets"]} {
				if named, ok := values.(map[string]any); ok {
					for name, value := range named {
						require.NotContains(t, trace, value, name)
					}
				}
			}
		})
	}
}

func TestTheRefreshTokenOfALoginDiesWithItsSession(t *testing.T) {
	m, server := newLoginMount(t, "jwt_refresh")
	m.token("api")
	refresh := m.storedToken("api").Refresh
	ends, _ := refresh.EndsSoon(time.Now())
	require.False(t, ends.IsZero())
	next := func(now time.Time) rotation.Kind {
		return rotation.Begin(refresh, rotation.Options{Instance: "i", Credentials: true}, now).Next(now).Kind
	}
	require.Equal(t, rotation.Write, next(time.Now()), "a refresh begins with its intent")
	require.Equal(t, rotation.LogIn, next(ends), "a login does not wait for a refusal")
	require.Empty(t, server.Mismatches())
}

// loginConfig is a config whose document is enough for the tests of fields.
func loginConfig(url string) fields {
	return fields{
		"base_url": url, "allow_http": true,
		"login": `{"request": {"url": "/token", "json": {"Username": "{{username}}", "Password": "{{password}}"}}, "token": {"json": "/securityToken"}}`,
	}
}

func TestALoginConfigReadsBack(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	document := "{\"request\": {\"url\": \"/x/{{variables.tenant}}\",\n  \"headers\": {\"X-Key\": \"{{secrets.key}}\"}},\n\"token\": {\"body\": true}}\n"
	m.write("config/full", fields{
		"base_url": server.URL, "allow_http": true, "login": document,
		"secrets": "key=canary-key", "variables": `{"tenant": "seven", "id": 12345678901234567890, "on": true, "list": [1, "a"]}`,
	})
	read := m.read("config/full")
	require.Equal(t, document, read["login"])
	require.Equal(t, []any{"key"}, read["secrets_set"])
	require.Equal(t, fields{"tenant": "seven", "id": 12345678901234567890.0, "on": true, "list": []any{1.0, "a"}}, read["variables"])

	m.write("config/object", fields{"base_url": server.URL, "allow_http": true, "login": fields{"request": fields{"url": "/x?a=1&b=2"}, "token": fields{"body": true}}})
	require.Equal(t, `{"request":{"url":"/x?a=1&b=2"},"token":{"body":true}}`, m.read("config/object")["login"])

	before := m.stored()
	m.write("config/full", fields{"login": document, "secrets": fields{"key": "canary-key"}, "variables": `{"list":[1,"a"],"on":true,"id":12345678901234567890,"tenant":"seven"}`})
	after := m.stored()
	delete(before, "config/full")
	delete(after, "config/full")
	require.Equal(t, before, after)
	require.Contains(t, m.refused(logical.UpdateOperation, "config/full", fields{"variables": fields{"id": 12345678901234567}}), "give it in quotes")
}

// Values whose JSON can be written in two ways equal themselves when written again.
func TestTheSameValuesChangeNothing(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	document := `{"request": {"url": "/t", "json": {"a": "{{variables.a}}", "b": "{{variables.b}}", "s": "{{secrets.s}}"}}, "token": {"body": true}}`
	config := fields{"base_url": server.URL, "allow_http": true, "login": document, "variables": "a=x&<y>", "secrets": "s=canary-<&>"}
	role := fields{"config": "c", "variables": fields{"b": fields{"&": []any{"<", 1.5, nil}}}, "secrets": fields{"s": "canary-&"}}
	m.write("config/c", config)
	m.write("roles/r", role)
	before := m.stored()
	m.write("config/c", config)
	m.write("roles/r", role)
	require.Equal(t, before, m.stored())
	require.Equal(t, fields{"a": "x&<y>"}, m.read("config/c")["variables"])
}

// Whoever may write a role, and does not know its secrets, cannot have them sent
// to another tenant of the same host.
func TestARolesVariablesDoNotMoveItsSecrets(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	m.write("config/c", fields{
		"base_url": server.URL, "allow_http": true, "variables": "region=eu",
		"login":     `{"request": {"url": "/{{variables.region}}/{{variables.tenant}}/{{username}}/{{client_id}}", "json": {"p": "{{password}}"}}, "token": {"body": true}}`,
		"client_id": "app", "client_secret": clientSecret,
	})
	role := fields{"config": "c", "variables": "tenant=good", "username": "alice", "password": userPassword}
	m.write("roles/r", role)
	before := m.stored()
	for want, data := range map[string]fields{
		"give password in the same write":  {"variables": "tenant=evil", "verify": "require"},
		"give password in the same write ": {"username": "mallory", "verify": "warn"},
		"the config fixes region":          {"variables": "region=evil", "password": "x"},
		"\"..\"":                           {"variables": "tenant=../evil", "password": "x"},
	} {
		require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", data), strings.TrimSpace(want))
	}
	require.Contains(t, m.refused(logical.UpdateOperation, "config/c", fields{"client_id": "evil"}), "give client_secret in the same write")
	require.Equal(t, before, m.stored())
	require.Zero(t, server.Requests())
}

func TestALoginConfigThatCannotWork(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	good := loginConfig(server.URL)
	for want, more := range map[string]fields{
		"did you mean json?":                              {"login": `{"request": {"url": "/t", "jsn": {}}, "token": {"body": true}}`},
		"login:":                                          {"login": `{`},
		"base_url is required":                            {"base_url": absent},
		"base_url is what paths are appended to":          {"base_url": server.URL + "/?a=b"},
		"base_url: ":                                      {"base_url": "http://169.254.169.254/"},
		"a url of the document":                           {"login": `{"request": {"url": "http://169.254.169.254/t"}, "token": {"body": true}}`},
		"Host":                                            {"login": `{"request": {"url": "/t", "headers": {"Host": "x"}}, "token": {"body": true}}`},
		"a name may have letters":                         {"variables": fields{"a b": "x"}},
		"secrets: a name may have":                        {"secrets": fields{"a b": "x"}},
		"keep one":                                        {"header_name": "X-Token", "login": `{"request": {"url": "/t"}, "token": {"body": true}, "use": {"header": "X-A"}}`},
		"headers and params belong to token_url":          {"headers": "X-A=b"},
		"client_id is required":                           {"token_url": server.URL + "/token"},
		"base_url is for login documents":                 {"login": absent, "token_url": server.URL + "/token", "client_id": "a"},
		"token_url is required (or login":                 {"login": absent, "base_url": absent},
		"login: request.url (line 1, column 23)":          {"login": `{"request": {"url": "/{{nothing}}"}, "token": {"body": true}}`},
		"login: the login document is longer than 32 KiB": {"login": `{"request": {"url": "/t", "text": "` + string(make([]byte, 40<<10)) + `"}}`},
	} {
		before := m.stored()
		message := m.refused(logical.UpdateOperation, "config/new", with(good, more))
		require.Contains(t, message, want)
		require.Equal(t, before, m.stored(), want)
	}
}

func TestAPlaceholderWithoutAValue(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	document := `{"request": {"url": "/{{variables.tenant}}", "headers": {"X-Key": "{{secrets.key}}"}, "json": {"u": "{{username}}", "p": "{{password}}"}}, "token": {"body": true}}`
	m.write("config/new", fields{"base_url": server.URL, "allow_http": true, "login": document})
	role := fields{"config": "new", "username": "alice", "password": userPassword, "secrets": "key=canary-key", "variables": "tenant=seven"}
	for missing, want := range map[string]string{
		"username":  "{{username}}, for which role r has no value: vault write oauth/roles/r username=...",
		"secrets":   "{{secrets.key}}, for which role r has no value: vault write oauth/roles/r secrets=key=... (or oauth/config/new secrets=key=..., for all its roles)",
		"variables": "{{variables.tenant}}, for which role r has no value: vault write oauth/roles/r variables=tenant=...",
	} {
		before := m.stored()
		require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", with(role, fields{missing: absent})), want)
		require.Equal(t, before, m.stored())
	}
	resp := m.write("roles/r", with(role, fields{"password": absent}))
	require.Contains(t, resp.Warnings[0], "no password is set yet")
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "uses {{password}}, for which role r has no value: vault write oauth/roles/r password=@password.txt")

	// The config may lose what its roles need; then the read says so.
	m.write("config/new", fields{"secrets": "key=canary-other"})
	m.write("roles/r", fields{"password": userPassword, "secrets": ""})
	m.write("config/new", fields{"secrets": ""})
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "{{secrets.key}}")
	require.Zero(t, server.Requests())
}

func TestARoleForALoginConfig(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	m.write("config/oauth", elsewhere)
	role := fields{"config": "api", "username": "alice", "password": userPassword}
	for want, more := range map[string]fields{
		"flow login does not use scopes (flow client_credentials, password, refresh_token does)": {"scopes": "a"},
		"flow login does not use params":                                                                                    {"params": "a=b"},
		"flow password needs token_url in its config, and config api has none":                                              {"flow": "password"},
		"flow login needs login in its config, and config oauth has none: vault write oauth/config/oauth login=@login.json": {"flow": "login", "config": "oauth"},
		"flow client_credentials does not use username":                                                                     {"config": "oauth"},
		"variables: a name may have":                                                                                        {"variables": fields{"": "x"}},
		"verify must be warn, require or off":                                                                               {"verify": "maybe"},
	} {
		before := m.stored()
		require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", with(role, more)), want)
		require.Equal(t, before, m.stored(), want)
	}
	m.write("config/key", fields{"base_url": server.URL, "allow_http": true, "login": `{"request": {"url": "/t", "headers": {"X-Key": "{{secrets.key}}"}}, "token": {"body": true}}`, "secrets": "key=canary-key"})
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", with(role, fields{"config": "key"})), "does not use {{")
	m.write("roles/r", fields{"config": "key"})
}

func TestSecretsOfALoginAreNotSentElsewhere(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	document := `{"request": {"url": "/t", "headers": {"X-Key": "{{secrets.key}}"}, "json": {"p": "{{password}}", "s": "{{secrets.own}}"}}, "token": {"body": true}}`
	config := fields{"base_url": server.URL, "allow_http": true, "login": document, "secrets": "key=canary-key"}
	m.write("config/c", config)
	m.write("roles/r", fields{"config": "c", "password": userPassword, "secrets": "own=canary-own"})
	for field, value := range map[string]any{"base_url": server.URL + "/evil", "login": document + " ", "variables": "a=b"} {
		before := m.stored()
		require.Contains(t, m.refused(logical.UpdateOperation, "config/c", fields{field: value}), "give secrets in the same write", field)
		require.Equal(t, before, m.stored())
	}
	resp := m.write("config/c", fields{"base_url": server.URL + "/evil", "secrets": "key=mine", "login": document + " "})
	require.Contains(t, resp.Warnings[0], "config c now points elsewhere (changed: base_url, login). The secrets of 1 role (r) are not sent there: write them again, as in \"vault write oauth/roles/r password=... secrets=...\"")
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "password=... secrets=...")
	before := m.stored()
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", fields{"password": "mine"}), "give secrets in the same write", "half of them is not enough")
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/r", fields{"secrets": "own=mine"}), "give password in the same write")
	require.Equal(t, before, m.stored())
	m.write("roles/r", fields{"description": "nothing is bound by this"})
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r", nil), "now points elsewhere")
	require.Zero(t, server.Requests())
	m.write("roles/r", fields{"secrets": "own=mine", "password": "mine"})
	_, _ = m.do(logical.ReadOperation, "creds/r", nil)
	require.Equal(t, 1, server.Requests())
}

func TestUseInQueryAndSeveralHeaders(t *testing.T) {
	m, server := newLoginMount(t, "json_login")
	server.Instead("HTTP/1.1 200 OK\n\ntoken-1")
	for use, want := range map[string]fields{
		`{"query": "authToken"}`: {"headers": fields{}, "header_name": "", "header_value": "", "query": fields{"authToken": "token-1"}},
		`{"header": "X-A", "value": "t={{token}}", "headers": {"X-Key": "{{variables.key}}"}}`: {
			"headers": fields{"X-A": "t=token-1", "X-Key": "k"}, "header_name": "", "header_value": "", "query": fields{},
		},
		`{"cookie": "session"}`: {"headers": fields{"Cookie": "session=token-1"}, "header_name": "Cookie", "header_value": "session=token-1", "query": fields{}},
	} {
		m.write("config/u", fields{
			"base_url": server.URL, "allow_http": true, "variables": "key=k",
			"login": `{"request": {"url": "/t"}, "token": {"body": true}, "use": ` + use + `}`,
		})
		m.write("roles/u", fields{"config": "u"})
		read := m.read("token/u")
		maps.DeleteFunc(read, func(key string, _ any) bool { return want[key] == nil })
		require.Equal(t, want, read)
	}
}
