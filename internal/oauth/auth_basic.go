// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// ClientSecretBasic sends id and secret in the Authorization header (RFC 6749 section 2.3.1).
const ClientSecretBasic AuthMethod = "client_secret_basic"

type clientSecretBasic struct{}

func (clientSecretBasic) Describe() AuthDescription {
	return AuthDescription{
		Name: ClientSecretBasic, NeedsSecret: true, Header: "Authorization",
		Try: string(ClientSecretPost) + ", or client_secret_basic_encoding=raw if the secret has special characters",
	}
}

func (clientSecretBasic) Check(c *Client) error {
	if c.RawBasic && strings.Contains(c.ID, ":") {
		return errors.New("client_id has a colon, which Basic cannot carry unencoded (RFC 7617 section 2): use client_secret_basic_encoding=form")
	}
	return nil
}

func (clientSecretBasic) Authenticate(_ context.Context, c *Client, _ *url.URL) (Proof, error) {
	sent := base64.StdEncoding.EncodeToString([]byte(basicPair(c, c.RawBasic)))
	shown := url.QueryEscape(c.ID)
	if c.RawBasic {
		shown = c.ID
	}
	return Proof{
		Header:  []HeaderLine{{"Authorization", "Basic " + sent}},
		Shown:   []HeaderLine{{"Authorization", "Basic base64(" + shown + ":" + mark(c.Secret.Reveal()) + ")"}},
		Secrets: []string{c.Secret.Reveal(), basicPair(c, true), basicPair(c, false)},
	}, nil
}

// basicPair form-encodes id and secret, each for itself, as RFC 6749 section
// 2.3.1 wants it and RFC 7617 does not know it.
func basicPair(c *Client, raw bool) string {
	if raw {
		return c.ID + ":" + c.Secret.Reveal()
	}
	return url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret.Reveal())
}
