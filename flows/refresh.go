// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"
	"net/url"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// tokenEndpoint is what the grants of OAuth have in common: they ask the token
// endpoint, and follow up on a token by its refresh token (RFC 6749 section 6).
type tokenEndpoint struct{}

func (tokenEndpoint) Check(Request) *Unfit { return nil }

func (tokenEndpoint) Ready(r Request) *Unfit {
	if missing := r.Server.missingAuth(); missing != "" {
		return &Unfit{Missing: missing, InConfig: true, Later: true}
	}
	return nil
}

func (tokenEndpoint) CanRefresh(_ Request, held Held) bool { return held.RefreshToken.IsSet() }

// Refresh trades the refresh token. No scope is sent, which asks for as much as
// was granted: naming the role's scopes could ask for more, which is refused.
func (tokenEndpoint) Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error) {
	form := r.grant("refresh_token")
	form.Del("scope")
	form.Del("audience") // belongs to the first request; a refresh is bound to it already
	form.Set("refresh_token", held.RefreshToken.Reveal())
	return r.exchange(ctx, form)
}

func (tokenEndpoint) Use(r Request, token secret.String) Use { return r.Server.header(token) }

func (tokenEndpoint) Host(s *Server) string { return hostOf(s.Client.TokenURL) }

// exchange posts the form of a grant. No error and no trace repeats a secret of
// the role's own.
func (r Request) exchange(ctx context.Context, form url.Values) (*oauth.Token, error) {
	return r.Server.Client.Exchange(ctx, form, r.Own.Secrets()...)
}

// grant starts the form of one grant with what every grant sends. The flow's
// own parameters are set over the role's.
func (r Request) grant(grantType string) url.Values {
	form := url.Values{}
	for name, value := range r.Params {
		form.Set(name, value)
	}
	form.Set("grant_type", grantType)
	if len(r.Scopes) > 0 {
		form.Set("scope", strings.Join(r.Scopes, " ")) // RFC 6749 section 3.3
	}
	if len(r.Audience) > 0 {
		form["audience"] = r.Audience
	}
	if len(r.Resource) > 0 {
		form["resource"] = r.Resource
	}
	return form
}
