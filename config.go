// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// How client_secret_basic encodes id and secret.
const (
	basicForm = "form" // RFC 6749 section 2.3.1
	basicRaw  = "raw"  // as they are
)

// How applications send a token unless the config says otherwise (RFC 6750 section 2.1).
const (
	tokenPlaceholder    = "{{token}}"
	defaultHeaderName   = "Authorization"
	defaultHeaderFormat = "Bearer " + tokenPlaceholder
)

// configEntry is an authorization server, or an API with a login, and our
// client there. Only the operator's writes change it.
type configEntry struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision"` // counts the writes that changed something

	// DestinationID is new whenever a destination field changes. Secrets of
	// roles remember the one they were supplied for.
	DestinationID string `json:"destination_id"`
	// Rebound: an operator with sudo has accepted, for all roles, that their
	// secrets go to the present destination.
	Rebound bool `json:"rebound,omitempty"`
	// Moved is what the last write changed that changed the destination, for people.
	Moved []string `json:"moved,omitempty"`

	Description   string            `json:"description,omitempty"`
	TokenURL      string            `json:"token_url,omitempty"`
	ClientID      string            `json:"client_id,omitempty"`
	ClientSecret  secret.String     `json:"client_secret,omitempty"`
	AuthMethod    oauth.AuthMethod  `json:"client_auth_method"`
	BasicEncoding string            `json:"client_secret_basic_encoding"`
	Headers       map[string]string `json:"headers,omitempty"`
	Params        map[string]string `json:"params,omitempty"`
	HeaderName    string            `json:"header_name"`
	HeaderFormat  string            `json:"header_format"`

	BaseURL   string       `json:"base_url,omitempty"`
	Login     string       `json:"login,omitempty"` // the document as it was written
	Secrets   secretValues `json:"secrets,omitempty"`
	Variables variables    `json:"variables,omitempty"`

	CACert         string        `json:"ca_cert,omitempty"`
	TLSClientCert  string        `json:"tls_client_cert,omitempty"`
	TLSClientKey   secret.String `json:"tls_client_key,omitempty"`
	TLSServerName  string        `json:"tls_server_name,omitempty"`
	ProxyURL       string        `json:"proxy_url,omitempty"`
	RequestTimeout time.Duration `json:"request_timeout,omitempty"` // nanoseconds; 0 is the default
	AllowHTTP      bool          `json:"allow_http,omitempty"`

	AllowedRoles []string `json:"allowed_roles"`
}

func newConfigEntry() *configEntry {
	return &configEntry{
		Version:       entryVersion,
		AuthMethod:    oauth.ClientSecretBasic,
		BasicEncoding: basicForm,
		HeaderName:    defaultHeaderName,
		HeaderFormat:  defaultHeaderFormat,
		AllowedRoles:  []string{"*"},
	}
}

// stored is the entry with its secrets in the clear.
func (c *configEntry) stored() any {
	return struct {
		configEntry
		ClientSecret secret.Plain            `json:"client_secret,omitempty"`
		TLSClientKey secret.Plain            `json:"tls_client_key,omitempty"`
		Secrets      map[string]secret.Plain `json:"secrets,omitempty"`
	}{*c, secret.Plain(c.ClientSecret), secret.Plain(c.TLSClientKey), secret.PlainMap(c.Secrets)}
}

// clone returns a copy that shares nothing which a write could change.
func (c *configEntry) clone() *configEntry {
	copied := *c
	copied.Headers, copied.Params = maps.Clone(c.Headers), maps.Clone(c.Params)
	copied.Secrets, copied.Variables = maps.Clone(c.Secrets), maps.Clone(c.Variables)
	copied.AllowedRoles = slices.Clone(c.AllowedRoles)
	return &copied
}

// allows tells whether a role of that name may use the config.
func (c *configEntry) allows(role string) bool {
	return slices.ContainsFunc(c.AllowedRoles, func(glob string) bool {
		ok, _ := path.Match(glob, role) // the pattern was checked when it was written
		return ok
	})
}

// secretsHeld names the fields with a secret that is sent to the destination.
func (c *configEntry) secretsHeld() []string {
	var fields []string
	if c.ClientSecret.IsSet() {
		fields = append(fields, "client_secret")
	}
	if len(c.Secrets) > 0 {
		fields = append(fields, "secrets")
	}
	return fields
}

// transport returns the options of the config's HTTP client.
func (c *configEntry) transport(guard transport.Guard) transport.Options {
	return transport.Options{
		CACert: c.CACert, ClientCert: c.TLSClientCert, ClientKey: c.TLSClientKey, ServerName: c.TLSServerName,
		ProxyURL: c.ProxyURL, Timeout: c.RequestTimeout, AllowHTTP: c.AllowHTTP, Guard: guard,
	}
}

// headerValue is what an application sends in HeaderName.
func (c *configEntry) headerValue(token secret.String) string {
	return strings.Replace(c.HeaderFormat, tokenPlaceholder, token.Reveal(), 1)
}

// host is where most of the config's requests go, for people.
func (c *configEntry) host() string {
	if c.TokenURL != "" {
		return hostOf(c.TokenURL)
	}
	return c.documentHost()
}

// hostFor is host for a role of that flow; "" for a config that is not there.
func (c *configEntry) hostFor(flow string) string {
	switch {
	case c == nil:
		return ""
	case !flows.FollowsDocument(flow):
		return hostOf(c.TokenURL)
	}
	return c.documentHost()
}

func (c *configEntry) documentHost() string {
	document, err := compileLogin(c.Login)
	if err != nil {
		return ""
	}
	return c.loginHost(document)
}

func (c *configEntry) loginHost(document *login.Document) string {
	if c.BaseURL == "" && len(document.URLs()) > 0 {
		return hostOf(document.URLs()[0])
	}
	return hostOf(c.BaseURL)
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// missingSecret returns the field without which no exchange with the token
// endpoint can be tried.
func (c *configEntry) missingSecret() string {
	if c.TokenURL != "" && c.auth().NeedsSecret && !c.ClientSecret.IsSet() {
		return "client_secret"
	}
	return ""
}

// auth describes how the config's client authenticates.
func (c *configEntry) auth() oauth.AuthDescription {
	auth, ok := oauth.LookupAuth(c.AuthMethod)
	if !ok {
		return oauth.AuthDescription{Name: c.AuthMethod, NeedsSecret: true}
	}
	return auth.Describe()
}

// documentField is the config's field for the login document.
const documentField = "login"

// compileLogin reads a login document, with the transport's rules for headers.
func compileLogin(text string) (*login.Document, error) {
	return login.Compile(text, login.Rules{HeaderName: transport.CheckHeaderName, HeaderValue: transport.CheckHeaderValue})
}

func loadConfig(ctx context.Context, s logical.Storage, name string) (*configEntry, error) {
	return loadNamed[configEntry](ctx, s, configPrefix, name)
}

func saveConfig(ctx context.Context, s logical.Storage, name string, c *configEntry) error {
	return save(ctx, s, configPrefix+name, c.stored(), maxConfigSize)
}
