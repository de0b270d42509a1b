// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
)

// roleFields is the write side of roles/<name>.
func roleFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name": {
			Type:        framework.TypeString,
			Description: "Name of the role.",
		},
		"description": {
			Type:        framework.TypeString,
			Description: "What this token is for, for people.",
		},
		"config": {
			Type:        framework.TypeString,
			Description: "Config of the server that issues the token. Required. Changing it requires the role's secrets in the same write.",
		},
		"flow": {
			Type:        framework.TypeString,
			Description: "How the token is obtained: " + strings.Join(flows.Names(), ", ") + ". The default is login where the config has a login document, else client_credentials.",
		},
		"scopes": {
			Type:        framework.TypeCommaStringSlice,
			Description: "Scopes to ask for (RFC 6749 section 3.3), with spaces or commas between them. Empty asks for what the server gives by default.",
		},
		"audience": {
			Type:        framework.TypeStringSlice,
			Description: "Value of the audience parameter, for servers that know it (Auth0). Repeat the field for several.",
		},
		"resource": {
			Type:        framework.TypeStringSlice,
			Description: "Resource indicator (RFC 8707). Repeat the field for several.",
		},
		"params": {
			Type:        framework.TypeKVPairs,
			Description: "Further form parameters of token requests, as name=value, over those of the config. They read back: not for secrets.",
		},
		"username": {
			Type:        framework.TypeString,
			Description: "Flows password and login: the user's name, {{username}} in a login document.",
		},
		"password": {
			Type:         framework.TypeString,
			Description:  "Flows password and login: the user's password, {{password}} in a login document. Never shown; password= clears it.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		},
		"secrets": {
			Type:         framework.TypeMap,
			Description:  "Flow login: secrets that the document names as {{secrets.x}}, over those of the config, as x=value or a JSON object. Never shown; a write replaces them all.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
		},
		"variables": {
			Type:        framework.TypeMap,
			Description: "Flow login: values that the document names as {{variables.x}}, as x=value or a JSON object whose values keep their types. What the config sets cannot be set here. They read back: not for secrets. Changing them, like username, requires the role's secrets in the same write.",
		},
		"access_token_ttl": {
			Type:        framework.TypeDurationSecond,
			Description: "Life assumed of a token when the server states none. 0 assumes 1h, with a warning.",
		},
		"max_ttl": {
			Type:        framework.TypeDurationSecond,
			Description: "Longest life of a token: it is replaced after this time even if the server says that it lives longer. 0 is no limit.",
		},
		"min_ttl": {
			Type:        framework.TypeDurationSecond,
			Description: "Least remaining life of a token that is handed out. 0 is a tenth of its life, 30s at most.",
		},
		"renew": {
			Type:        framework.TypeString,
			Default:     renewAuto,
			Description: "When the token is renewed ahead of its expiry: auto (as long as somebody reads it), keep_warm (always) or on_demand (never: the read that finds too little life left waits for another token). Tokens that live less than 45s are always renewed on demand.",
		},
		verifyField: {
			Type:        framework.TypeString,
			Default:     verifyWarn,
			Description: "Whether this write obtains a token to see that the role works: warn (store the role, and warn if it does not), require (store nothing unless it does) or off. The token becomes the role's. Not stored; a write that changes nothing about how the token is obtained asks for none.",
		},
	}
}

// apply lays a write over the entry and names the secrets that were in it. Its
// warnings go to resp.
func (r *roleEntry) apply(p patch, resp *logical.Response) (supplied []string) {
	p.text("description", &r.Description)
	p.text("config", &r.Config)
	p.text("flow", &r.Flow)
	p.words("scopes", &r.Scopes)
	p.list("audience", &r.Audience)
	p.list("resource", &r.Resource)
	p.pairs("params", &r.Params)
	p.text("username", &r.Username)
	if given, warnings := p.secretOrFile("password", &r.Password); given {
		supplied, resp.Warnings = append(supplied, "password"), append(resp.Warnings, warnings...)
	}
	if given, warnings := p.secretValues("secrets", &r.Secrets); given {
		supplied, resp.Warnings = append(supplied, "secrets"), append(resp.Warnings, warnings...)
	}
	p.variables("variables", &r.Variables)
	p.duration("access_token_ttl", &r.AccessTokenTTL)
	p.duration("max_ttl", &r.MaxTTL)
	p.duration("min_ttl", &r.MinTTL)
	p.textOr("renew", &r.Renew, renewAuto)
	return supplied
}

// shown is the entry as it reads back: secrets only as set or not.
func (r *roleEntry) shown() map[string]any {
	return map[string]any{
		"description":      r.Description,
		"config":           r.Config,
		"flow":             r.Flow,
		"scopes":           orNone(r.Scopes),
		"audience":         orNone(r.Audience),
		"resource":         orNone(r.Resource),
		"params":           orEmpty(r.Params),
		"username":         r.Username,
		"password_set":     r.Password.IsSet(),
		"secrets_set":      r.Secrets.names(),
		"variables":        r.Variables.decoded(),
		"access_token_ttl": asSeconds(r.AccessTokenTTL),
		"max_ttl":          asSeconds(r.MaxTTL),
		"min_ttl":          asSeconds(r.MinTTL),
		"renew":            r.Renew,
	}
}

const roleHelp = `
A role says which token is wanted from the server of a config.

    vault write oauth/roles/crm config=crm scopes="contacts.read contacts.write"
    vault read oauth/creds/crm

For an API with a login of its own (see config/<name>) it holds the account:

    vault write oauth/roles/erp config=erp username=svc-erp password=@password.txt

The write obtains a token, so that a mistake shows at once (see verify); roles/<name>/test shows what was sent and what was answered.

A write changes the fields that it names. Changing what shapes the token (config, flow, scopes, audience, resource, params, username,
variables) makes the next read obtain a new one; a write that changes nothing drops nothing. Deleting a role forgets its tokens; tokens
that were handed out live as long as their server says.
`
