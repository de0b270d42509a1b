// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// documentField is the config's field for the login document.
const documentField = "login"

// compileLogin reads a login document, with the transport's rules for headers.
func compileLogin(text string) (*login.Document, error) {
	return login.Compile(text, login.Rules{HeaderName: transport.CheckHeaderName, HeaderValue: transport.CheckHeaderValue})
}

// checkLogin looks at the document and at what goes with it.
func (c *configEntry) checkLogin(guard transport.Guard) error {
	if c.Login == "" {
		for field, set := range map[string]bool{"base_url": c.BaseURL != "", "secrets": len(c.Secrets) > 0, "variables": len(c.Variables) > 0} {
			if set {
				return fmt.Errorf("%s is for login documents, and the config has none: add login=@login.json, or clear it with %s=", field, field)
			}
		}
		return nil
	}
	document, err := compileLogin(c.Login)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if err := c.checkLoginURLs(document, guard); err != nil {
		return err
	}
	if err := checkValueNames("secrets", c.Secrets); err != nil {
		return err
	}
	if err := checkValueNames("variables", c.Variables); err != nil {
		return err
	}
	if document.HasUse() && (c.HeaderName != defaultHeaderName || c.HeaderFormat != defaultHeaderFormat) {
		return fmt.Errorf("header_name and header_format say how the token is used, and so does \"use\" in the login document: keep one (header_name= and header_format= clear them)")
	}
	return nil
}

func (c *configEntry) checkLoginURLs(document *login.Document, guard transport.Guard) error {
	switch {
	case document.NeedsBaseURL() && c.BaseURL == "":
		return fmt.Errorf("base_url is required: the login document has a url that begins with \"/\"")
	case c.BaseURL != "":
		if err := checkBaseURL(c.BaseURL, guard, c.AllowHTTP); err != nil {
			return err
		}
	}
	for _, text := range document.URLs() {
		if err := checkURL("login: a url of the document", text, guard, c.AllowHTTP); err != nil {
			return err
		}
	}
	return nil
}
