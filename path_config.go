// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

func (b *backend) pathConfig() []*framework.Path {
	attributes := prefixed()
	write := writing("write", "config",
		"Create a config, or change one. A field that is left out keeps its value.", b.configWrite)
	return []*framework.Path{{
		Pattern:      "config/" + framework.GenericNameRegex("name"),
		DisplayAttrs: attributes,
		Fields: schema.WithName(schema.Write(entry.ConfigFields.Fields()), "Name of the config.", map[string]*framework.FieldSchema{
			"force": {Type: framework.TypeBool, Query: true, Description: "Delete only: delete the config although roles use it."},
		}),
		ExistenceCheck: b.configExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.CreateOperation: write,
			logical.UpdateOperation: write,
			logical.ReadOperation: reading("read", "config",
				"Read a config. Secrets are not shown, only whether they are set.", schema.Answer(entry.ConfigFields.Fields()), b.configRead),
			logical.DeleteOperation: writing("delete", "config",
				"Delete a config. Refused while roles use it, unless force is true.", b.configDelete),
		},
		HelpSynopsis:    "An authorization server, or an API with a login, and our client there.",
		HelpDescription: configHelp,
	}, {
		Pattern:      "config/?$",
		DisplayAttrs: attributes,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: reading("list", "configs",
				"List the configs.", listAnswer(), b.configList),
		},
		HelpSynopsis:    "The names of all configs.",
		HelpDescription: "Lists the configs. With -detailed, the command line also shows each one's host and client_id.",
	}}
}

func (b *backend) configExists(ctx context.Context, req *logical.Request, data *framework.FieldData) (bool, error) {
	config, err := entry.LoadConfig(ctx, req.Storage, data.Get("name").(string))
	return config != nil, err
}

func (b *backend) configRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	config, err := entry.LoadConfig(ctx, req.Storage, data.Get("name").(string))
	if err != nil || config == nil {
		return nil, err
	}
	return &logical.Response{Data: entry.ConfigFields.Show(config)}, nil
}

func (b *backend) configWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	if err := entry.CheckName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if _, ok := data.GetOk("force"); ok {
		return logical.ErrorResponse("force is for deleting a config only"), nil
	}
	unlock, err := b.names.Lock(ctx, entry.Configs.Key(name))
	if err != nil {
		return nil, err
	}
	defer unlock()

	before, err := entry.LoadConfig(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	config := entry.NewConfig()
	if before != nil {
		config = before.Clone()
	}
	supplied, warnings := entry.ConfigFields.Apply(config, data)
	resp := &logical.Response{Warnings: warnings}
	if before != nil && reflect.DeepEqual(config, before) {
		return unlessEmpty(resp), nil
	}
	settings, err := entry.LoadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	moved, err := config.MovedBy(before, supplied)
	if err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if err := config.Check(settings.Guard()); err != nil {
		return logical.ErrorResponse(withSettingHint(err, req.MountPoint)), nil
	}
	if before == nil || len(moved) > 0 {
		config.Move(moved)
		if err := warnOfMove(ctx, req, name, config, resp); err != nil {
			return nil, err
		}
	}
	warnOfConfig(config, before, resp)
	config.Revision++
	defer b.engine.RetryRoles(ctx, req.Storage, name)
	defer b.engine.ForgetRoles() // also after an error: the write may have arrived
	if err := config.Save(ctx, req.Storage, name); err != nil {
		return saveFailed(err)
	}
	return unlessEmpty(resp), nil
}

// warn is about what can be stored, and will probably not do as it stands.
func warnOfConfig(c, before *entry.Config, resp *logical.Response) {
	if field := c.Effective().MissingSecret(); field != "" {
		resp.AddWarning(fmt.Sprintf("no %s is set yet: until it is, no role of this config can obtain a token", field))
	}
	if c.Login == "" || before != nil && before.Login == c.Login {
		return
	}
	for _, doubt := range c.Effective().Doubts() {
		resp.AddWarning("login: " + doubt)
	}
}

func (b *backend) configDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	if err := entry.CheckName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	unlock, err := b.names.Lock(ctx, entry.Configs.Key(name))
	if err != nil {
		return nil, err
	}
	defer unlock()

	if !data.Get("force").(bool) {
		roles, err := b.rolesInUse(ctx, req.Storage, name)
		if err != nil {
			return nil, err
		}
		if len(roles) > 0 {
			return logical.ErrorResponse("config %s is in use by %s: delete them first, or delete it anyway with \"vault delete %sconfig/%s force=true\"", name, countAndFirst(roles), req.MountPoint, name), nil
		}
	}
	defer b.engine.ForgetRoles()
	if err := req.Storage.Delete(ctx, entry.Configs.Key(name)); err != nil {
		return nil, err
	}
	return nil, entry.DeleteAll(ctx, req.Storage, entry.Accounts.Under(name))
}

// rolesInUse is rolesOf, with the first ten held against the roles themselves:
// after a crash the index may name one too many.
func (b *backend) rolesInUse(ctx context.Context, s logical.Storage, config string) ([]string, error) {
	roles, err := entry.RolesOf(ctx, s, config)
	if err != nil {
		return nil, err
	}
	var used []string
	for i, name := range roles {
		if len(used) == namesShown {
			return append(used, roles[i:]...), nil
		}
		role, err := entry.LoadRole(ctx, s, name)
		if err != nil {
			return nil, err
		}
		if role != nil && role.Config == config {
			used = append(used, name)
		}
	}
	return used, nil
}

func (b *backend) configList(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	return listDetailed(ctx, req.Storage, entry.Configs, func(name string) (map[string]any, error) {
		config, err := entry.LoadConfig(ctx, req.Storage, name)
		if err != nil || config == nil {
			return nil, err
		}
		return map[string]any{"host": config.Effective().MainHost(), "client_id": config.ClientID, "description": config.Description}, nil
	})
}

// namesShown is how many names a message lists.
const namesShown = 10

func countAndFirst(names []string) string {
	noun := "roles"
	if len(names) == 1 {
		noun = "role"
	}
	text := fmt.Sprintf("%d %s (%s", len(names), noun, strings.Join(names[:min(len(names), namesShown)], ", "))
	if len(names) > namesShown {
		text += ", ..."
	}
	return text + ")"
}

// unlessEmpty returns nil, which is 204, for a response without warnings.
func unlessEmpty(resp *logical.Response) *logical.Response {
	if len(resp.Warnings) == 0 {
		return nil
	}
	return resp
}

const configHelp = `
A config says how to talk to an authorization server. Roles name it to say which token they want there.

    vault write oauth/config/crm token_url=https://login.example.com/oauth2/token client_id=app client_secret=@secret.txt

For an API with a login of its own it holds the document that says what to send and where the answer has the token:

    vault write oauth/config/erp base_url=https://erp.example.com login=@login.json

A write changes the fields that it names. Secrets are never read back: client_secret_set says whether there is one, secrets_set which
there are. Whoever changes where secrets are sent (token_url, base_url, login, variables, headers, params, ca_cert, tls_server_name,
proxy_url, allow_http) must give client_secret and secrets in the same write, as far as the config has them, and roles with a secret of
their own then need it written again, or rebind/<name>. Rotating a secret replaces no token: the new one is used from the next exchange
on.
`
