// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// How a role's token is renewed ahead of its expiry.
const (
	RenewAuto     = "auto"      // as long as somebody reads it
	RenewOnDemand = "on_demand" // never: a read renews
	RenewKeepWarm = "keep_warm" // always
)

// Lives that a role may set.
const (
	DefaultAccessTokenTTL = time.Hour
	leastLife             = time.Second
	longestLife           = 10 * 365 * 24 * time.Hour
)

// RoleFields is the table of a role's fields.
var RoleFields = field.New(append(append([]field.Row[Role]{
	field.Text("description", field.None, func(r *Role) *string { return &r.Description },
		"What this token is for, for people."),
	field.Text("config", field.Binds|field.Steers, func(r *Role) *string { return &r.Config },
		"Config of the server that issues the token. Required. Changing it requires the role's secrets in the same write.").
		Slips("server"),
	field.Text("flow", field.Binds, func(r *Role) *string { return &r.Flow },
		"How the token is obtained: "+strings.Join(flows.Names(), ", ")+". The default is login where the config has a login document, else client_credentials.").
		Slips("grant_type", "grant"),
	field.Words("scopes", field.Shapes, func(r *Role) *[]string { return &r.Scopes },
		"Scopes to ask for (RFC 6749 section 3.3), with spaces or commas between them. Empty asks for what the server gives by default.").
		Slips("scope"),
	field.List("audience", field.Shapes, func(r *Role) *[]string { return &r.Audience },
		"Value of the audience parameter, for servers that know it (Auth0). Repeat the field for several."),
	field.List("resource", field.Shapes, func(r *Role) *[]string { return &r.Resource },
		"Resource indicator (RFC 8707). Repeat the field for several."),
	field.Pairs("params", field.Shapes, func(r *Role) *map[string]string { return &r.Params },
		"Further form parameters of token requests, as name=value, over those of the config. They read back: not for secrets."),
}, field.Lift(func(r *Role) *field.Own { return &r.Own }, flows.Fields()...)...),
	field.Duration("access_token_ttl", field.Life, func(r *Role) *time.Duration { return &r.AccessTokenTTL }, leastLife, longestLife,
		"Life assumed of a token when the server states none. 0 assumes 1h, with a warning.").
		Slips("ttl"),
	field.Duration("max_ttl", field.Life, func(r *Role) *time.Duration { return &r.MaxTTL }, leastLife, longestLife,
		"Longest life of a token: it is replaced after this time even if the server says that it lives longer. 0 is no limit.").
		Slips("ttl"),
	field.Duration("min_ttl", field.Life, func(r *Role) *time.Duration { return &r.MinTTL }, leastLife, longestLife,
		"Least remaining life of a token that is handed out. 0 is a tenth of its life, 30s at most.").
		Slips("ttl", "minimum_seconds"),
	field.Choice("renew", field.Life, func(r *Role) *string { return &r.Renew }, []string{RenewAuto, RenewOnDemand, RenewKeepWarm}, nil,
		"When the token is renewed ahead of its expiry: auto (as long as somebody reads it), keep_warm (always) or on_demand (never: the read that finds too little life left waits for another token). Tokens that live less than 45s are always renewed on demand."),
)...)
