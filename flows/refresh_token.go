// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// refreshToken follows up on a refresh token that was obtained elsewhere and handed
// to the engine (RFC 6749 section 6). It has no other way to a token.
type refreshToken struct{ tokenEndpoint }

func (refreshToken) Describe() Description {
	return Description{
		Name:     "refresh_token",
		Aliases:  []string{"refresh"},
		Synopsis: "the engine keeps a refresh token that was obtained elsewhere, and renews by it (RFC 6749 section 6)",
		Common:   grantFields, Endpoint: tokenURL, Config: grantConfig,
		NeedsRefreshToken: true,
	}
}

// Mint has nothing to obtain a first token with.
func (refreshToken) Mint(context.Context, Request) (*oauth.Token, error) {
	return nil, &oauth.Error{Kind: oauth.Forbidden, Host: "nothing was sent", Reason: "there is no refresh token, or none that may be used any more"}
}
