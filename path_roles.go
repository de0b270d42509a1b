// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

func (b *backend) pathRoles() []*framework.Path {
	attributes := &framework.DisplayAttributes{OperationPrefix: operationPrefix}
	write := &framework.PathOperation{
		Callback:                    b.roleWrite,
		Summary:                     "Create a role, or change one. A field that is left out keeps its value.",
		DisplayAttrs:                &framework.DisplayAttributes{OperationVerb: "write", OperationSuffix: "role"},
		Responses:                   noContent(),
		ForwardPerformanceStandby:   true,
		ForwardPerformanceSecondary: true,
	}
	return []*framework.Path{{
		Pattern:        "roles/" + framework.GenericNameRegex("name"),
		DisplayAttrs:   attributes,
		Fields:         roleFields(),
		ExistenceCheck: b.roleExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.CreateOperation: write,
			logical.UpdateOperation: write,
			logical.ReadOperation: &framework.PathOperation{
				Callback:     b.roleRead,
				Summary:      "Read a role. Secrets are not shown, only whether they are set.",
				DisplayAttrs: &framework.DisplayAttributes{OperationVerb: "read", OperationSuffix: "role"},
				Responses:    answers(answerOf(roleFields(), "name")),
			},
			logical.DeleteOperation: &framework.PathOperation{
				Callback:                    b.roleDelete,
				Summary:                     "Delete a role and forget its tokens.",
				DisplayAttrs:                &framework.DisplayAttributes{OperationVerb: "delete", OperationSuffix: "role"},
				Responses:                   noContent(),
				ForwardPerformanceStandby:   true,
				ForwardPerformanceSecondary: true,
			},
		},
		HelpSynopsis:    "Which token is wanted.",
		HelpDescription: roleHelp,
	}, {
		Pattern:      "roles/?$",
		DisplayAttrs: attributes,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{
				Callback:     b.roleList,
				Summary:      "List the roles.",
				DisplayAttrs: &framework.DisplayAttributes{OperationVerb: "list", OperationSuffix: "roles"},
				Responses:    answers(listAnswer()),
			},
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

func (b *backend) roleWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	if err := checkName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	defer b.names.lock(rolePrefix + name)()

	before, err := loadRole(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	role, resp := newRoleEntry(), &logical.Response{}
	if before != nil {
		role = before.clone()
	} else if role.ID, err = uuid.GenerateUUID(); err != nil {
		return nil, err
	}
	suppliedSecret := role.apply(patch{data}, resp)
	if before != nil && !suppliedSecret && reflect.DeepEqual(role, before) {
		return unlessEmpty(resp), nil
	}
	if err := role.check(); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if refusal, err := role.bind(ctx, req, name, before, suppliedSecret); refusal != nil || err != nil {
		return refusal, err
	}
	if before != nil && reflect.DeepEqual(role, before) {
		return unlessEmpty(resp), nil
	}
	role.warn(resp)
	role.Revision++
	if err := b.storeRole(ctx, req.Storage, name, before, role); err != nil {
		return saveFailed(err)
	}
	return unlessEmpty(resp), nil
}

// bind ties the role's secrets to the place where its config sends them now.
// A role that moves to another config must bring them along: the right to
// update a role must not be a way to have its secrets sent elsewhere.
func (r *roleEntry) bind(ctx context.Context, req *logical.Request, name string, before *roleEntry, supplied bool) (*logical.Response, error) {
	config, err := loadConfig(ctx, req.Storage, r.Config)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return logical.ErrorResponse("no config named %s: write it first with \"vault write %sconfig/%s ...\", or see \"vault list %sconfig\"", r.Config, req.MountPoint, r.Config, req.MountPoint), nil
	}
	if !config.allows(name) {
		return logical.ErrorResponse("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", r.Config, name, req.MountPoint, r.Config), nil
	}
	if before != nil && before.Config != r.Config && r.hasSecret() && !supplied {
		return logical.ErrorResponse("this changes where the role's password is sent: give password in the same write (or clear it with password=)"), nil
	}
	switch {
	case !r.hasSecret():
		r.SecretsFor = ""
	case supplied:
		r.SecretsFor = config.DestinationID
	}
	return nil, nil
}

// storeRole keeps the order that use/ needs: in the index before, out of it after.
func (b *backend) storeRole(ctx context.Context, s logical.Storage, name string, before, role *roleEntry) error {
	entry, err := encode(rolePrefix+name, role.stored(), maxRoleSize)
	if err != nil {
		return err
	}
	if before == nil || before.Config != role.Config {
		if err := s.Put(ctx, &logical.StorageEntry{Key: usePrefix + role.Config + "/" + name, Value: []byte("{}")}); err != nil {
			return err
		}
	}
	defer b.definitions.forgetRole(name) // also after an error: the write may have arrived
	if err := s.Put(ctx, entry); err != nil {
		return err
	}
	if before != nil && before.Config != role.Config {
		return s.Delete(ctx, usePrefix+before.Config+"/"+name)
	}
	return nil
}

// roleDelete deletes the tokens while the role still stands, so that a delete
// which fails can be repeated, and once more after it: a mint under way finds
// its role gone when it saves, but may have saved in between.
func (b *backend) roleDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	defer b.names.lock(rolePrefix + name)()
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
	return deleteTokens(ctx, s, roleID)
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

func (r *roleEntry) warn(resp *logical.Response) {
	if field := r.missingSecret(); field != "" {
		resp.AddWarning(fmt.Sprintf("no %s is set yet: until it is, the role can obtain no token", field))
	}
	if r.Flow == "password" {
		resp.AddWarning("the password grant hands a person's password to a client; RFC 9700 section 2.4 advises against it where the server offers another way")
	}
}
