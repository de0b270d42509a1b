// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// Check refuses what can never work. Its errors name the field and quote no value.
func (c *Config) Check(guard transport.Guard) error {
	for _, check := range []func() error{
		func() error { return c.checkEndpoint(guard) },
		func() error { return c.checkLogin(guard) },
		func() error { return ConfigFields.Check(c) },
		c.checkClient,
		c.checkRequest,
		c.checkUse,
		c.checkPEM,
		func() error { return checkGlobs("allowed_roles", c.AllowedRoles) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	client, err := transport.New(c.Effective().Transport(guard)) // certificates, keys, proxy
	if err != nil {
		return err
	}
	client.CloseIdleConnections()
	return nil
}

func (c *Config) checkEndpoint(guard transport.Guard) error {
	if c.TokenURL == "" && c.Login != "" {
		if len(c.Headers) > 0 || len(c.Params) > 0 {
			return errors.New("headers and params belong to token_url, which is not set; a login document has headers and bodies of its own")
		}
		return nil
	}
	if c.TokenURL == "" {
		return errors.New("token_url is required (or login, for an API with a login of its own)")
	}
	if err := required("client_id", c.ClientID); err != nil {
		return err
	}
	return checkURL("token_url", c.TokenURL, guard, c.AllowHTTP)
}

func (c *Config) checkClient() error {
	auth, _ := oauth.LookupAuth(c.AuthMethod) // the table's check was before this
	for _, own := range oauth.AuthFields() {
		// A setting that the method does not look at does no harm.
		if info := own.Describe(); info.IsSecret() && own.IsSet(c.Auth) && !auth.Describe().Uses(info.Name) {
			return fmt.Errorf("client_auth_method %s uses no %s: clear it with %s=, or choose %s", c.AuthMethod, info.Name, info.Name, strings.Join(oauth.AuthsUsing(info.Name), " or "))
		}
	}
	if err := auth.Check(c.Effective().client(nil)); err != nil {
		return err
	}
	if hasControl(c.ClientID) {
		return errors.New("client_id must not have control characters")
	}
	return nil
}

func (c *Config) checkRequest() error {
	for name, value := range c.Headers {
		if err := transport.CheckHeaderName(name); err != nil {
			return fmt.Errorf("headers: %w", err)
		}
		if strings.EqualFold(name, "Content-Type") {
			return errors.New("headers: Content-Type is set by the engine, to what token requests are (RFC 6749 section 3.2)")
		}
		if used := c.Effective().ClientAuth().Header; used != "" && strings.EqualFold(name, used) {
			return fmt.Errorf("headers: %s is how %s authenticates the client; choose another client_auth_method to set it yourself", used, c.AuthMethod)
		}
		if err := transport.CheckHeaderValue(value); err != nil {
			return fmt.Errorf("headers: the value of %s: %w", name, err)
		}
	}
	return checkParams(c.Params)
}

// checkUse looks at how applications are told to send the token.
func (c *Config) checkUse() error {
	if err := transport.CheckHeaderName(c.HeaderName); err != nil {
		return fmt.Errorf("header_name: %w", err)
	}
	if strings.Count(c.HeaderFormat, flows.TokenPlaceholder) != 1 {
		return fmt.Errorf("header_format must have %s once, as in \"Bearer %s\"", flows.TokenPlaceholder, flows.TokenPlaceholder)
	}
	if err := transport.CheckHeaderValue(c.HeaderFormat); err != nil {
		return fmt.Errorf("header_format: %w", err)
	}
	return nil
}

// checkPEM catches a file's name; what is PEM and no certificate, transport.New says.
func (c *Config) checkPEM() error {
	for _, pem := range []struct{ name, text string }{
		{"ca_cert", c.CACert}, {"tls_client_cert", c.TLSClientCert}, {"tls_client_key", c.TLSClientKey.Reveal()},
	} {
		if field.LooksLikeFile(pem.text) {
			return fmt.Errorf("%s: no PEM found%s", pem.name, field.ToReadFile(pem.name, pem.text))
		}
	}
	return nil
}

// checkLogin looks at the document and at what goes with it.
func (c *Config) checkLogin(guard transport.Guard) error {
	if c.Login == "" {
		for _, name := range []string{"base_url", "secrets", "variables"} {
			if ConfigFields.IsSet(c, name) {
				return fmt.Errorf("%s is for login documents, and the config has none: add login=@login.json, or clear it with %s=", name, name)
			}
		}
		return nil
	}
	document, err := compileLogin(c.Login)
	if err != nil {
		return fmt.Errorf("login: %w%s", err, field.ToReadDocument("login", strings.TrimSpace(c.Login)))
	}
	if err := c.checkLoginURLs(document, guard); err != nil {
		return err
	}
	if document.HasUse() && (c.HeaderName != defaultHeaderName || c.HeaderFormat != defaultHeaderFormat) {
		return errors.New("header_name and header_format say how the token is used, and so does \"use\" in the login document: keep one (header_name= and header_format= clear them)")
	}
	return nil
}

func (c *Config) checkLoginURLs(document *login.Document, guard transport.Guard) error {
	switch {
	case document.NeedsBaseURL() && c.BaseURL == "":
		return errors.New("base_url is required: the login document has a url that begins with \"/\"")
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
