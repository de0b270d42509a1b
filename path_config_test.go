// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// elsewhere is a config that no test sends anything to.
var elsewhere = fields{"token_url": "https://login.example.com/token", "client_id": "app", "client_secret": clientSecret}

func TestAConfigReadsBackWithItsDefaults(t *testing.T) {
	m := newMount(t)
	require.Nil(t, m.ok(logical.ReadOperation, "config/main", nil))
	m.write("config/main", elsewhere)
	require.Equal(t, fields{
		"description": "", "token_url": "https://login.example.com/token", "client_id": "app", "client_secret_set": true,
		"client_auth_method": "client_secret_basic", "client_secret_basic_encoding": "form",
		"base_url": "", "login": "", "secrets_set": []any{}, "variables": fields{},
		"headers": fields{}, "params": fields{}, "header_name": "Authorization", "header_format": "Bearer {{token}}",
		"ca_cert": "", "tls_client_cert": "", "tls_client_key_set": false, "tls_server_name": "", "proxy_url": "",
		"request_timeout": 0.0, "allow_http": false, "allowed_roles": []any{"*"},
	}, m.read("config/main"))
}

func TestAPartialWriteKeepsTheRest(t *testing.T) {
	m := newMount(t)
	m.write("config/main", with(elsewhere, fields{"description": "one", "headers": "X-A=1", "request_timeout": "9s", "allowed_roles": "a,b"}))
	want := m.read("config/main")
	m.write("config/main", fields{"header_name": "X-Token", "header_format": "{{token}}"})
	want["header_name"], want["header_format"] = "X-Token", "{{token}}"
	require.Equal(t, want, m.read("config/main"))

	m.write("config/main", fields{"description": nil, "header_name": "", "header_format": nil, "request_timeout": "", "client_auth_method": ""})
	want["description"], want["request_timeout"] = "", 0.0
	want["header_name"], want["header_format"] = "Authorization", "Bearer {{token}}"
	require.Equal(t, want, m.read("config/main"))
}

func TestASecretCanComeLater(t *testing.T) {
	m := newMountAndServer(t)
	resp := m.write("config/main", fields{"client_secret": ""})
	require.Contains(t, resp.Warnings[0], "no client_secret is set yet")
	require.Equal(t, false, m.read("config/main")["client_secret_set"])
	require.Contains(t, m.refused(logical.ReadOperation, "token/app", nil), "config main has no client_secret yet")
	require.Zero(t, m.server.Requests())
	resp = m.write("config/main", fields{"client_secret": clientSecret + "\n"})
	require.Contains(t, resp.Warnings[0], "ends in a newline")
	m.write("config/main", fields{"client_secret": clientSecret})
	require.True(t, m.server.Issued(m.token("app")))
}

func TestListsHaveDetails(t *testing.T) {
	m := newMountAndServer(t)
	config := m.ok(logical.ListOperation, "config", nil)
	require.Equal(t, []string{"main"}, config.Data["keys"])
	require.Equal(t, fields{"host": m.server.URL[len("http://"):], "client_id": "app", "description": ""}, config.Data["key_info"].(fields)["main"])
	roles := m.ok(logical.ListOperation, "roles/", nil)
	require.Equal(t, []string{"app", "user"}, roles.Data["keys"])
	require.Equal(t, fields{"config": "main", "flow": "password", "description": ""}, roles.Data["key_info"].(fields)["user"])
	require.Empty(t, newMount(t).ok(logical.ListOperation, "roles", nil).Data["keys"])

	for i := range maxDetailed {
		putRole(t, m.storage, fmt.Sprintf("many%03d", i), entry.NewRole())
	}
	roles = m.ok(logical.ListOperation, "roles", nil)
	require.Len(t, roles.Data["keys"], maxDetailed+2)
	require.NotContains(t, roles.Data, "key_info")
	require.Contains(t, roles.Warnings[0], "up to 500")
}

func TestAConfigInUseIsNotDeleted(t *testing.T) {
	m := newMount(t)
	m.write("config/main", elsewhere)
	for i := range 12 {
		m.write(fmt.Sprintf("roles/r%02d", i), fields{"config": "main"})
	}
	before := m.stored()
	message := m.refused(logical.DeleteOperation, "config/main", nil)
	require.Contains(t, message, "in use by 12 roles (r00, r01, r02, r03, r04, r05, r06, r07, r08, r09, ...)")
	require.Contains(t, message, "vault delete oauth/config/main force=true")
	require.Equal(t, before, m.stored())
	require.Contains(t, m.refused(logical.UpdateOperation, "config/main", fields{"force": true}), "force")

	m.ok(logical.DeleteOperation, "config/main", fields{"force": true})
	require.Nil(t, m.ok(logical.ReadOperation, "config/main", nil))
	require.Contains(t, m.refused(logical.ReadOperation, "creds/r00", nil), "config main, which does not exist")
	for i := range 12 {
		m.ok(logical.DeleteOperation, fmt.Sprintf("roles/r%02d", i), nil)
	}
	require.Empty(t, m.stored())
	m.write("config/main", elsewhere)
	m.ok(logical.DeleteOperation, "config/main", nil)
	m.ok(logical.DeleteOperation, "config/main", nil)
}

func TestAMoveNeedsTheClientSecret(t *testing.T) {
	pem := oauthtest.New(t, oauthtest.TLS).CertificatePEM()
	for name, moved := range map[string]fields{
		"token_url":       {"token_url": "https://other.example.com/token"},
		"headers":         {"headers": "X-Tenant=2"},
		"params":          {"params": "tenant=2"},
		"ca_cert":         {"ca_cert": pem},
		"tls_server_name": {"tls_server_name": "other.example.com"},
		"proxy_url":       {"proxy_url": "https://proxy.example.com:3128"},
		"allow_http":      {"allow_http": true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMount(t)
			m.write("config/main", elsewhere)
			before := m.stored()
			require.Contains(t, m.refused(logical.UpdateOperation, "config/main", moved), "give client_secret in the same write")
			require.Equal(t, before, m.stored())

			m.write("config/main", with(moved, fields{"client_secret": clientSecret}))
			require.NotEqual(t, before, m.stored())
			m.write("config/main", with(elsewhere, fields{"headers": "", "params": "", "ca_cert": "", "tls_server_name": "", "proxy_url": "", "allow_http": false}))
			m.write("config/main", with(moved, fields{"client_secret": ""}))
			require.Equal(t, false, m.read("config/main")["client_secret_set"])
		})
	}
}

func TestWhatIsNoMoveNeedsNoSecret(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/main", fields{"description": "x", "request_timeout": 9, "allowed_roles": "app,user", "header_name": "X-Token", "header_format": "{{token}}"})
	require.NotEmpty(t, m.token("user"))
}

func TestAWriteThatChangesNothingChangesNothing(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Client("app", "another")
	require.Contains(t, m.refused(logical.ReadOperation, "token/app", nil), "invalid_client")
	before := m.stored()
	for path, data := range map[string]fields{
		"settings":    {"allow_loopback": true},
		"config/main": {"client_id": "app", "client_secret": clientSecret, "token_url": m.server.TokenURL()},
		"roles/app":   {"config": "main", "scopes": "a b"},
		"roles/user":  {"password": userPassword},
	} {
		m.write(path, data)
		require.Equal(t, before, m.stored(), path)
	}
	m.refused(logical.ReadOperation, "token/app", nil)
	require.Equal(t, 1, m.server.Requests(), "the failure is still remembered")

	m.server.Client("app", clientSecret)
	m.write("config/main", fields{"description": "a change"})
	require.NotEmpty(t, m.token("app"))
}

// Writing back what was read is what Terraform does, and people who edit.
func TestWritingBackWhatWasReadChangesNothing(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/full", with(elsewhere, fields{"headers": "X-A=1", "params": "a=1"}))
	m.write("roles/full", fields{"config": "full", "scopes": "a", "audience": "b", "resource": "https://c.example.com", "params": "d=1"})
	m.write("config/none", with(elsewhere, fields{"allowed_roles": ""}))
	for _, path := range []string{"config/full", "config/main", "config/none", "roles/full", "roles/app", "roles/user", "settings"} {
		before := m.stored()
		m.write(path, m.read(path))
		if after := m.stored(); !maps.Equal(before, after) {
			t.Errorf("%s was stored anew", path)
		}
	}
}

func TestConcurrentPartialWritesAllCount(t *testing.T) {
	m := newMountAndServer(t)
	var writers sync.WaitGroup
	for path, all := range map[string]fields{
		"config/main": {"description": "d", "header_name": "X-T", "request_timeout": 9, "allowed_roles": "app,user"},
		"roles/app":   {"description": "d", "scopes": "z", "audience": "y", "max_ttl": 99, "params": "q=1"},
		"settings":    {"allowed_hosts": "127.0.0.1", "allowed_networks": "127.0.0.0/8"},
	} {
		for field, value := range all {
			data := asJSON[fields](t, fields{field: value})
			writers.Go(func() {
				resp, err := m.b.HandleRequest(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: path, Storage: m.storage, Data: data})
				if err != nil || resp.IsError() {
					t.Errorf("%s %s: %v %v", path, field, resp, err)
				}
			})
		}
	}
	writers.Wait()
	config, role, settings := m.read("config/main"), m.read("roles/app"), m.read("settings")
	require.Equal(t, []any{"d", "X-T", 9.0, []any{"app", "user"}}, []any{config["description"], config["header_name"], config["request_timeout"], config["allowed_roles"]})
	require.Equal(t, []any{"d", []any{"z"}, []any{"y"}, 99.0, fields{"q": "1"}}, []any{role["description"], role["scopes"], role["audience"], role["max_ttl"], role["params"]})
	require.Equal(t, []any{[]any{"127.0.0.1"}, []any{"127.0.0.0/8"}, true}, []any{settings["allowed_hosts"], settings["allowed_networks"], settings["allow_loopback"]})
	require.NotEmpty(t, m.token("app"))
}

func TestSettingsOnlyTakeWhatTheyCanRead(t *testing.T) {
	m := newMount(t)
	for _, data := range []fields{{"allowed_networks": "10.0.0.0"}, {"allowed_networks": "10.0.0.0/8,x"}, {"allowed_hosts": "a\nb"}} {
		m.refused(logical.UpdateOperation, "settings", data)
	}
	require.Empty(t, m.stored())
	m.write("settings", fields{"allowed_hosts": "*.example.com", "allowed_networks": []string{"10.0.0.0/8"}})
	require.Equal(t, fields{"allowed_hosts": []any{"*.example.com"}, "allowed_networks": []any{"10.0.0.0/8"}, "allow_loopback": false}, m.read("settings"))
	require.Contains(t, m.refused(logical.UpdateOperation, "config/x", with(elsewhere, fields{"token_url": "https://other.example.org/"})), "allowed_hosts")
}
