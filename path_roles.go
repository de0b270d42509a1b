// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

func (b *backend) pathRoles() []*framework.Path {
	attributes := prefixed()
	write := writing("write", "role",
		"Create a role, or change one. A field that is left out keeps its value.", b.roleWrite)
	return []*framework.Path{{
		Pattern:      "roles/" + framework.GenericNameRegex("name"),
		DisplayAttrs: attributes,
		Fields: schema.WithName(schema.Write(entry.RoleFields.Fields()), "Name of the role.", map[string]*framework.FieldSchema{
			verifyField: {Type: framework.TypeString, Default: verifyWarn, Description: verifyHelp},
		}),
		ExistenceCheck: b.roleExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.CreateOperation: write,
			logical.UpdateOperation: write,
			logical.ReadOperation: reading("read", "role",
				"Read a role. Secrets are not shown, only whether they are set.", schema.Answer(entry.RoleFields.Fields()), b.roleRead),
			logical.DeleteOperation: writing("delete", "role",
				"Delete a role and forget its tokens.", b.roleDelete),
		},
		HelpSynopsis:    "Which token is wanted.",
		HelpDescription: roleHelp,
	}, {
		Pattern:      "roles/?$",
		DisplayAttrs: attributes,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: reading("list", "roles",
				"List the roles.", listAnswer(), b.roleList),
		},
		HelpSynopsis:    "The names of all roles.",
		HelpDescription: "Lists the roles. With -detailed, the command line also shows each one's config and flow.",
	}}
}

func (b *backend) roleExists(ctx context.Context, req *logical.Request, data *framework.FieldData) (bool, error) {
	role, err := entry.LoadRole(ctx, req.Storage, data.Get("name").(string))
	return role != nil, err
}

func (b *backend) roleRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	role, err := entry.LoadRole(ctx, req.Storage, data.Get("name").(string))
	if err != nil || role == nil {
		return nil, err
	}
	return &logical.Response{Data: entry.RoleFields.Show(role)}, nil
}

// roleDelete deletes the tokens while the role still stands, so that a delete
// which fails can be repeated, and once more after it: a mint under way finds
// its role gone when it saves, but may have saved in between.
func (b *backend) roleDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	unlock, err := b.names.Lock(ctx, entry.Roles.Key(name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	role, err := entry.LoadRole(ctx, req.Storage, name)
	if err != nil || role == nil {
		return nil, err
	}
	if err := b.engine.ForgetTokens(ctx, req.Storage, name, role); err != nil {
		return nil, err
	}
	err = req.Storage.Delete(ctx, entry.Roles.Key(name))
	b.engine.ForgetRole(name) // also after an error: the delete may have arrived
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engine.CleanupTime) // nobody could repeat the rest
	defer cancel()
	if err := b.engine.ForgetTokens(ctx, req.Storage, name, role); err != nil {
		return nil, err
	}
	if err := entry.ForgetAccount(ctx, req.Storage, role); err != nil {
		return nil, err
	}
	return nil, req.Storage.Delete(ctx, entry.Uses.Under(role.Config).Key(name))
}

func (b *backend) roleList(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	return listDetailed(ctx, req.Storage, entry.Roles, func(name string) (map[string]any, error) {
		role, err := entry.LoadRole(ctx, req.Storage, name)
		if err != nil || role == nil {
			return nil, err
		}
		return map[string]any{"config": role.Config, "flow": role.Flow, "description": role.Description}, nil
	})
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
