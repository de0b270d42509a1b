// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"net/url"
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// ClientAuth is one client authentication method (RFC 6749 section 2.3). It is
// configured, never guessed: trying several would spend attempts on an account
// that locks. A new one is a file, with the config fields that only it has, and a
// line of clientAuths.
type ClientAuth interface {
	Describe() AuthDescription
	// Check returns why the client cannot use the method, in words for whoever
	// configured it. Whether what is required is set is another question.
	Check(c *Client) error
	// Authenticate returns what one request to the endpoint carries. It is called
	// for each request: an assertion is good for one (RFC 7523 section 3). An
	// error keeps the request from being sent, and has no secret in it.
	Authenticate(ctx context.Context, c *Client, endpoint *url.URL) (Proof, error)
}

// AuthDescription is what the engine has to know of a method.
type AuthDescription struct {
	Name     string           // as registered (RFC 7591 section 2)
	Aliases  []string         // what other products call it
	Required []field.Declared // config fields without which nothing can be sent
	Optional []field.Declared // further ones that it looks at
	Header   string           // the request header that the method sets, or ""
	Try      string           // what client_auth_method to try if the server does not accept the client
}

// Uses tells whether the method looks at the config field.
func (d AuthDescription) Uses(name string) bool {
	is := func(f field.Declared) bool { return f.Describe().Name == name }
	return slices.ContainsFunc(d.Required, is) || slices.ContainsFunc(d.Optional, is)
}

// Missing is the first required field without a value, or "".
func (d AuthDescription) Missing(own field.Own) string {
	for _, required := range d.Required {
		if !required.IsSet(own) {
			return required.Describe().Name
		}
	}
	return ""
}

// Proof is what one request carries to authenticate the client.
type Proof struct {
	Params  url.Values   // form parameters; they win over all others of their names
	Header  []HeaderLine // each name once
	Shown   []HeaderLine // Header without secrets, for a trace
	Secrets []string     // what no error or trace may repeat
}

// clientAuths are the supported methods, in the order to show them.
var clientAuths = []ClientAuth{clientSecretBasic{}, clientSecretPost{}, noAuth{}}

// LookupAuth returns the method of that name.
func LookupAuth(name string) (ClientAuth, bool) {
	for _, auth := range clientAuths {
		if auth.Describe().Name == name {
			return auth, true
		}
	}
	return nil, false
}

// AuthNames returns the names of the supported methods, in the order to show
// them. The first is the default.
func AuthNames() []string {
	names := make([]string, 0, len(clientAuths))
	for _, auth := range clientAuths {
		names = append(names, auth.Describe().Name)
	}
	return names
}

// AuthWords maps what other products call methods to our names.
func AuthWords() map[string]string {
	words := map[string]string{}
	for _, auth := range clientAuths {
		d := auth.Describe()
		for _, alias := range d.Aliases {
			words[alias] = d.Name
		}
	}
	return words
}

// AuthFields returns the config fields of all methods.
func AuthFields() (fields []field.Declared) {
	for _, auth := range clientAuths {
		fields = append(append(fields, auth.Describe().Required...), auth.Describe().Optional...)
	}
	return fields
}

// AuthsUsing names the methods that look at a config field.
func AuthsUsing(name string) (names []string) {
	for _, auth := range clientAuths {
		if auth.Describe().Uses(name) {
			names = append(names, auth.Describe().Name)
		}
	}
	return names
}

// identified are the parameters of a method that names the client in the form.
func identified(c *Client) url.Values {
	if c.ID == "" {
		return nil
	}
	return url.Values{"client_id": {c.ID}}
}
