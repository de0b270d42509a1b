// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"maps"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// configFields is the write side of config/<name>.
func configFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name": {
			Type:        framework.TypeString,
			Description: "Name of the config.",
		},
		"description": {
			Type:        framework.TypeString,
			Description: "What this server is, for people.",
		},
		"token_url": {
			Type:        framework.TypeString,
			Description: "Token endpoint of the authorization server (RFC 6749 section 3.2), such as https://login.example.com/oauth2/token. Required without login. Changing it requires the config's secrets in the same write.",
		},
		"client_id": {
			Type:        framework.TypeString,
			Description: "Client identifier at the server (RFC 6749 section 2.2). Required with token_url; a login document names it as {{client_id}}.",
		},
		"client_secret": {
			Type:         framework.TypeString,
			Description:  "Client secret. Never shown; client_secret= clears it.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		},
		"client_auth_method": {
			Type:        framework.TypeString,
			Default:     string(oauth.ClientSecretBasic),
			Description: fmt.Sprintf("How the client authenticates, by its registered name (RFC 7591 section 2): %s. Never guessed.", joined(oauth.AuthMethods())),
		},
		"client_secret_basic_encoding": {
			Type:        framework.TypeString,
			Default:     basicForm,
			Description: "How client_secret_basic encodes id and secret: form, as RFC 6749 section 2.3.1 says, or raw, for servers that take them as they are. They differ for secrets with characters other than letters, digits and -_.",
		},
		"headers": {
			Type:        framework.TypeKVPairs,
			Description: "Further headers of token requests, as name=value. They read back: not for secrets. Changing them requires the config's secrets in the same write.",
		},
		"params": {
			Type:        framework.TypeKVPairs,
			Description: "Further form parameters of token requests, as name=value. They read back: not for secrets. Changing them requires the config's secrets in the same write.",
		},
		"header_name": {
			Type:        framework.TypeString,
			Default:     defaultHeaderName,
			Description: "Header in which applications send the token.",
		},
		"header_format": {
			Type:        framework.TypeString,
			Default:     defaultHeaderFormat,
			Description: "Value of that header, in which {{token}} stands for the token, such as \"Zoho-oauthtoken {{token}}\".",
		},
		"base_url": {
			Type:        framework.TypeString,
			Description: "What the URLs of the login document are relative to, such as https://api.example.com/v2. Changing it requires the config's secrets in the same write.",
		},
		documentField: {
			Type:        framework.TypeString,
			Description: "Login document: how to log in to an API that is not an OAuth server, as JSON (login=@login.json), up to 32 KiB. It reads back as it was written: not for secrets. Changing it requires the config's secrets in the same write.",
		},
		"secrets": {
			Type:         framework.TypeMap,
			Description:  "Secrets that the login document names as {{secrets.x}}, as x=value or a JSON object. Never shown; a write replaces them all.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		},
		"variables": {
			Type:        framework.TypeMap,
			Description: "Values that the login document names as {{variables.x}}, as x=value or a JSON object whose values keep their types. They read back: not for secrets. Changing them requires the config's secrets in the same write.",
		},
		"ca_cert": {
			Type:        framework.TypeString,
			Description: "PEM certificates that are trusted in place of the system's, for a server behind a private authority. Changing them requires the config's secrets in the same write.",
		},
		"tls_client_cert": {
			Type:        framework.TypeString,
			Description: "PEM client certificate for mutual TLS. Goes with tls_client_key.",
		},
		"tls_client_key": {
			Type:         framework.TypeString,
			Description:  "PEM private key of tls_client_cert. Never shown.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		},
		"tls_server_name": {
			Type:        framework.TypeString,
			Description: "Name expected in the server's certificate, in place of the URL's host. Changing it requires the config's secrets in the same write.",
		},
		"proxy_url": {
			Type:        framework.TypeString,
			Description: "Proxy for token requests (http, https or socks5). None is used otherwise: Vault's environment is not consulted. Changing it requires the config's secrets in the same write.",
		},
		"request_timeout": {
			Type:        framework.TypeDurationSecond,
			Description: "Time for one token request, 30s at most, which is the default (0). A request with a refresh token has 10s at most, so that an answer that was lost can be asked for again while the server still forgives that.",
		},
		"allow_http": {
			Type:        framework.TypeBool,
			Description: "Allow http:// URLs, which send secrets in the clear. Changing it requires the config's secrets in the same write.",
		},
		"allowed_roles": {
			Type:        framework.TypeCommaStringSlice,
			Default:     []string{"*"},
			Description: "Roles that may use this config, as names or patterns such as app-*. Looked at when a role is written and when a token is read.",
		},
		"force": {
			Type:        framework.TypeBool,
			Description: "Delete only: delete the config although roles use it.",
			Query:       true,
		},
	}
}

// apply lays a write over the entry and names the secrets that were in it. Its
// warnings go to resp.
func (c *configEntry) apply(p patch, resp *logical.Response) (supplied []string) {
	p.text("description", &c.Description)
	p.text("token_url", &c.TokenURL)
	p.text("client_id", &c.ClientID)
	if given, warnings := p.secretOrFile("client_secret", &c.ClientSecret); given {
		supplied, resp.Warnings = append(supplied, "client_secret"), append(resp.Warnings, warnings...)
	}
	if given, warnings := p.secretValues("secrets", &c.Secrets); given {
		supplied, resp.Warnings = append(supplied, "secrets"), append(resp.Warnings, warnings...)
	}
	p.textOr("client_auth_method", (*string)(&c.AuthMethod), string(oauth.ClientSecretBasic))
	p.textOr("client_secret_basic_encoding", &c.BasicEncoding, basicForm)
	p.pairs("headers", &c.Headers)
	p.pairs("params", &c.Params)
	p.textOr("header_name", &c.HeaderName, defaultHeaderName)
	p.textOr("header_format", &c.HeaderFormat, defaultHeaderFormat)
	p.text("base_url", &c.BaseURL)
	p.text(documentField, &c.Login)
	p.variables("variables", &c.Variables)
	p.text("ca_cert", &c.CACert)
	p.text("tls_client_cert", &c.TLSClientCert)
	p.secret("tls_client_key", &c.TLSClientKey) // PEM ends in a newline
	p.text("tls_server_name", &c.TLSServerName)
	p.text("proxy_url", &c.ProxyURL)
	p.duration("request_timeout", &c.RequestTimeout)
	p.flag("allow_http", &c.AllowHTTP)
	p.list("allowed_roles", &c.AllowedRoles)
	return supplied
}

// shown is the entry as it reads back: secrets only as set or not.
func (c *configEntry) shown() map[string]any {
	return map[string]any{
		"description":                  c.Description,
		"token_url":                    c.TokenURL,
		"client_id":                    c.ClientID,
		"client_secret_set":            c.ClientSecret.IsSet(),
		"client_auth_method":           string(c.AuthMethod),
		"client_secret_basic_encoding": c.BasicEncoding,
		"headers":                      orEmpty(c.Headers),
		"params":                       orEmpty(c.Params),
		"header_name":                  c.HeaderName,
		"header_format":                c.HeaderFormat,
		"base_url":                     c.BaseURL,
		documentField:                  c.Login,
		"secrets_set":                  c.Secrets.names(),
		"variables":                    c.Variables.decoded(),
		"ca_cert":                      c.CACert,
		"tls_client_cert":              c.TLSClientCert,
		"tls_client_key_set":           c.TLSClientKey.IsSet(),
		"tls_server_name":              c.TLSServerName,
		"proxy_url":                    c.ProxyURL,
		"request_timeout":              asSeconds(c.RequestTimeout),
		"allow_http":                   c.AllowHTTP,
		"allowed_roles":                orNone(c.AllowedRoles),
	}
}

// configAnswer is the schema of shown: the writable fields without the secrets.
func configAnswer() map[string]*framework.FieldSchema {
	return answerOf(configFields(), "name", "force")
}

// answerOf derives what a read returns from what a write takes: a secret
// becomes <field>_set, which tells whether there is one, or lists their names.
func answerOf(fields map[string]*framework.FieldSchema, without ...string) map[string]*framework.FieldSchema {
	answer := maps.Clone(fields)
	for _, name := range without {
		delete(answer, name)
	}
	for name, schema := range fields {
		if schema.DisplayAttrs != nil && schema.DisplayAttrs.Sensitive {
			delete(answer, name)
			set := &framework.FieldSchema{Type: framework.TypeBool, Required: true, Description: "Whether " + name + " is set; it is never shown."}
			if schema.Type == framework.TypeMap {
				set = &framework.FieldSchema{Type: framework.TypeStringSlice, Required: true, Description: "The names in " + name + "; the values are never shown."}
			}
			answer[name+"_set"] = set
		}
	}
	return answer
}

const configHelp = `
A config says how to talk to an authorization server. Roles name it to say which token they want there.

    vault write oauth/config/crm token_url=https://login.example.com/oauth2/token client_id=app client_secret=@secret.txt

For an API with a login of its own it holds the document that says what to send and where the answer has the token:

    vault write oauth/config/erp base_url=https://erp.example.com login=@login.json

A write changes the fields that it names. Secrets are never read back: client_secret_set says whether there is one, secrets_set which
there are. Whoever changes where secrets are sent (token_url, base_url, login, variables, headers, params, ca_cert, tls_server_name,
proxy_url, allow_http) must give client_secret and secrets in the same write, as far as the config has them, and roles with a secret of
their own then need it written again, or rebind/<name>. Rotating a secret replaces no token: the new one is used from the next exchange
on.
`
