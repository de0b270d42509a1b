// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// The account of a person or a service, which two flows have.
var (
	username = field.OwnText("username", field.Binds|field.Steers,
		"Flows password and login: the user's name, {{username}} in a login document.").Slips("user")
	passwordField = field.OwnSecret("password", field.Proves, field.Sent,
		"Flows password and login: the user's password, {{password}} in a login document. Never shown; password= clears it.").Slips("pass").Sample("@password.txt")
)

// password is the resource owner password credentials grant (RFC 6749 section
// 4.3), for servers that offer nothing better: RFC 9700 section 2.4 advises
// against it.
type password struct{ tokenEndpoint }

func (password) Describe() Description {
	return Description{
		Name:     "password",
		Aliases:  []string{"ropc"},
		Synopsis: "the application knows a user's name and password (RFC 6749 section 4.3; RFC 9700 advises against it where the server offers another way)",
		Warning:  "the password grant hands a person's password to a client; RFC 9700 section 2.4 advises against it where the server offers another way",
		Fields:   []Field{{username, Required}, {passwordField, Later}},
		Common:   grantFields, Endpoint: tokenURL, Config: grantConfig,
		Account: &username,
	}
}

func (p password) Check(r Request) *Unfit { return p.Describe().missing(r.Own) }

func (p password) Ready(r Request) *Unfit {
	if unfit := p.tokenEndpoint.Ready(r); unfit != nil {
		return unfit
	}
	return p.Describe().missing(r.Own)
}

func (password) Mint(ctx context.Context, r Request) (*oauth.Token, error) {
	form := r.grant("password")
	form.Set(username.Name(), username.Of(r.Own))
	form.Set(passwordField.Name(), passwordField.Of(r.Own).Reveal())
	return r.exchange(ctx, form)
}
