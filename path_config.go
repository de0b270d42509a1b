// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

func (b *backend) pathConfig() []*framework.Path {
	attributes := prefixed()
	write := writing("write", "config",
		"Create a config, or change one. A field that is left out keeps its value.", b.configWrite)
	return []*framework.Path{{
		Pattern:        "config/" + framework.GenericNameRegex("name"),
		DisplayAttrs:   attributes,
		Fields:         configFields(),
		ExistenceCheck: b.configExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.CreateOperation: write,
			logical.UpdateOperation: write,
			logical.ReadOperation: reading("read", "config",
				"Read a config. Secrets are not shown, only whether they are set.", configAnswer(), b.configRead),
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
	config, err := loadConfig(ctx, req.Storage, data.Get("name").(string))
	return config != nil, err
}

func (b *backend) configRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	config, err := loadConfig(ctx, req.Storage, data.Get("name").(string))
	if err != nil || config == nil {
		return nil, err
	}
	return &logical.Response{Data: config.shown()}, nil
}

func (b *backend) configWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	if err := checkName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if _, ok := data.GetOk("force"); ok {
		return logical.ErrorResponse("force is for deleting a config only"), nil
	}
	unlock, err := b.names.lock(ctx, configPrefix+name)
	if err != nil {
		return nil, err
	}
	defer unlock()

	before, err := loadConfig(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	config := newConfigEntry()
	if before != nil {
		config = before.clone()
	}
	resp := &logical.Response{}
	supplied := config.apply(patch{data}, resp)

	if before != nil && reflect.DeepEqual(config, before) {
		return unlessEmpty(resp), nil
	}
	settings, err := loadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	moved, err := config.mayMove(before, supplied)
	if err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if err := config.check(settings.guard()); err != nil {
		return logical.ErrorResponse(withSettingHint(err, req.MountPoint)), nil
	}
	if before == nil || len(moved) > 0 {
		config.move(moved)
		if err := config.warnOfMove(ctx, req, name, resp); err != nil {
			return nil, err
		}
	}
	config.warn(before, resp)
	config.Revision++
	defer b.retryRoles(ctx, req.Storage, name)
	defer b.definitions.forgetAll() // also after an error: the write may have arrived
	if err := saveConfig(ctx, req.Storage, name, config); err != nil {
		return saveFailed(err)
	}
	return unlessEmpty(resp), nil
}

// warn is about what can be stored, and will probably not do as it stands.
func (c *configEntry) warn(before *configEntry, resp *logical.Response) {
	if field := c.missingSecret(); field != "" {
		resp.AddWarning(fmt.Sprintf("no %s is set yet: until it is, no role of this config can obtain a token", field))
	}
	if c.Login == "" || before != nil && before.Login == c.Login {
		return
	}
	if document, err := compileLogin(c.Login); err == nil { // it was checked
		for _, doubt := range document.Doubts() {
			resp.AddWarning("login: " + doubt)
		}
	}
}

// keptSecrets names the secrets that a write neither supplies nor clears.
func keptSecrets(before, after, supplied []string) []string {
	return slices.DeleteFunc(slices.Clone(after), func(field string) bool {
		return !slices.Contains(before, field) || slices.Contains(supplied, field)
	})
}

func (b *backend) configDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	if err := checkName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	unlock, err := b.names.lock(ctx, configPrefix+name)
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
	defer b.definitions.forgetAll()
	if err := req.Storage.Delete(ctx, configPrefix+name); err != nil {
		return nil, err
	}
	return nil, deleteAll(ctx, req.Storage, accountPrefix+name+"/")
}

// rolesInUse is rolesOf, with the first ten held against the roles themselves:
// after a crash the index may name one too many.
func (b *backend) rolesInUse(ctx context.Context, s logical.Storage, config string) ([]string, error) {
	roles, err := rolesOf(ctx, s, config)
	if err != nil {
		return nil, err
	}
	var used []string
	for i, name := range roles {
		if len(used) == namesShown {
			return append(used, roles[i:]...), nil
		}
		role, err := loadRole(ctx, s, name)
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
	return listDetailed(ctx, req.Storage, configPrefix, func(name string) (map[string]any, error) {
		config, err := loadConfig(ctx, req.Storage, name)
		if err != nil || config == nil {
			return nil, err
		}
		return map[string]any{"host": config.host(), "client_id": config.ClientID, "description": config.Description}, nil
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
