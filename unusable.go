// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// unusableText says why a role cannot obtain a token as it stands, and what the
// operator has to write. Vault answers with 400.
func unusableText(e *engine.Unusable, mount string) string {
	name, config := e.Name, ""
	if e.Role != nil {
		config = e.Role.Config
	}
	switch e.Problem {
	case engine.NoRole:
		return fmt.Sprintf("no role named %s; see \"vault list %sroles\"", name, mount)
	case engine.NoConfig:
		return fmt.Sprintf("role %s uses config %s, which does not exist: write it with \"vault write %sconfig/%s ...\"", name, config, mount, config)
	case engine.NotAllowed:
		return fmt.Sprintf("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", config, name, mount, config)
	case engine.MovedAway:
		return fmt.Sprintf("%s: write the role's secret again (vault write %sroles/%s %s=...), or accept the move for all its roles (vault write -force %srebind/%s)",
			e.Config.PointsElsewhere(config), mount, name, strings.Join(e.Role.SecretsHeld(), "=... "), mount, config)
	case engine.UnknownFlow:
		return fmt.Sprintf("role %s was written for flow %s, which this version of the engine does not have", name, e.Role.Flow)
	case engine.NoEndpoint:
		return fmt.Sprintf("role %s has flow %s, and config %s has no %s: vault write %sconfig/%s %s", name, e.Role.Flow, config, e.Field, mount, config, assignment(e.Field))
	case engine.NoServer:
		return fmt.Sprintf("config %s: %s", config, e.Reason)
	}
	return unfitText(e.Unfit, mount, name, e.Role, e.Config)
}

// unfitText says why a role and its config do not fit.
func unfitText(u *flows.Unfit, mount, name string, role *entry.Role, config *entry.Config) string {
	switch {
	case u.Unused != "":
		return fmt.Sprintf("the login document of config %s does not use {{%s}}: leave it out, or clear it with %s=", role.Config, u.Unused, u.Unused)
	case u.Document && u.Missing != "":
		return fmt.Sprintf("the login document of config %s uses {{%s}}, for which role %s has no value: vault write %s", role.Config, u.Missing, name, supply(u, mount, name, role, config))
	case u.Missing != "" && u.InConfig:
		return fmt.Sprintf("config %s has no %s yet: vault write %s", role.Config, u.Missing, supply(u, mount, name, role, config))
	case u.Missing != "":
		return fmt.Sprintf("role %s has no %s yet: vault write %s", name, u.Missing, supply(u, mount, name, role, config))
	case u.InConfig:
		return fmt.Sprintf("role %s does not fit config %s: %s", name, role.Config, u.Reason)
	}
	return u.Reason
}

// supply is what to write, and where, for a value that is missing.
func supply(u *flows.Unfit, mount, name string, role *entry.Role, config *entry.Config) string {
	of, value, member := strings.Cut(u.Missing, ".")
	switch {
	case member:
		own, shared := entry.RoleFields.Keys(role, of), entry.ConfigFields.Keys(config, of)
		text := fmt.Sprintf("%sroles/%s %s (or %sconfig/%s %s, for all its roles)",
			mount, name, allOf(of, own, value), mount, role.Config, allOf(of, shared, value))
		if len(own)+len(shared) > 0 {
			text += "; a write replaces all " + of + " of the one or the other"
		}
		return text
	case u.InConfig:
		return fmt.Sprintf("%sconfig/%s %s", mount, role.Config, assignment(u.Missing))
	}
	return fmt.Sprintf("%sroles/%s %s", mount, name, assignment(u.Missing))
}

// allOf writes a map of values: a write replaces it whole.
func allOf(of string, names []string, more string) string {
	var parts []string
	for _, name := range append(slices.Clone(names), more) {
		parts = append(parts, fmt.Sprintf("%s=%s=...", of, name))
	}
	return strings.Join(parts, " ")
}

// assignment is a field of an entry in a command, such as client_secret=@client-secret.txt.
func assignment(name string) string {
	for _, info := range entryFields() {
		if info.Name == name {
			return info.Assignment()
		}
	}
	return name + "=..."
}

func assignments(names []string) string {
	texts := make([]string, 0, len(names))
	for _, name := range names {
		texts = append(texts, assignment(name))
	}
	return strings.Join(texts, " ")
}
