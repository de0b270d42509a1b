// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// password is the resource owner password credentials grant (RFC 6749 section
// 4.3), for servers that offer nothing better: RFC 9700 section 2.4 advises
// against it.
type password struct{ refreshGrant }

func (password) Describe() Description {
	return Description{
		Name:     "password",
		Synopsis: "the application knows a user's name and password (RFC 6749 section 4.3; RFC 9700 advises against it where the server offers another way)",
		Required: []string{"username"},
		Secret:   []string{"password"},
		Optional: oauthFields,
		Account:  true,
		Advice:   "the password grant hands a person's password to a client; RFC 9700 section 2.4 advises against it where the server offers another way",
	}
}

func (password) Mint(ctx context.Context, r Request) (*oauth.Token, error) {
	form := r.grant("password")
	form.Set("username", r.Username)
	form.Set("password", r.Password.Reveal())
	return r.Client.Exchange(ctx, form)
}
