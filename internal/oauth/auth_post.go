// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"net/url"
)

// ClientSecretPost sends client_id and client_secret in the form (RFC 6749 section 2.3.1).
const ClientSecretPost AuthMethod = "client_secret_post"

type clientSecretPost struct{}

func (clientSecretPost) Describe() AuthDescription {
	return AuthDescription{Name: ClientSecretPost, NeedsSecret: true, Try: string(ClientSecretBasic)}
}

func (clientSecretPost) Check(*Client) error { return nil }

func (clientSecretPost) Authenticate(_ context.Context, c *Client, _ *url.URL) (Proof, error) {
	params := url.Values{"client_secret": {c.Secret.Reveal()}}
	for name, values := range identified(c) {
		params[name] = values
	}
	return Proof{Params: params, Secrets: []string{c.Secret.Reveal()}}, nil
}
