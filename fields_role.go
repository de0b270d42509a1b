// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"strings"

	"github.com/hashicorp/vault/sdk/framework"

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
			Default:     defaultFlow,
			Description: "How the token is obtained: " + strings.Join(flows.Names(), ", ") + ".",
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
			Description: "Flow password: the user's name.",
		},
		"password": {
			Type:         framework.TypeString,
			Description:  "Flow password: the user's password. Never shown; password= clears it.",
			DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
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
	}
}

const roleHelp = `
A role says which token is wanted from the server of a config.

    vault write oauth/roles/crm config=crm scopes="contacts.read contacts.write"
    vault read oauth/creds/crm

A write changes the fields that it names. Changing what shapes the token (config, flow, scopes, audience, resource, params, username)
makes the next read obtain a new one; a write that changes nothing drops nothing. Deleting a role forgets its tokens; tokens that were
handed out live as long as their server says.
`
