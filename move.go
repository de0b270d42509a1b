// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// warnOfMove says which roles a move leaves without what they log in with.
func warnOfMove(ctx context.Context, req *logical.Request, name string, config *entry.Config, resp *logical.Response) error {
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
		resp.AddWarning(config.PointsElsewhere(name) + ". " + strings.Join(parts, ". "))
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
	names, err := entry.RolesOf(ctx, s, config)
	if err != nil {
		return nil, err
	}
	l := &stranded{unseen: max(len(names)-maxDetailed, 0)}
	for _, name := range names[:len(names)-l.unseen] {
		role, err := entry.LoadRole(ctx, s, name)
		switch {
		case err != nil:
			return nil, err
		case role == nil || role.Config != config: // after a crash the index may name one too many
		case role.HasSecret():
			if l.secrets = append(l.secrets, name); len(l.secrets) == 1 {
				l.example = name + " " + strings.Join(role.SecretsHeld(), "=... ") + "=..."
			}
		case role.NeedsRefreshToken():
			if held, err := holdsRefreshToken(ctx, s, role); err != nil {
				return nil, err
			} else if held {
				l.refreshTokens = append(l.refreshTokens, name)
			}
		}
	}
	return l, nil
}

func holdsRefreshToken(ctx context.Context, s logical.Storage, role *entry.Role) (bool, error) {
	key, err := entry.Shared(role).Key()
	if err != nil {
		return false, err
	}
	held, err := entry.LoadToken(ctx, s, key)
	return held.LastState().Current.IsSet(), err
}
