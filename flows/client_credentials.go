// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// clientCredentials is the grant of an application that acts for itself
// (RFC 6749 section 4.4).
type clientCredentials struct{ tokenEndpoint }

func (clientCredentials) Describe() Description {
	return Description{
		Name:     "client_credentials",
		Aliases:  []string{"credentials", "m2m"},
		Synopsis: "the application acts for itself (RFC 6749 section 4.4)",
		Common:   grantFields, Endpoint: tokenURL, Config: grantConfig,
	}
}

func (clientCredentials) Mint(ctx context.Context, r Request) (*oauth.Token, error) {
	return r.exchange(ctx, r.grant("client_credentials"))
}
