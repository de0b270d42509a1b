// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// Effective is a config in effect: what exchanges go by. In this version it is
// the config as written; what fills in fields that the operator leaves out does
// it here. Digests, and all that reads back, go by the config as written.
type Effective struct{ Config }

// Effective returns the config in effect.
func (c *Config) Effective() *Effective { return &Effective{*c} }

// Transport returns the options of the config's HTTP client.
func (e *Effective) Transport(guard transport.Guard) transport.Options {
	return transport.Options{
		CACert: e.CACert, ClientCert: e.TLSClientCert, ClientKey: e.TLSClientKey, ServerName: e.TLSServerName,
		ProxyURL: e.ProxyURL, Timeout: e.RequestTimeout, AllowHTTP: e.AllowHTTP, Guard: guard,
	}
}

// client is our client at the token endpoint.
func (e *Effective) client(http *http.Client) *oauth.Client {
	return &oauth.Client{
		HTTP: http, TokenURL: e.TokenURL, ID: e.ClientID, Auth: e.AuthMethod, Own: e.Auth, Header: e.Headers, Params: e.Params,
	}
}

// Server makes the config ready for exchanges by an HTTP client. It fails if the
// login document is none.
func (e *Effective) Server(http *http.Client) (*flows.Server, error) {
	server := &flows.Server{
		Client: e.client(http), HeaderName: e.HeaderName, HeaderFormat: e.HeaderFormat,
		BaseURL: e.BaseURL, Secrets: e.Secrets, Variables: e.Variables,
	}
	var err error
	if e.Login != "" {
		server.Document, err = compileLogin(e.Login)
	}
	return server, err
}

// Host is where a role of that flow has its tokens from, "" if nobody can tell.
func (e *Effective) Host(flow string) string {
	f, ok := flows.Lookup(flow)
	if !ok {
		return ""
	}
	server, err := e.Server(nil)
	if err != nil {
		return ""
	}
	return f.Host(server)
}

// MainHost is where most of the config's roles have their tokens from, for people.
func (e *Effective) MainHost() string {
	first := flows.All()[0]
	if e.isSet(first.Describe().Endpoint) {
		return e.Host(first.Describe().Name)
	}
	return e.Host(e.DefaultFlow())
}

// DefaultFlow is the flow of a role that names none.
func (e *Effective) DefaultFlow() string { return flows.Default(e.isSet) }

func (e *Effective) isSet(name string) bool { return ConfigFields.IsSet(&e.Config, name) }

// SeveralHosts tells whether roles of different flows have different hosts.
func (e *Effective) SeveralHosts() bool {
	endpoints := map[string]bool{}
	for _, f := range flows.All() {
		if endpoint := f.Describe().Endpoint; e.isSet(endpoint) {
			endpoints[endpoint] = true
		}
	}
	return len(endpoints) > 1
}

// Doubts are what is odd about the login document and can be stored all the same.
func (e *Effective) Doubts() []string {
	if e.Login == "" {
		return nil
	}
	document, err := compileLogin(e.Login)
	if err != nil { // it was checked
		return nil
	}
	return document.Doubts()
}

// ClientAuth describes how our client authenticates.
func (e *Effective) ClientAuth() oauth.AuthDescription {
	auth, ok := oauth.LookupAuth(e.AuthMethod)
	if !ok { // of a later version
		return oauth.AuthDescription{Name: e.AuthMethod}
	}
	return auth.Describe()
}

// MissingSecret returns the field without which no exchange with the token
// endpoint can be tried, or "".
func (e *Effective) MissingSecret() string {
	if e.TokenURL == "" {
		return ""
	}
	return e.ClientAuth().Missing(e.Auth)
}

// compileLogin reads a login document, with the transport's rules for headers.
func compileLogin(text string) (*login.Document, error) {
	return login.Compile(text, login.Rules{HeaderName: transport.CheckHeaderName, HeaderValue: transport.CheckHeaderValue})
}
