// SPDX-License-Identifier: MPL-2.0

// Package flows turns a role into one request to its server, and the answer
// into a token. Nothing else in the engine knows grants. To add one: a file
// with a type that implements Flow, a line in All, a row in docs/concepts.md.
// A flow of OAuth embeds refreshGrant.
package flows

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Flow is one way to obtain a token. Implementations hold no state and are
// safe for concurrent use.
type Flow interface {
	// Describe names the flow and the role fields that belong to it.
	Describe() Description

	// Mint asks the server for a new token, with exactly one request. It
	// fails with an *oauth.Error.
	Mint(ctx context.Context, r Request) (*oauth.Token, error)

	// CanRefresh tells whether Refresh has what it needs.
	CanRefresh(r Request, held Held) bool

	// Refresh asks for a token to follow held, with exactly one request and
	// without the role's credentials. A Token without a RefreshToken means that
	// the server keeps the old one valid. It fails with an *oauth.Error.
	Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error)
}

// Held is what an earlier exchange has left.
type Held struct {
	AccessToken  secret.String
	Expires      time.Time // of the access token
	RefreshToken secret.String
}

// Description is what a role's author has to know about a flow.
type Description struct {
	Name     string // the role's `flow`
	Synopsis string // one sentence, with the RFC section
	Required []string
	Secret   []string // like Required, but may be supplied later: a role may exist without them
	Optional []string
	Account  bool // a refusal counts against somebody's account, which may lock

	// NeedsRefreshToken: the flow has no credentials to begin with, only what an
	// earlier exchange has left.
	NeedsRefreshToken bool

	Document bool   // the flow follows the config's login document, not its token endpoint
	Advice   string // what whoever writes a role of this flow should know, or ""
}

// oauthFields are the role fields that all flows of OAuth have.
var oauthFields = []string{"scopes", "audience", "resource", "params"}

// Uses tells whether a role field that is not common to all flows belongs to
// this one.
func (d Description) Uses(field string) bool {
	return slices.Contains(d.Required, field) || slices.Contains(d.Secret, field) || slices.Contains(d.Optional, field)
}

// Request is what one exchange is made of: our client at the server, and what
// the role wants.
type Request struct {
	Client   *oauth.Client
	Scopes   []string
	Audience []string
	Resource []string          // RFC 8707
	Params   map[string]string // further form parameters
	Username string
	Password secret.String

	// Flow login only, whose requests go by Client.HTTP and nothing else of Client.
	Document *login.Document
	Values   login.Values
}

// All returns every flow, in the order of their listing.
func All() []Flow {
	return []Flow{clientCredentials{}, password{}, refreshToken{}, documentLogin{}}
}

// Lookup returns the flow of that name.
func Lookup(name string) (Flow, bool) {
	for _, f := range All() {
		if f.Describe().Name == name {
			return f, true
		}
	}
	return nil, false
}

// FollowsDocument tells whether the flow of that name follows a login document.
func FollowsDocument(name string) bool {
	flow, ok := Lookup(name)
	return ok && flow.Describe().Document
}

// Default returns the flow of a role that names none, by whether its config has
// a login document.
func Default(document bool) string {
	if document {
		return documentLogin{}.Describe().Name
	}
	return clientCredentials{}.Describe().Name
}

// Names lists the flows' names, for messages and help.
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Describe().Name)
	}
	return names
}

// Owner returns the flows that use a role field, none if it is common to all.
func Owner(field string) []string {
	var names []string
	for _, f := range All() {
		if d := f.Describe(); d.Uses(field) {
			names = append(names, d.Name)
		}
	}
	return names
}

// grant starts the form of one grant with what every flow sends. The flow's
// own parameters are set over the role's.
func (r Request) grant(grantType string) url.Values {
	form := url.Values{}
	for name, value := range r.Params {
		form.Set(name, value)
	}
	form.Set("grant_type", grantType)
	if len(r.Scopes) > 0 {
		form.Set("scope", strings.Join(r.Scopes, " ")) // RFC 6749 section 3.3
	}
	if len(r.Audience) > 0 {
		form["audience"] = r.Audience
	}
	if len(r.Resource) > 0 {
		form["resource"] = r.Resource
	}
	return form
}

// ParamOwner returns the field that stands for a form parameter which the
// engine sets itself, or "" if `params` may set it.
func ParamOwner(param string) string {
	switch param {
	case "grant_type":
		return "flow"
	case "scope":
		return "scopes"
	case "audience", "resource", "username", "password", "client_id", "client_secret":
		return param
	case "client_assertion", "client_assertion_type":
		return "client_auth_method"
	case "refresh_token", "code", "code_verifier", "device_code", "assertion",
		"subject_token", "subject_token_type", "actor_token", "actor_token_type":
		return "flow"
	}
	return ""
}
