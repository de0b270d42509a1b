// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"slices"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// values is what the placeholders of the document stand for.
func (r Request) values() login.Values {
	return login.Values{
		BaseURL:  r.Server.BaseURL,
		Username: username.Of(r.Own), Password: passwordField.Of(r.Own),
		ClientID: r.Server.Client.ID, ClientSecret: oauth.ClientSecret.Of(r.Server.Client.Own),
		Secrets:   field.Over(r.Server.Secrets, documentSecrets.Of(r.Own)).Decoded(),
		Variables: field.Over(documentVariables.Of(r.Own), r.Server.Variables).Decoded(),
	}
}

// Check tries the document on the role's values.
func (documentLogin) Check(r Request) *Unfit {
	document, values := r.Server.Document, r.values()
	needs := document.Needs()
	for _, own := range []field.Declared{username, passwordField} {
		if name := own.Describe().Name; own.IsSet(r.Own) && !slices.Contains(needs, name) {
			return &Unfit{Unused: name, Document: true}
		}
	}
	for variable := range documentVariables.Of(r.Own) {
		if _, fixed := r.Server.Variables[variable]; fixed {
			return &Unfit{Reason: documentVariables.Name() + ": the config fixes " + variable + ", and a role cannot change it: what a config leaves out is for its roles to say"}
		}
	}
	if missing := missingValue(values.Missing(needs)); missing != nil {
		return missing
	}
	if _, err := document.Login(values); err != nil {
		return cannotFill(err)
	}
	if document.CanRefresh() {
		values.Token, values.RefreshToken = "token", "token"
		if _, err := document.Refresh(values); err != nil {
			return cannotFill(err)
		}
	}
	if err := document.CheckUse(values); err != nil {
		return cannotFill(err)
	}
	return nil
}

// Ready looks for placeholders without a value, and whether the answer to a read
// can be made.
func (documentLogin) Ready(r Request) *Unfit {
	document, values := r.Server.Document, r.values()
	if missing := values.Missing(document.Needs()); len(missing) > 0 {
		return missingValue(missing)
	}
	if err := document.CheckUse(values); err != nil {
		return cannotFill(err)
	}
	return nil
}

// missingValue is the first placeholder without a value that can be no other
// than a slip in a name, else the first that a person may supply later.
func missingValue(missing []string) *Unfit {
	secrets := []string{passwordField.Name(), oauth.ClientSecret.Name()}
	late := func(name string) bool { return slices.Contains(secrets, name) }
	if len(missing) == 0 {
		return nil
	}
	name := missing[0]
	if i := slices.IndexFunc(missing, func(name string) bool { return !late(name) }); i >= 0 {
		name = missing[i]
	}
	return &Unfit{Missing: name, Later: late(name), InConfig: name == oauth.ClientSecret.Name() || name == "client_id", Document: true}
}

func cannotFill(err error) *Unfit {
	return &Unfit{InConfig: true, Reason: "the login document cannot be filled in: " + err.Error()}
}

func (documentLogin) Use(r Request, token secret.String) Use {
	if document := r.Server.Document; document.HasUse() {
		use, _ := document.Use(r.values(), token.Reveal()) // the values were tried by Ready
		return Use{use.Headers, use.Query}
	}
	return r.Server.header(token)
}

func (documentLogin) Host(s *Server) string {
	if s.BaseURL == "" && s.Document != nil && len(s.Document.URLs()) > 0 {
		return hostOf(s.Document.URLs()[0])
	}
	return hostOf(s.BaseURL)
}
