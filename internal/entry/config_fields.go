// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// How applications send a token unless the config says otherwise (RFC 6750 section 2.1).
const (
	defaultHeaderName   = "Authorization"
	defaultHeaderFormat = "Bearer " + flows.TokenPlaceholder
)

// steering ends the help of a field that steers.
const steering = " Changing it requires the config's secrets in the same write."

// ConfigFields is the table of a config's fields.
var ConfigFields = field.New(append(append([]field.Row[Config]{
	field.Text("description", field.None, func(c *Config) *string { return &c.Description },
		"What this server is, for people."),
	field.Text("token_url", field.Binds|field.Steers, func(c *Config) *string { return &c.TokenURL },
		"Token endpoint of the authorization server (RFC 6749 section 3.2), such as https://login.example.com/oauth2/token. Required without login."+steering).
		Slips("token_endpoint", "access_token_url", "url").Sample("<url>"),
	field.Text("client_id", field.Binds|field.Steers, func(c *Config) *string { return &c.ClientID },
		"Client identifier at the server (RFC 6749 section 2.2). Required with token_url; a login document names it as {{client_id}}.").
		OnlyIf(field.Steers, func(c *Config) bool { return c.Login != "" }). // only in a document may it stand in a URL
		Slips("id"),
	field.Choice("client_auth_method", field.Proves, func(c *Config) *string { return &c.AuthMethod }, oauth.AuthNames(), oauth.AuthWords(),
		fmt.Sprintf("How the client authenticates, by its registered name (RFC 7591 section 2): %s. Never guessed.", strings.Join(oauth.AuthNames(), ", "))).
		Slips("auth_method", "auth_style", "token_endpoint_auth_method"),
}, field.Lift(func(c *Config) *field.Own { return &c.Auth }, oauth.AuthFields()...)...),
	field.Pairs("headers", field.Steers, func(c *Config) *map[string]string { return &c.Headers },
		"Further headers of token requests, as name=value. They read back: not for secrets. Changing them requires the config's secrets in the same write."),
	field.Pairs("params", field.Shapes|field.Steers, func(c *Config) *map[string]string { return &c.Params },
		"Further form parameters of token requests, as name=value. They read back: not for secrets. Changing them requires the config's secrets in the same write.").
		Slips("token_url_params"),
	field.TextOr("header_name", field.None, func(c *Config) *string { return &c.HeaderName }, defaultHeaderName,
		"Header in which applications send the token."),
	field.TextOr("header_format", field.None, func(c *Config) *string { return &c.HeaderFormat }, defaultHeaderFormat,
		"Value of that header, in which {{token}} stands for the token, such as \"Zoho-oauthtoken {{token}}\"."),
	field.Text("base_url", field.Shapes|field.Steers, func(c *Config) *string { return &c.BaseURL },
		"What the URLs of the login document are relative to, such as https://api.example.com/v2."+steering),
	field.Document("login", field.Shapes|field.Steers, func(c *Config) *string { return &c.Login },
		"Login document: how to log in to an API that is not an OAuth server, as JSON (login=@login.json), up to 32 KiB. It reads back as it was written: not for secrets."+steering).
		Sample("@login.json"),
	field.Secrets("secrets", field.Proves, field.Sent, func(c *Config) *field.SecretValues { return &c.Secrets },
		"Secrets that the login document names as {{secrets.x}}, as x=value or a JSON object. Never shown; a write replaces them all."),
	field.Variables("variables", field.Shapes|field.Steers, func(c *Config) *field.Values { return &c.Variables },
		"Values that the login document names as {{variables.x}}, as x=value or a JSON object whose values keep their types. They read back: not for secrets. Changing them requires the config's secrets in the same write."),
	field.Text("ca_cert", field.Steers, func(c *Config) *string { return &c.CACert },
		"PEM certificates that are trusted in place of the system's, for a server behind a private authority. Changing them requires the config's secrets in the same write.").
		Slips("tls_ca", "tls_skip_verify"),
	field.Text("tls_client_cert", field.Proves, func(c *Config) *string { return &c.TLSClientCert },
		"PEM client certificate for mutual TLS. Goes with tls_client_key."),
	field.Secret("tls_client_key", field.Proves, field.Kept, func(c *Config) *secret.String { return &c.TLSClientKey },
		"PEM private key of tls_client_cert. Never shown."),
	field.Text("tls_server_name", field.Steers, func(c *Config) *string { return &c.TLSServerName },
		"Name expected in the server's certificate, in place of the URL's host."+steering),
	field.Text("proxy_url", field.Steers, func(c *Config) *string { return &c.ProxyURL },
		"Proxy for token requests (http, https or socks5). None is used otherwise: Vault's environment is not consulted."+steering),
	field.Duration("request_timeout", field.None, func(c *Config) *time.Duration { return &c.RequestTimeout }, time.Second, transport.DefaultTimeout,
		"Time for one token request, 30s at most, which is the default (0). A request with a refresh token has 10s at most, so that an answer that was lost can be asked for again while the server still forgives that.").
		Slips("timeout"),
	field.Flag("allow_http", field.Steers, func(c *Config) *bool { return &c.AllowHTTP },
		"Allow http:// URLs, which send secrets in the clear."+steering),
	field.CommaList("allowed_roles", field.None, func(c *Config) *[]string { return &c.AllowedRoles }, []string{"*"},
		"Roles that may use this config, as names or patterns such as app-*. Looked at when a role is written and when a token is read."),
)...)
