// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Refresh trades a refresh token for a new access token (RFC 6749 section 6),
// with exactly one request. No scope is sent, which asks for as much as was
// granted: naming the role's scopes could ask for more, which is refused.
// A Token without a RefreshToken means that the server keeps the old one valid.
func Refresh(ctx context.Context, r Request, refreshToken secret.String) (*oauth.Token, error) {
	form := r.grant("refresh_token")
	form.Del("scope")
	form.Del("audience") // belongs to the first request; a refresh is bound to it already
	form.Set("refresh_token", refreshToken.Reveal())
	return r.Client.Exchange(ctx, form)
}
