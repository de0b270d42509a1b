// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"reflect"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

func (b *backend) pathSettings() []*framework.Path {
	return []*framework.Path{{
		Pattern:      "settings",
		DisplayAttrs: prefixed(),
		Fields:       schema.Write(entry.SettingsFields.Fields()),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: reading("read", "settings",
				"Read the mount's settings.", schema.Answer(entry.SettingsFields.Fields()), b.settingsRead),
			logical.UpdateOperation: writing("write", "settings",
				"Change the mount's settings. A field that is left out keeps its value.", b.settingsWrite),
		},
		HelpSynopsis:    "Which hosts and networks the engine may reach, for all configs of the mount.",
		HelpDescription: settingsHelp,
	}}
}

func (b *backend) settingsRead(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	settings, err := entry.LoadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: entry.SettingsFields.Show(settings)}, nil
}

func (b *backend) settingsWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	unlock, err := b.names.Lock(ctx, entry.SettingsKey)
	if err != nil {
		return nil, err
	}
	defer unlock()
	before, err := entry.LoadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	settings := before.Clone()
	entry.SettingsFields.Apply(settings, data)
	if err := settings.Check(); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if reflect.DeepEqual(settings, before) {
		return nil, nil
	}
	settings.Revision++
	defer b.engine.RetryAll()
	defer b.engine.ForgetRoles()
	if err := settings.Save(ctx, req.Storage); err != nil {
		return saveFailed(err)
	}
	return nil, nil
}

const settingsHelp = `
The settings guard against requests to places where the engine has no business. Addresses are looked at when a connection is made,
after the name was resolved. Link-local, multicast and cloud metadata addresses are always refused; private networks are allowed
unless allowed_networks says otherwise. Settings also hold for configs that were written before them.
`
