// SPDX-License-Identifier: MPL-2.0

// Package oauth is our side of an authorization server's endpoints: it posts a
// grant to the token endpoint, reads whatever comes back, and says in one typed
// error what went wrong. It knows no Vault and keeps no state.
package oauth

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// userAgent names the program and nothing about where it runs.
const userAgent = "vault-plugin-secrets-oauth"

// Client is our client at one authorization server. It is safe for concurrent
// use as long as nobody changes it.
type Client struct {
	HTTP     *http.Client      // with limits of its own on time and size; redirects are never followed, whatever it says
	TokenURL string            // absolute, http or https, without userinfo
	ID       string            // client_id
	Auth     string            // name of the method of client authentication, required
	Own      field.Own         // the fields of the methods, such as ClientSecret
	Header   map[string]string // further request headers, checked by whoever wrote them down
	Params   map[string]string // further form parameters; the grant's and the client authentication's win
}

// Exchange posts one grant to the token endpoint, once (RFC 6749 section 3.2),
// and returns the token or an *Error, never another type. The grant carries
// grant_type and its parameters; client authentication is added here. No error
// and no trace repeats one of the secrets.
//
// Once means that no second request is ever made on any answer or failure.
// net/http alone may take another connection, and only where the first one
// provably carried nothing of the request (a kept-alive connection found
// closed, an HTTP/2 stream refused unprocessed).
func (c *Client) Exchange(ctx context.Context, grant url.Values, secrets ...string) (*Token, error) {
	token, failed := c.exchange(ctx, grant, secrets)
	if failed != nil {
		return nil, failed
	}
	return token, nil
}

func (c *Client) exchange(ctx context.Context, grant url.Values, secrets []string) (*Token, *Error) {
	endpoint, refused := c.endpoint()
	if refused != nil {
		record(ctx, Outgoing{Method: http.MethodPost, URL: c.TokenURL}, nil, refused, 0)
		return nil, refused
	}
	out, refused := c.outgoing(ctx, endpoint, grant, secrets)
	if refused != nil {
		record(ctx, Outgoing{Method: http.MethodPost, URL: c.TokenURL}, nil, refused, 0)
		return nil, refused
	}
	start := time.Now()
	a, failed := send(ctx, c.HTTP, out)
	took := time.Since(start)
	var token *Token
	if a != nil {
		token, failed = a.token(failed)
	}
	record(ctx, out, a, failed, took)
	if token != nil {
		noteToken(ctx, a, token)
	}
	return token, failed
}

// outgoing is the request, with the client's authentication.
func (c *Client) outgoing(ctx context.Context, endpoint *url.URL, grant url.Values, secrets []string) (Outgoing, *Error) {
	auth, _ := LookupAuth(c.Auth) // endpoint has looked
	proof, err := auth.Authenticate(ctx, c, endpoint)
	if err != nil {
		return Outgoing{}, forbidden(endpoint.Host, err.Error())
	}
	form := c.form(grant, proof)
	proof.Secrets = append(proof.Secrets, secrets...)
	return Outgoing{
		Method: http.MethodPost, URL: endpoint.String(), Header: c.headers(proof.Header), Body: []byte(form.Encode()),
		Secrets: c.scrubber(endpoint, form, proof).secrets, Shown: func() Shown { return c.shown(endpoint, form, proof) },
		dropRedirects: true, // the body says nothing we would use
	}, nil
}

// endpoint returns the token endpoint's URL, or why nothing may be sent to it.
func (c *Client) endpoint() (*url.URL, *Error) {
	u, err := url.Parse(c.TokenURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, forbidden("", "token_url is not a URL")
	case u.User != nil: // net/http would send it as Basic
		return nil, forbidden(u.Host, "token_url carries userinfo")
	}
	auth, supported := LookupAuth(c.Auth)
	if !supported {
		return nil, forbidden(u.Host, "client_auth_method is not supported")
	}
	if missing := auth.Describe().Missing(c.Own); missing != "" {
		return nil, forbidden(u.Host, missing+" is not set")
	}
	if err := auth.Check(c); err != nil {
		return nil, forbidden(u.Host, err.Error())
	}
	return u, nil
}

// form joins the parameters in order of precedence: client authentication, the
// grant, the configured ones. Encode sorts them.
func (c *Client) form(grant url.Values, proof Proof) url.Values {
	form := url.Values{}
	for name, value := range c.Params {
		form.Set(name, value)
	}
	for name, values := range grant {
		form[name] = values // a list: `resource` may repeat (RFC 8707 section 2)
	}
	form.Del("client_secret")
	form.Del("client_id") // with Basic, too: one method a request (RFC 6749 section 2.3)
	for name, values := range proof.Params {
		form[name] = values
	}
	return form
}

// headers returns what the request carries, each name once.
func (c *Client) headers(proof []HeaderLine) []HeaderLine {
	header := http.Header{}
	header.Set("Accept", "application/json") // GitHub answers form-encoded without it
	header.Set("User-Agent", userAgent)
	for name, value := range c.Header {
		header.Set(name, value)
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, line := range proof {
		header.Set(line.Name, line.Value)
	}
	var lines []HeaderLine
	for _, name := range slices.Sorted(maps.Keys(header)) {
		lines = append(lines, HeaderLine{name, header.Get(name)})
	}
	return lines
}
