// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"net/url"
)

// AuthMethod is how our client authenticates at an endpoint, by its registered
// name (RFC 7591 section 2). It is configured, never guessed: trying several
// would spend attempts on an account that locks.
type AuthMethod string

// ClientAuth is one client authentication method (RFC 6749 section 2.3). A new one
// is a file and a line of clientAuths.
type ClientAuth interface {
	Describe() AuthDescription
	// Check returns why the client cannot use the method, in words for whoever
	// configured it. Whether the secret is set is NeedsSecret's question.
	Check(c *Client) error
	// Authenticate returns what one request to the endpoint carries. It is called
	// for each request: an assertion is good for one (RFC 7523 section 3). An
	// error keeps the request from being sent, and has no secret in it.
	Authenticate(ctx context.Context, c *Client, endpoint *url.URL) (Proof, error)
}

// AuthDescription is what the engine has to know of a method.
type AuthDescription struct {
	Name        AuthMethod
	NeedsSecret bool   // client_secret; a method that does not need it does not take it
	Header      string // the request header that the method sets, or ""
	Try         string // what client_auth_method to try if the server does not accept the client
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
func LookupAuth(name AuthMethod) (ClientAuth, bool) {
	for _, auth := range clientAuths {
		if auth.Describe().Name == name {
			return auth, true
		}
	}
	return nil, false
}

// AuthMethods returns the names of the supported methods, in the order to show them.
func AuthMethods() []AuthMethod {
	names := make([]AuthMethod, 0, len(clientAuths))
	for _, auth := range clientAuths {
		names = append(names, auth.Describe().Name)
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
