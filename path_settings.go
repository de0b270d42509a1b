// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

func (b *backend) pathSettings() []*framework.Path {
	return []*framework.Path{{
		Pattern:      "settings",
		DisplayAttrs: prefixed(),
		Fields:       settingsFields(),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: reading("read", "settings",
				"Read the mount's settings.", settingsFields(), b.settingsRead),
			logical.UpdateOperation: writing("write", "settings",
				"Change the mount's settings. A field that is left out keeps its value.", b.settingsWrite),
		},
		HelpSynopsis:    "Which hosts and networks the engine may reach, for all configs of the mount.",
		HelpDescription: settingsHelp,
	}}
}

func settingsFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"allowed_hosts": {
			Type:        framework.TypeCommaStringSlice,
			Description: "Hosts that may be reached, as patterns in which * stands for any run of characters, each with or without a port (*.example.com, login.example.com:8443). Empty allows any host.",
		},
		"allowed_networks": {
			Type:        framework.TypeCommaStringSlice,
			Description: "Networks that may be reached, in CIDR notation. Empty allows any address but loopback, link-local, multicast and cloud metadata addresses.",
		},
		"allow_loopback": {
			Type:        framework.TypeBool,
			Description: "Allow servers on this machine (127.0.0.0/8, ::1, localhost): for demos and tests.",
		},
	}
}

// settingsEntry holds for the whole mount. Hosts and networks only narrow.
type settingsEntry struct {
	Version         int      `json:"version"`
	Revision        uint64   `json:"revision"`
	AllowedHosts    []string `json:"allowed_hosts,omitempty"`
	AllowedNetworks []string `json:"allowed_networks,omitempty"`
	AllowLoopback   bool     `json:"allow_loopback,omitempty"`
}

// guard is the settings as the transport wants them.
func (s *settingsEntry) guard() transport.Guard {
	guard := transport.Guard{AllowLoopback: s.AllowLoopback, Hosts: s.AllowedHosts}
	for _, network := range s.AllowedNetworks {
		guard.Networks = append(guard.Networks, netip.MustParsePrefix(network)) // checked when it was written
	}
	return guard
}

func (s *settingsEntry) check() error {
	for i, host := range s.AllowedHosts {
		if hasControl(host) || host == "" {
			return fmt.Errorf("allowed_hosts: number %d is not a host or a pattern, as in *.example.com", i+1)
		}
	}
	for i, network := range s.AllowedNetworks {
		if _, err := netip.ParsePrefix(network); err != nil {
			return fmt.Errorf("allowed_networks: number %d is not a network in CIDR notation, as in 10.0.0.0/8", i+1)
		}
	}
	return nil
}

// loadSettings returns the defaults where none were written.
func loadSettings(ctx context.Context, s logical.Storage) (*settingsEntry, error) {
	settings, err := load[settingsEntry](ctx, s, settingsKey)
	if err == nil && settings == nil {
		settings = &settingsEntry{Version: entryVersion}
	}
	return settings, err
}

func (b *backend) settingsRead(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	settings, err := loadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: map[string]any{
		"allowed_hosts":    orNone(settings.AllowedHosts),
		"allowed_networks": orNone(settings.AllowedNetworks),
		"allow_loopback":   settings.AllowLoopback,
	}}, nil
}

func (b *backend) settingsWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	unlock, err := b.names.lock(ctx, settingsKey)
	if err != nil {
		return nil, err
	}
	defer unlock()
	before, err := loadSettings(ctx, req.Storage)
	if err != nil {
		return nil, err
	}
	settings, p := *before, patch{data}
	p.list("allowed_hosts", &settings.AllowedHosts)
	p.list("allowed_networks", &settings.AllowedNetworks)
	p.flag("allow_loopback", &settings.AllowLoopback)
	if err := settings.check(); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if reflect.DeepEqual(settings, *before) {
		return nil, nil
	}
	settings.Revision++
	defer b.renewals.Retry("", func(string) bool { return true })
	defer b.definitions.forgetAll()
	if err := save(ctx, req.Storage, settingsKey, settings, maxConfigSize); err != nil {
		return saveFailed(err)
	}
	return nil, nil
}

const settingsHelp = `
The settings guard against requests to places where the engine has no business. Addresses are looked at when a connection is made,
after the name was resolved. Link-local, multicast and cloud metadata addresses are always refused; private networks are allowed
unless allowed_networks says otherwise. Settings also hold for configs that were written before them.
`
