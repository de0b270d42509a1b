// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"net/url"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// ClientSecretPost sends client_id and client_secret in the form (RFC 6749 section 2.3.1).
const ClientSecretPost = "client_secret_post"

type clientSecretPost struct{}

func (clientSecretPost) Describe() AuthDescription {
	return AuthDescription{
		Name: ClientSecretPost, Aliases: []string{"post"}, Required: []field.Declared{ClientSecret}, Try: ClientSecretBasic,
	}
}

func (clientSecretPost) Check(*Client) error { return nil }

func (clientSecretPost) Authenticate(_ context.Context, c *Client, _ *url.URL) (Proof, error) {
	secret := ClientSecret.Of(c.Own).Reveal()
	params := url.Values{ClientSecret.Name(): {secret}}
	for name, values := range identified(c) {
		params[name] = values
	}
	return Proof{Params: params, Secrets: []string{secret}}, nil
}
