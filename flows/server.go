// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"net/url"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// TokenPlaceholder stands for the token in HeaderFormat.
const TokenPlaceholder = "{{token}}"

// Server is a config ready for exchanges: what all its roles share. It is not
// changed once it is in use.
type Server struct {
	Client       *oauth.Client // our client at the token endpoint, with the HTTP client that every flow uses
	HeaderName   string        // how applications send the token, unless a document says it
	HeaderFormat string        // has TokenPlaceholder once

	// For login documents.
	BaseURL   string
	Secrets   field.SecretValues
	Variables field.Values
	Document  *login.Document // nil: the config has none
}

// hostOf is host and port of a URL, "" if it is none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// header is how applications send a token of a server that has no document for it.
func (s *Server) header(token secret.String) Use {
	return Use{Headers: map[string]string{s.HeaderName: strings.Replace(s.HeaderFormat, TokenPlaceholder, token.Reveal(), 1)}}
}

// missingAuth is the first field without which the client cannot show who it is.
func (s *Server) missingAuth() string {
	auth, ok := oauth.LookupAuth(s.Client.Auth)
	if !ok {
		return "client_auth_method"
	}
	return auth.Describe().Missing(s.Client.Own)
}

// missing is the first of the flow's own fields without a value that need one.
func (d Description) missing(own field.Own) *Unfit {
	for _, f := range d.Fields {
		if f.Need != Optional && !f.IsSet(own) {
			return &Unfit{Missing: f.Describe().Name, Later: f.Need == Later}
		}
	}
	return nil
}
