// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Config is an authorization server, or an API with a login, and our client
// there, as the operator has written it. Only the operator's writes change it.
type Config struct {
	ConfigMeta

	Description  string
	TokenURL     string
	ClientID     string
	AuthMethod   string
	Auth         field.Own // the fields of the methods of client authentication
	Headers      map[string]string
	Params       map[string]string
	HeaderName   string
	HeaderFormat string

	BaseURL   string
	Login     string // the document as it was written
	Secrets   field.SecretValues
	Variables field.Values

	CACert         string
	TLSClientCert  string
	TLSClientKey   secret.String
	TLSServerName  string
	ProxyURL       string
	RequestTimeout time.Duration // 0: the default
	AllowHTTP      bool

	AllowedRoles []string
}

// ConfigMeta is what the engine keeps beside the operator's words.
type ConfigMeta struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision"` // counts the writes that changed something

	// DestinationID is new whenever a field that steers changes. Secrets of
	// roles remember the one they were supplied for.
	DestinationID string `json:"destination_id"`
	// Rebound: an operator with sudo has accepted, for all roles, that their
	// secrets go to this destination.
	Rebound bool `json:"rebound,omitempty"`
	// Moved names the fields whose change gave the config its destination.
	Moved []string `json:"moved,omitempty"`
}

// NewConfig returns a config with every field at its default.
func NewConfig() *Config {
	c := &Config{ConfigMeta: ConfigMeta{Version: version}}
	ConfigFields.Reset(c)
	return c
}

// Clone returns a copy that shares nothing which a write could change.
func (c *Config) Clone() *Config {
	copied := *c
	ConfigFields.Clone(&copied)
	return &copied
}

// UnmarshalJSON reads the stored form.
func (c *Config) UnmarshalJSON(text []byte) error {
	var stored map[string]json.RawMessage
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &c.ConfigMeta); err != nil {
		return err
	}
	return ConfigFields.Load(c, stored)
}

// LoadConfig returns nil, nil where there is none of that name.
func LoadConfig(ctx context.Context, s logical.Storage, name string) (*Config, error) {
	return loadNamed[Config](ctx, s, Configs, name)
}

// Save stores the config, with its secrets in the clear.
func (c *Config) Save(ctx context.Context, s logical.Storage, name string) error {
	stored, err := joined(c.ConfigMeta, ConfigFields.Stored(c))
	if err != nil {
		return err
	}
	return save(ctx, s, Configs.Key(name), stored, maxConfigSize)
}

// Allows tells whether a role of that name may use the config.
func (c *Config) Allows(role string) bool {
	return slices.ContainsFunc(c.AllowedRoles, func(glob string) bool {
		ok, _ := path.Match(glob, role) // the pattern was checked when it was written
		return ok
	})
}

// SecretsHeld names the fields with a secret that is sent to the destination.
func (c *Config) SecretsHeld() []string { return ConfigFields.SecretsHeld(c) }

// RolesOf names the roles that use a config.
func RolesOf(ctx context.Context, s logical.Storage, config string) ([]string, error) {
	return s.List(ctx, string(Uses.Under(config)))
}
