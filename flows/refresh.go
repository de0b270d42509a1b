// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// refreshGrant is how the flows of OAuth follow up on a token (RFC 6749 section
// 6); they embed it.
type refreshGrant struct{}

func (refreshGrant) CanRefresh(_ Request, held Held) bool { return held.RefreshToken.IsSet() }

// Refresh trades the refresh token. No scope is sent, which asks for as much as
// was granted: naming the role's scopes could ask for more, which is refused.
func (refreshGrant) Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error) {
	form := r.grant("refresh_token")
	form.Del("scope")
	form.Del("audience") // belongs to the first request; a refresh is bound to it already
	form.Set("refresh_token", held.RefreshToken.Reveal())
	return r.Client.Exchange(ctx, form)
}
