// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// MovedBy names what has changed, since the config before, of all that decides
// where secrets are sent and who can read them on the way; nothing if they go
// where they went. It fails if the config's own secrets keep it from moving: the
// right to update a config must not be a way to read what it holds.
func (c *Config) MovedBy(before *Config, supplied []string) ([]string, error) {
	if before == nil {
		return nil, nil
	}
	by := ConfigFields.Changed(before, c, field.Steers)
	if len(by) == 0 {
		return nil, nil
	}
	if kept := keptSecrets(before.SecretsHeld(), c.SecretsHeld(), supplied); len(kept) > 0 {
		return nil, stays("config", kept)
	}
	return by, nil
}

// stays refuses a write that would send secrets elsewhere that it does not give.
func stays(of string, kept []string) error {
	return fmt.Errorf("this changes where the %s's secrets are sent: give %s in the same write (or clear it with %s=)", of, strings.Join(kept, " and "), kept[0])
}

// keptSecrets names the secrets that a write neither supplies nor clears.
func keptSecrets(before, after, supplied []string) []string {
	return slices.DeleteFunc(slices.Clone(after), func(name string) bool {
		return !slices.Contains(before, name) || slices.Contains(supplied, name)
	})
}

// Move gives the config a new destination id, under which no role's secret is
// sent before it was written again.
func (c *Config) Move(by []string) {
	c.DestinationID, c.Rebound, c.Moved = rand.Text(), false, by
}

// PointsElsewhere says that the config has moved, and by what.
func (c *Config) PointsElsewhere(name string) string {
	if len(c.Moved) == 0 {
		return fmt.Sprintf("config %s now points elsewhere", name)
	}
	return fmt.Sprintf("config %s now points elsewhere (changed: %s)", name, strings.Join(c.Moved, ", "))
}

// Bind ties the role's secrets to the place where its config sends them now.
// Either all of them are supplied for a new place, or none is sent there: the
// right to update a role must not be a way to have its secrets sent elsewhere.
func (r *Role) Bind(config *Config, before *Role, supplied []string) error {
	if !r.HasSecret() {
		r.SecretsFor = ""
		return nil
	}
	if before == nil {
		r.SecretsFor = config.DestinationID
		return nil
	}
	kept := keptSecrets(before.SecretsHeld(), r.SecretsHeld(), supplied)
	moves := len(RoleFields.Changed(before, r, field.Steers)) > 0
	switch {
	case len(kept) == 0:
		r.SecretsFor = config.DestinationID
	case moves || before.SecretsFor != config.DestinationID && !config.Rebound && len(supplied) > 0:
		return stays("role", kept)
	}
	return nil
}

// Homeless tells whether the role's secrets were supplied for another
// destination than the config has now.
func (r *Role) Homeless(config *Config) bool {
	return r.HasSecret() && r.SecretsFor != config.DestinationID && !config.Rebound
}

// AsksTheSame tells whether two versions of a role have the same way to a token.
func (r *Role) AsksTheSame(before *Role) bool {
	return before != nil && r.SecretsFor == before.SecretsFor && r.ID == before.ID &&
		len(RoleFields.Changed(before, r, field.Asks)) == 0
}
