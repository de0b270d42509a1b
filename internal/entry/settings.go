// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// Settings hold for the whole mount. Hosts and networks only narrow.
type Settings struct {
	SettingsMeta
	AllowedHosts    []string
	AllowedNetworks []string
	AllowLoopback   bool
}

// SettingsMeta is what the engine keeps beside the operator's words.
type SettingsMeta struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision"`
}

// SettingsFields is the table of the settings. A change of one drops nothing:
// they are looked at when a connection is made.
var SettingsFields = field.New(
	field.CommaList("allowed_hosts", field.None, func(s *Settings) *[]string { return &s.AllowedHosts }, nil,
		"Hosts that may be reached, as patterns in which * stands for any run of characters, each with or without a port (*.example.com, login.example.com:8443). Empty allows any host."),
	field.CommaList("allowed_networks", field.None, func(s *Settings) *[]string { return &s.AllowedNetworks }, nil,
		"Networks that may be reached, in CIDR notation. Empty allows any address but loopback, link-local, multicast and cloud metadata addresses."),
	field.Flag("allow_loopback", field.None, func(s *Settings) *bool { return &s.AllowLoopback },
		"Allow servers on this machine (127.0.0.0/8, ::1, localhost): for demos and tests."),
)

// Clone returns a copy that shares nothing which a write could change.
func (s *Settings) Clone() *Settings {
	copied := *s
	SettingsFields.Clone(&copied)
	return &copied
}

// UnmarshalJSON reads the stored form.
func (s *Settings) UnmarshalJSON(text []byte) error {
	var stored map[string]json.RawMessage
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &s.SettingsMeta); err != nil {
		return err
	}
	return SettingsFields.Load(s, stored)
}

// Guard is the settings as the transport wants them.
func (s *Settings) Guard() transport.Guard {
	guard := transport.Guard{AllowLoopback: s.AllowLoopback, Hosts: s.AllowedHosts}
	for _, network := range s.AllowedNetworks {
		guard.Networks = append(guard.Networks, netip.MustParsePrefix(network)) // checked when it was written
	}
	return guard
}

// Check refuses what is no host and no network.
func (s *Settings) Check() error {
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

// LoadSettings returns the defaults where none were written.
func LoadSettings(ctx context.Context, s logical.Storage) (*Settings, error) {
	settings, err := load[Settings](ctx, s, SettingsKey)
	if err == nil && settings == nil {
		settings = &Settings{SettingsMeta: SettingsMeta{Version: version}}
	}
	return settings, err
}

// Save stores the settings.
func (s *Settings) Save(ctx context.Context, storage logical.Storage) error {
	stored, err := joined(s.SettingsMeta, SettingsFields.Stored(s))
	if err != nil {
		return err
	}
	return save(ctx, storage, SettingsKey, stored, maxConfigSize)
}
