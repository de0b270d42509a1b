// SPDX-License-Identifier: MPL-2.0

// Package flows turns a role into one request to its server, and the answer
// into a token. Nothing else in the engine knows grants. To add one: a file with
// a type that implements Flow and the role fields that only it has, a line in
// All, a row in docs/concepts.md. A grant of OAuth embeds tokenEndpoint.
package flows

import (
	"context"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Flow is one way to obtain a token. Implementations hold no state and are
// safe for concurrent use.
type Flow interface {
	// Describe names the flow and the fields that belong to it.
	Describe() Description

	// Check tells why a role that is being written can never work with the
	// server, or nil. A value that a person may supply later is reported last.
	Check(r Request) *Unfit

	// Ready tells why nothing can be sent for the role as it stands, or nil.
	Ready(r Request) *Unfit

	// Mint asks the server for a new token, with at most one request. It fails
	// with an *oauth.Error.
	Mint(ctx context.Context, r Request) (*oauth.Token, error)

	// CanRefresh tells whether Refresh has what it needs, and is worth more than
	// Mint.
	CanRefresh(r Request, held Held) bool

	// Refresh asks for a token to follow held, with exactly one request and
	// without the role's credentials. A Token without a RefreshToken means that
	// the server keeps the old one valid. It fails with an *oauth.Error.
	Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error)

	// Use tells how a request to the API carries the token.
	Use(r Request, token secret.String) Use

	// Host is where most of the requests go, with its port, for people and for
	// the limits of the host.
	Host(s *Server) string
}

// Held is what an earlier exchange has left.
type Held struct {
	AccessToken  secret.String
	Expires      time.Time // of the access token
	RefreshToken secret.String
}

// Use is what an application sends with a request to the API.
type Use struct{ Headers, Query map[string]string }

// Unfit is why a role and its config do not fit the flow as they stand: one of
// the first three.
type Unfit struct {
	Missing  string // a field without a value, of the role or the config; or secrets.x or variables.x
	Unused   string // a field of the role that has a value, which the config has no use for
	Reason   string // anything else, in words that quote no value
	InConfig bool   // Missing, or what Reason is about, is the config's
	Later    bool   // Missing may be supplied later: a program often writes the role, and a person the secret
	Document bool   // Missing or Unused is a name in the config's login document
}

// Request is what one exchange is made of: the server with our client there,
// and what the role wants.
type Request struct {
	Server   *Server
	Scopes   []string
	Audience []string
	Resource []string          // RFC 8707
	Params   map[string]string // further form parameters
	Own      field.Own         // the values of the flows' own fields
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

// Names lists the flows' names, for messages and help.
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Describe().Name)
	}
	return names
}

// Default is the flow of a role that names none: the first whose endpoint the
// config has by a field of its own, else the first of all. isSet tells whether a
// field of the config has a value.
func Default(isSet func(configField string) bool) string {
	first := All()[0].Describe()
	for _, f := range All() {
		if d := f.Describe(); d.Endpoint != first.Endpoint && isSet(d.Endpoint) {
			return d.Name
		}
	}
	return first.Name
}
