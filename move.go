// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// mayMove returns movedBy, or why the config's own secrets keep it from moving:
// the right to update a config must not be a way to read what it holds.
func (c *configEntry) mayMove(before *configEntry, supplied []string) ([]string, error) {
	if before == nil {
		return nil, nil
	}
	by := c.movedBy(before)
	if len(by) == 0 {
		return nil, nil
	}
	if kept := keptSecrets(before.secretsHeld(), c.secretsHeld(), supplied); len(kept) > 0 {
		return nil, fmt.Errorf("this changes where the config's secrets are sent: give %s in the same write (or clear it with %s=)", strings.Join(kept, " and "), kept[0])
	}
	return by, nil
}

// movedBy names what has changed, since the entry before, of all that decides
// where secrets are sent and who can read them on the way; nothing if they go
// where they went. The client certificate is not part of it: it says who we are,
// and its key is never sent.
func (c *configEntry) movedBy(before *configEntry) []string {
	var names []string
	for _, part := range []struct {
		name  string
		moved bool
	}{
		{"token_url", c.TokenURL != before.TokenURL},
		{"base_url", c.BaseURL != before.BaseURL},
		{"the login document", c.Login != before.Login},
		{"client_id", c.Login != "" && c.ClientID != before.ClientID}, // {{client_id}} may stand in a URL
		{"variables", !reflect.DeepEqual(c.Variables, before.Variables)},
		{"headers", !maps.Equal(c.Headers, before.Headers)},
		{"params", !maps.Equal(c.Params, before.Params)},
		{"ca_cert", c.CACert != before.CACert},
		{"tls_server_name", c.TLSServerName != before.TLSServerName},
		{"proxy_url", c.ProxyURL != before.ProxyURL},
		{"allow_http", c.AllowHTTP != before.AllowHTTP},
	} {
		if part.moved {
			names = append(names, part.name)
		}
	}
	return names
}

// pointsElsewhere says that the config has moved, and by what.
func (c *configEntry) pointsElsewhere(name string) string {
	if len(c.Moved) == 0 {
		return fmt.Sprintf("config %s now points elsewhere", name)
	}
	return fmt.Sprintf("config %s now points elsewhere (changed: %s)", name, strings.Join(c.Moved, ", "))
}

// move gives the config a new destination id, under which no role's secret is
// sent before it was written again.
func (c *configEntry) move(by []string) {
	c.DestinationID, c.Rebound, c.Moved = rand.Text(), false, by
}

// warnOfMove says which roles a move leaves without what they log in with.
func (c *configEntry) warnOfMove(ctx context.Context, req *logical.Request, name string, resp *logical.Response) error {
	left, err := strandedBy(ctx, req.Storage, name)
	if err != nil {
		return err
	}
	var parts []string
	if len(left.secrets) > 0 {
		parts = append(parts, fmt.Sprintf("The secrets of %s are not sent there: write them again, as in \"vault write %sroles/%s\", or accept the move for all roles with \"vault write -force %srebind/%s\"",
			countAndFirst(left.secrets), req.MountPoint, left.example, req.MountPoint, name))
	}
	if len(left.refreshTokens) > 0 {
		parts = append(parts, fmt.Sprintf("The refresh tokens of %s are not sent there: import new ones, as in \"vault write %stoken/%s/import refresh_token=@refresh-token.txt\"",
			countAndFirst(left.refreshTokens), req.MountPoint, left.refreshTokens[0]))
	}
	if left.unseen > 0 {
		parts = append(parts, fmt.Sprintf("%d roles more were not looked at", left.unseen))
	}
	if len(parts) > 0 {
		resp.AddWarning(c.pointsElsewhere(name) + ". " + strings.Join(parts, ". "))
	}
	return nil
}

// stranded are the roles of a config that has moved, by what they cannot use there.
type stranded struct {
	secrets, refreshTokens []string
	example                string // how the first of secrets is written again
	unseen                 int    // roles too many to look at
}

// strandedBy looks at the first maxDetailed roles of a config.
func strandedBy(ctx context.Context, s logical.Storage, config string) (*stranded, error) {
	names, err := rolesOf(ctx, s, config)
	if err != nil {
		return nil, err
	}
	l := &stranded{unseen: max(len(names)-maxDetailed, 0)}
	for _, name := range names[:len(names)-l.unseen] {
		role, err := loadRole(ctx, s, name)
		switch {
		case err != nil:
			return nil, err
		case role == nil || role.Config != config: // after a crash the index may name one too many
		case role.hasSecret():
			if l.secrets = append(l.secrets, name); len(l.secrets) == 1 {
				l.example = name + " " + strings.Join(role.secretsHeld(), "=... ") + "=..."
			}
		case role.refreshesOnly():
			if held, err := role.holdsRefreshToken(ctx, s); err != nil {
				return nil, err
			} else if held {
				l.refreshTokens = append(l.refreshTokens, name)
			}
		}
	}
	return l, nil
}

func (r *roleEntry) holdsRefreshToken(ctx context.Context, s logical.Storage) (bool, error) {
	key, err := tokenKey(r.ID, sharedHolder)
	if err != nil {
		return false, err
	}
	held, err := load[tokenEntry](ctx, s, key)
	return held != nil && held.Refresh.Current.IsSet(), err
}
