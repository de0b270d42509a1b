// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// Role says which token is wanted. Only the operator's writes change it.
type Role struct {
	RoleMeta

	Description string
	Config      string
	Flow        string
	Scopes      []string
	Audience    []string
	Resource    []string
	Params      map[string]string
	Own         field.Own // the fields that only some flows have

	AccessTokenTTL time.Duration // 0: DefaultAccessTokenTTL, with a warning
	MaxTTL         time.Duration // 0: as long as the server says
	MinTTL         time.Duration // 0: 10 % of the life, 30 s at most
	Renew          string        // RenewAuto and so on
}

// RoleMeta is what the engine keeps beside the operator's words.
type RoleMeta struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision"`
	ID       string `json:"role_id"` // random: a role made anew under an old name shares nothing with it

	// SecretsFor is the DestinationID for which the role's secrets were supplied.
	SecretsFor string `json:"secrets_for,omitempty"`
}

// NewRole returns a role with every field at its default, and without an id.
func NewRole() *Role {
	r := &Role{RoleMeta: RoleMeta{Version: version}}
	RoleFields.Reset(r)
	return r
}

// Clone returns a copy that shares nothing which a write could change.
func (r *Role) Clone() *Role {
	copied := *r
	RoleFields.Clone(&copied)
	return &copied
}

// UnmarshalJSON reads the stored form.
func (r *Role) UnmarshalJSON(text []byte) error {
	var stored map[string]json.RawMessage
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.RoleMeta); err != nil {
		return err
	}
	return RoleFields.Load(r, stored)
}

// LoadRole returns nil, nil where there is none of that name.
func LoadRole(ctx context.Context, s logical.Storage, name string) (*Role, error) {
	return loadNamed[Role](ctx, s, Roles, name)
}

// LoadShared returns what storage has of a role and of the token that its readers
// share: all nil without a role, the token nil without one.
func LoadShared(ctx context.Context, s logical.Storage, name string) (role *Role, t *Token, key string, err error) {
	if role, err = LoadRole(ctx, s, name); err != nil || role == nil {
		return nil, nil, "", err
	}
	if key, err = Shared(role).Key(); err != nil {
		return nil, nil, "", err
	}
	t, err = LoadToken(ctx, s, key)
	return role, t, key, err
}

// Encode is the role as it is stored, with its secrets in the clear.
func (r *Role) Encode(name string) (*logical.StorageEntry, error) {
	stored, err := joined(r.RoleMeta, RoleFields.Stored(r))
	if err != nil {
		return nil, err
	}
	return encode(Roles.Key(name), stored, maxRoleSize)
}

// HasSecret tells whether the role has a secret of its own.
func (r *Role) HasSecret() bool { return len(r.SecretsHeld()) > 0 }

// SecretsHeld names the fields with a secret of the role's own.
func (r *Role) SecretsHeld() []string { return RoleFields.SecretsHeld(r) }

// flow describes the role's flow; the zero Description if this version has none
// of that name.
func (r *Role) flow() flows.Description {
	if flow, ok := flows.Lookup(r.Flow); ok {
		return flow.Describe()
	}
	return flows.Description{}
}

// NeedsRefreshToken tells whether the role has no way to a token but a refresh
// token from elsewhere.
func (r *Role) NeedsRefreshToken() bool { return r.flow().NeedsRefreshToken }

// Request is what an exchange for the role is made of.
func (r *Role) Request(server *flows.Server) flows.Request {
	return flows.Request{
		Server: server, Scopes: r.Scopes, Audience: r.Audience, Resource: r.Resource, Params: r.Params, Own: r.Own,
	}
}
