// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// pathRebind is not config/<name>/rebind: Vault can require sudo only under a
// fixed prefix, and a policy on config/* would have covered it.
func (b *backend) pathRebind() []*framework.Path {
	return []*framework.Path{{
		Pattern:      "rebind/" + framework.GenericNameRegex("name"),
		DisplayAttrs: prefixed(),
		Fields: map[string]*framework.FieldSchema{
			"name": {Type: framework.TypeString, Description: "Name of the config."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: writing("rebind", "config",
				"Accept that the secrets of all roles of a config go where it points now.", b.rebind),
		},
		HelpSynopsis: "Accept a config's new destination for all its roles. Requires sudo.",
		HelpDescription: `
A role's secrets are bound to the destination that its config had when they were written. After the config was pointed elsewhere, the
engine sends them nowhere until each role's secret was written again, or until this path is written. Requires sudo on the path.
`,
	}}
}

func (b *backend) rebind(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	unlock, err := b.names.Lock(ctx, entry.Configs.Key(name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	config, err := entry.LoadConfig(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return logical.ErrorResponse("no config named %s; see \"vault list %sconfig\"", name, req.MountPoint), nil
	}
	if config.Rebound {
		return nil, nil
	}
	config.Rebound = true
	config.Revision++
	defer b.engine.RetryRoles(ctx, req.Storage, name)
	defer b.engine.ForgetRoles()
	if err := config.Save(ctx, req.Storage, name); err != nil {
		return saveFailed(err)
	}
	return nil, nil
}
