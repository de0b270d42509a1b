// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// ClientSecretBasic sends id and secret in the Authorization header (RFC 6749 section 2.3.1).
const ClientSecretBasic = "client_secret_basic"

// The config fields of the methods with a secret.
var (
	// ClientSecret is what two methods send, and a login document may name.
	ClientSecret = field.OwnSecret("client_secret", field.Proves, field.Sent,
		"Client secret. Never shown; client_secret= clears it.").Slips("secret").Sample("@client-secret.txt")
	// BasicEncoding is how ClientSecretBasic encodes id and secret.
	BasicEncoding = field.OwnChoice("client_secret_basic_encoding", field.Proves, []string{"form", BasicRaw}, nil,
		"How client_secret_basic encodes id and secret: form, as RFC 6749 section 2.3.1 says, or raw, for servers that take them as they are. They differ for secrets with characters other than letters, digits and -_.")
)

// BasicRaw is the BasicEncoding of a server that does not form-decode id and secret.
const BasicRaw = "raw"

type clientSecretBasic struct{}

func (clientSecretBasic) Describe() AuthDescription {
	return AuthDescription{
		Name: ClientSecretBasic, Aliases: []string{"basic"}, Header: "Authorization",
		Required: []field.Declared{ClientSecret}, Optional: []field.Declared{BasicEncoding},
		Try: ClientSecretPost + ", or client_secret_basic_encoding=raw if the secret has special characters",
	}
}

func (clientSecretBasic) Check(c *Client) error {
	if isRaw(c) && strings.Contains(c.ID, ":") {
		return errors.New("client_id has a colon, which Basic cannot carry unencoded (RFC 7617 section 2): use client_secret_basic_encoding=form")
	}
	return nil
}

func (clientSecretBasic) Authenticate(_ context.Context, c *Client, _ *url.URL) (Proof, error) {
	sent := base64.StdEncoding.EncodeToString([]byte(basicPair(c, isRaw(c))))
	shown := url.QueryEscape(c.ID)
	if isRaw(c) {
		shown = c.ID
	}
	secret := ClientSecret.Of(c.Own).Reveal()
	return Proof{
		Header:  []HeaderLine{{"Authorization", "Basic " + sent}},
		Shown:   []HeaderLine{{"Authorization", "Basic base64(" + shown + ":" + mark(secret) + ")"}},
		Secrets: []string{secret, basicPair(c, true), basicPair(c, false)},
	}, nil
}

func isRaw(c *Client) bool { return BasicEncoding.Of(c.Own) == BasicRaw }

// basicPair form-encodes id and secret, each for itself, as RFC 6749 section
// 2.3.1 wants it and RFC 7617 does not know it.
func basicPair(c *Client, raw bool) string {
	secret := ClientSecret.Of(c.Own).Reveal()
	if raw {
		return c.ID + ":" + secret
	}
	return url.QueryEscape(c.ID) + ":" + url.QueryEscape(secret)
}
