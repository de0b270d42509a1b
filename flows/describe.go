// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// Description is what a role's author, and the engine, have to know about a flow.
type Description struct {
	Name     string   // the role's `flow`
	Aliases  []string // what other products call it
	Synopsis string   // one sentence, with the RFC section
	Warning  string   // for whoever writes a role with it; empty: none

	Fields   []Field  // the role fields that only some flows have
	Common   []string // the role fields of every entry that it uses
	Endpoint string   // the config field that says where requests go; required
	Config   []string // the config fields that shape its requests, beside those of every connection

	Account  *field.Var[string] // names the account that a refusal counts against, and that may lock; nil: there is none
	OwnWords bool               // the server has no codes of OAuth: an answer is taken at what it is, not at what it says

	// NeedsRefreshToken: the flow has no credentials to begin with, only a refresh
	// token that was obtained elsewhere.
	NeedsRefreshToken bool
}

// Field is a role field of a flow.
type Field struct {
	field.Declared
	Need Need
}

// Need says whether a flow can do without a field.
type Need uint8

// The needs.
const (
	Optional Need = iota
	Later         // nothing is sent without it, but a role may be written before it
	Required
)

// grantFields are the role fields that all grants of OAuth have, and
// grantConfig the config fields.
var (
	grantFields = []string{"scopes", "audience", "resource", "params"}
	grantConfig = []string{tokenURL, "client_id", "headers", "params"}
)

// The config fields that say where requests go.
const (
	tokenURL      = "token_url"
	documentField = "login"
)

// Uses tells whether a role field that is not common to all flows belongs to
// this one.
func (d Description) Uses(name string) bool {
	return slices.Contains(d.Common, name) || slices.ContainsFunc(d.Fields, func(f Field) bool { return f.Describe().Name == name })
}

// needs names the flow's own fields with that need.
func (d Description) needs(need Need) []string {
	var names []string
	for _, f := range d.Fields {
		if f.Need == need {
			names = append(names, f.Describe().Name)
		}
	}
	return names
}

// Required names the role fields without which a role cannot be written.
func (d Description) Required() []string { return d.needs(Required) }

// Later names the role fields without which nothing can be sent.
func (d Description) Later() []string { return d.needs(Later) }

// Owner returns the flows that use a role field, none if it is common to all.
func Owner(name string) []string {
	var names []string
	for _, f := range All() {
		if d := f.Describe(); d.Uses(name) {
			names = append(names, d.Name)
		}
	}
	return names
}

// Fields returns the role fields that only some flows have, each once.
func Fields() []field.Declared {
	var fields []field.Declared
	for _, f := range All() {
		for _, own := range f.Describe().Fields {
			fields = append(fields, own.Declared)
		}
	}
	return fields
}

// ConfigFields names the config fields that only some flows use.
func ConfigFields() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Describe().Config...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// OtherWords maps what other products call flows to our names.
func OtherWords() map[string]string {
	words := map[string]string{}
	for _, f := range All() {
		d := f.Describe()
		for _, alias := range d.Aliases {
			words[alias] = d.Name
		}
	}
	return words
}

// ParamOwner returns the field that stands for a form parameter which the
// engine sets itself, or "" if `params` may set it.
func ParamOwner(param string) string {
	switch param {
	case "grant_type":
		return "flow"
	case "scope":
		return "scopes"
	case "audience", "resource", "client_id":
		return param
	case "client_assertion", "client_assertion_type":
		return "client_auth_method"
	case "refresh_token", "code", "code_verifier", "device_code", "assertion",
		"subject_token", "subject_token_type", "actor_token", "actor_token_type":
		return "flow"
	}
	fields := oauth.AuthFields()
	for _, f := range All() {
		if d := f.Describe(); d.Endpoint == tokenURL {
			for _, own := range d.Fields {
				fields = append(fields, own.Declared)
			}
		}
	}
	if slices.ContainsFunc(fields, func(f field.Declared) bool { return f.Describe().Name == param }) {
		return param
	}
	return ""
}
