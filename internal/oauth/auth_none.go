// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"net/url"
)

// None is a public client: client_id alone (RFC 6749 section 3.2.1).
const None = "none"

type noAuth struct{}

func (noAuth) Describe() AuthDescription {
	return AuthDescription{Name: None, Aliases: []string{"public"}, Try: ClientSecretBasic}
}

func (noAuth) Check(*Client) error { return nil }

func (noAuth) Authenticate(_ context.Context, c *Client, _ *url.URL) (Proof, error) {
	return Proof{Params: identified(c)}, nil
}
