// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

func (b *backend) pathRoles() []*framework.Path {
	attributes := prefixed()
	write := writing("write", "role",
		"Create a role, or change one. A field that is left out keeps its value.", b.roleWrite)
	return []*framework.Path{{
		Pattern:        "roles/" + framework.GenericNameRegex("name"),
		DisplayAttrs:   attributes,
		Fields:         roleFields(),
		ExistenceCheck: b.roleExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.CreateOperation: write,
			logical.UpdateOperation: write,
			logical.ReadOperation: reading("read", "role",
				"Read a role. Secrets are not shown, only whether they are set.", answerOf(roleFields(), "name", verifyField), b.roleRead),
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
	role, err := loadRole(ctx, req.Storage, data.Get("name").(string))
	return role != nil, err
}

func (b *backend) roleRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	role, err := loadRole(ctx, req.Storage, data.Get("name").(string))
	if err != nil || role == nil {
		return nil, err
	}
	return &logical.Response{Data: role.shown()}, nil
}

// roleDelete deletes the tokens while the role still stands, so that a delete
// which fails can be repeated, and once more after it: a mint under way finds
// its role gone when it saves, but may have saved in between.
func (b *backend) roleDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	unlock, err := b.names.lock(ctx, rolePrefix+name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	role, err := loadRole(ctx, req.Storage, name)
	if err != nil || role == nil {
		return nil, err
	}
	if err := b.forgetTokens(ctx, req.Storage, role.ID); err != nil {
		return nil, err
	}
	err = req.Storage.Delete(ctx, rolePrefix+name)
	b.definitions.forgetRole(name) // also after an error: the delete may have arrived
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime) // nobody could repeat the rest
	defer cancel()
	if err := b.forgetTokens(ctx, req.Storage, role.ID); err != nil {
		return nil, err
	}
	if key, err := tokenKey(role.ID, sharedHolder); err == nil {
		b.renewals.Remove(jobKey(name, key))
	}
	if err := forgetAccount(ctx, req.Storage, role); err != nil {
		return nil, err
	}
	return nil, req.Storage.Delete(ctx, usePrefix+role.Config+"/"+name)
}

// cleanupTime bounds what is done after the caller may have left.
const cleanupTime = 30 * time.Second

// forgetTokens removes a role's tokens from memory and storage, those included
// that are being saved.
func (b *backend) forgetTokens(ctx context.Context, s logical.Storage, roleID string) error {
	ofRole := func(key string) bool { return strings.HasPrefix(key, tokenPrefix+roleID+"/") }
	b.tokens.ForgetIf(ofRole)
	if err := b.tokens.Settle(ctx, ofRole); err != nil {
		return err
	}
	return deleteAll(ctx, s, tokenPrefix+roleID+"/")
}

func (b *backend) roleList(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	return listDetailed(ctx, req.Storage, rolePrefix, func(name string) (map[string]any, error) {
		role, err := loadRole(ctx, req.Storage, name)
		if err != nil || role == nil {
			return nil, err
		}
		return map[string]any{"config": role.Config, "flow": role.Flow, "description": role.Description}, nil
	})
}
