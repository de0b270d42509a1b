// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"
	"testing"
)

// effectKind is what the config is like.
type effectKind int

const (
	endpoint effectKind = iota // a token endpoint by HTTP
	secure                     // the same by TLS
	document                   // a login document
)

// effectCase changes one field.
type effectCase struct {
	kind   effectKind
	change fields // the field, and what has to go with it
}

// cases are by path and field, and perhaps a word on the case.
func (r *recorder) cases(t *testing.T) map[string]effectCase {
	certificate, key := certified(t, "second")
	pair := fields{"tls_client_cert": certificate, "tls_client_key": key}
	all := map[string]effectCase{
		"config tls_client_cert":         {secure, pair},
		"config tls_client_key":          {secure, pair},
		"config ca_cert":                 {secure, fields{"ca_cert": r.authority() + certificate}},
		"config tls_server_name":         {secure, fields{"tls_server_name": "example.com"}},
		"config allow_http":              {secure, fields{"allow_http": true}},
		"config client_id in a document": {document, fields{"client_id": "renamed"}},
		"config secrets":                 {document, fields{"secrets": "key=canary-key2"}},
		"config base_url":                {document, fields{"base_url": r.other.URL + "/v2"}},
		"config login":                   {document, fields{"login": strings.Replace(effectsDocument, "fixed", "changed", 1)}},
		"config variables":               {document, fields{"variables": "shared=2"}},
		"roles username in a document":   {document, fields{"username": "bob"}},
		"roles password in a document":   {document, fields{"password": userPassword + "2"}},
		"roles secrets":                  {document, fields{"secrets": "own=canary-own2"}},
		"roles variables":                {document, fields{"variables": "own=2"}},
	}
	for name, change := range map[string]fields{
		"config description":                  {"description": "x"},
		"config header_name":                  {"header_name": "X-Token"},
		"config header_format":                {"header_format": "Token {{token}}"},
		"config request_timeout":              {"request_timeout": 7},
		"config allowed_roles":                {"allowed_roles": "r*"},
		"config token_url":                    {"token_url": r.other.URL + "/token"},
		"config client_id":                    {"client_id": "renamed"},
		"config client_secret":                {"client_secret": clientSecret + "2"},
		"config client_auth_method":           {"client_auth_method": "client_secret_post"},
		"config client_secret_basic_encoding": {"client_secret_basic_encoding": "raw"},
		"config headers":                      {"headers": "X-Further=2"},
		"config proxy_url":                    {"proxy_url": r.proxy.URL},
		"config params":                       {"params": "tenant=2"},
		"roles description":                   {"description": "x"},
		"roles access_token_ttl":              {"access_token_ttl": 7000},
		"roles max_ttl":                       {"max_ttl": 3000},
		"roles min_ttl":                       {"min_ttl": 7},
		"roles renew":                         {"renew": "on_demand"},
		"roles config":                        {"config": "second"},
		"roles flow":                          {"flow": "client_credentials", "username": "", "password": ""},
		"roles scopes":                        {"scopes": "a b c"},
		"roles audience":                      {"audience": []string{"b"}},
		"roles resource":                      {"resource": []string{"https://b.example"}},
		"roles params":                        {"params": "own=2"},
		"roles username":                      {"username": "bob"},
		"roles password":                      {"password": userPassword + "2"},
	} {
		all[name] = effectCase{endpoint, change}
	}
	return all
}

const effectsDocument = `{"request": {"url": "/login/{{variables.shared}}/{{variables.own}}", "form": {"password": "{{password}}{{secrets.own}}", "key": "{{secrets.key}}",
	"client_secret": "{{client_secret}}", "who": "{{username}}", "client": "{{client_id}}", "form": "fixed"}}, "token": {"json": "/access_token"}, "expires": {"json": "/expires_in", "as": "seconds"}}`

// passwordRole is a role by the password grant; with a login document it needs no flow.
var passwordRole = fields{"flow": "password", "username": "alice", "password": userPassword}

// newEffects has a config c and a role r.
func newEffects(t *testing.T, r *recorder, kind effectKind, role fields) *mount {
	m := newMount(t)
	m.write("settings", fields{"allow_loopback": true})
	config := fields{"client_id": "app", "client_secret": clientSecret, "allow_http": true}
	role = with(role, fields{"config": "c", "scopes": "a b", "audience": []string{"a"}, "resource": []string{"https://a.example"}, "params": "own=1"})
	switch kind {
	case endpoint:
		config = with(config, fields{"token_url": r.plain.URL + "/token", "headers": "X-Further=1", "params": "tenant=1"})
		m.write("config/second", with(config, fields{"token_url": r.other.URL + "/token"}))
	case secure:
		certificate, key := certified(t, "first")
		config = with(config, fields{
			"token_url": r.secure.URL + "/token", "allow_http": false,
			"ca_cert": r.authority(), "tls_client_cert": certificate, "tls_client_key": key,
		})
	case document:
		config = with(config, fields{"base_url": r.plain.URL + "/v1", "login": effectsDocument, "secrets": "key=canary-key", "variables": "shared=1"})
		role = fields{"config": "c", "username": "alice", "password": userPassword, "secrets": "own=canary-own", "variables": "own=1"}
	}
	m.write("config/c", config)
	m.write("roles/r", role)
	return m
}

// secrets are those of the config or the role, to be given again.
func (c effectCase) secrets(path string) fields {
	all := fields{"client_secret": clientSecret, "secrets": "key=canary-key"}
	if path == "roles" {
		all = fields{"password": userPassword, "secrets": "own=canary-own"}
	}
	if c.kind != document {
		delete(all, "secrets")
	}
	return all
}
