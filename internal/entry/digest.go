// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// A stored token carries digests of what it was obtained under. Nodes of two
// versions must make the same digest of the same role and config, else each
// would throw the other's tokens away. So a digest begins with the fields of
// the first version, in its order, set or not; what the tables have more follows
// by name, and only where it is set.

// Grant stands for what a refresh token is bound to: all fields that bind.
func Grant(role *Role, config *Config) string {
	first := []any{role.Config, config.ClientID, config.TokenURL, role.Flow, RoleFields.Value(role, "username")}
	return digest(append(first, later(role, config, field.Binds,
		[]string{"config", "flow", "username"}, []string{"client_id", "token_url"})...)...)
}

// Fingerprint stands for all that shapes a token; a token with another one is
// not served. Secrets that only prove who we are, and lives, are not in it:
// changing one replaces no token.
func Fingerprint(role *Role, config *Config, ask Ask) string {
	grant := Grant(role, config)
	var shaped string
	if reads(role.flow(), "base_url") { // it follows a login document
		first := []any{grant, config.BaseURL, config.Login, field.Over(valuesOf(role), config.Variables)}
		shaped = digest(append(first, later(role, config, field.Shapes,
			[]string{"variables"}, []string{"base_url", "login", "variables"})...)...)
	} else {
		first := []any{grant, config.Params, role.Scopes, role.Audience, role.Resource, role.Params}
		shaped = digest(append(first, later(role, config, field.Shapes,
			[]string{"scopes", "audience", "resource", "params"}, []string{"params"})...)...)
	}
	if ask.IsZero() {
		return shaped
	}
	return digest(shaped, ask)
}

// valuesOf are the role's variables.
func valuesOf(role *Role) field.Values {
	values, _ := RoleFields.Value(role, "variables").(field.Values)
	return values
}

// later is what the tables have since the first version: nothing where none of
// it is set.
func later(role *Role, config *Config, effect field.Effect, roleFirst, configFirst []string) []any {
	flow := role.flow()
	ofRole := RoleFields.Values(role, func(i field.Info) bool {
		return i.Effect.Has(effect) && !slices.Contains(roleFirst, i.Name) && (len(flows.Owner(i.Name)) == 0 || flow.Uses(i.Name))
	})
	ofConfig := ConfigFields.Values(config, func(i field.Info) bool {
		return i.Effect.Has(effect) && !slices.Contains(configFirst, i.Name) && reads(flow, i.Name)
	})
	if len(ofRole)+len(ofConfig) == 0 {
		return nil
	}
	return []any{map[string]any{"role": ofRole, "config": ofConfig}}
}

// reads tells whether requests of the flow are made of the config's field.
func reads(flow flows.Description, name string) bool {
	return slices.Contains(flow.Config, name) || !slices.Contains(flows.ConfigFields(), name)
}

// Revision changes with every write to role, config or settings.
func Revision(role *Role, config *Config, settings *Settings) string {
	return digest(role.ID, role.Revision, config.DestinationID, config.Revision, settings.Revision)
}

// ServerRevision changes with every write that changes how a config's server is reached.
func ServerRevision(config *Config, guard transport.Guard) string {
	return digest(config.DestinationID, config.Revision, guard.AllowLoopback, guard.Hosts, guard.Networks)
}

// digest tells apart any two lists of values; JSON gives maps one order.
func digest(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings, numbers, lists and maps of them always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
