// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
)

// valuesOf is what the placeholders of the config's login document stand for.
func valuesOf(role *roleEntry, config *configEntry) login.Values {
	return login.Values{
		BaseURL:  config.BaseURL,
		Username: role.Username, Password: role.Password,
		ClientID: config.ClientID, ClientSecret: config.ClientSecret,
		Secrets:   over(config.Secrets, role.Secrets).decoded(),
		Variables: over(role.Variables, config.Variables).decoded(),
	}
}

// missingValue returns the first placeholder without a value, or "".
func (d *definition) missingValue() string {
	if d.request.Document == nil {
		return ""
	}
	missing := d.request.Values.Missing(d.request.Document.Needs())
	if len(missing) == 0 {
		return ""
	}
	return missing[0]
}

// refreshIsLogin tells whether a refresh would send the password: then the login
// itself is as good, and its refusals are counted.
func (d *definition) refreshIsLogin() bool {
	return d.request.Document != nil && d.request.Document.RefreshTakes("password")
}

// supply is what to write, and where, for a placeholder that has no value.
func supply(mount, name string, role *roleEntry, config *configEntry, placeholder string) string {
	field, value, named := strings.Cut(placeholder, ".")
	switch {
	case named:
		of, ofConfig := slices.Collect(maps.Keys(role.Secrets)), slices.Collect(maps.Keys(config.Secrets))
		if field == "variables" {
			of, ofConfig = slices.Collect(maps.Keys(role.Variables)), slices.Collect(maps.Keys(config.Variables))
		}
		text := fmt.Sprintf("%sroles/%s %s (or %sconfig/%s %s, for all its roles)",
			mount, name, allOf(field, of, value), mount, role.Config, allOf(field, ofConfig, value))
		if len(of)+len(ofConfig) > 0 {
			text += "; a write replaces all " + field + " of the one or the other"
		}
		return text
	case strings.HasPrefix(field, "client_"):
		return fmt.Sprintf("%sconfig/%s %s=...", mount, role.Config, field)
	}
	return fmt.Sprintf("%sroles/%s %s=...", mount, name, field)
}

// allOf writes a map of values: a write replaces it whole.
func allOf(field string, names []string, more string) string {
	slices.Sort(names)
	var parts []string
	for _, name := range append(names, more) {
		parts = append(parts, fmt.Sprintf("%s=%s=...", field, name))
	}
	return strings.Join(parts, " ")
}

// checkAgainst holds the role against its config. Its errors quote no value.
func (r *roleEntry) checkAgainst(config *configEntry, mount, name string) error {
	switch {
	case r.followsDocument() && config.Login == "":
		return fmt.Errorf("flow %s needs a login document, and config %s has none: vault write %sconfig/%s login=@login.json", r.Flow, r.Config, mount, r.Config)
	case r.followsDocument():
		return r.checkDocument(config, mount, name)
	case config.TokenURL == "":
		return fmt.Errorf("flow %s needs a token endpoint, and config %s has none: vault write %sconfig/%s token_url=<url>", r.Flow, r.Config, mount, r.Config)
	}
	return nil
}

// checkDocument tries the config's login document on the role's values.
func (r *roleEntry) checkDocument(config *configEntry, mount, name string) error {
	document, err := compileLogin(config.Login)
	if err != nil {
		return fmt.Errorf("the login document of config %s: %w", r.Config, err)
	}
	needs := document.Needs()
	for field, set := range map[string]bool{"username": r.Username != "", "password": r.Password.IsSet()} {
		if set && !slices.Contains(needs, field) {
			return fmt.Errorf("the login document of config %s does not use {{%s}}: leave it out, or clear it with %s=", r.Config, field, field)
		}
	}
	values := valuesOf(r, config)
	missing := values.Missing(needs)
	if i := slices.IndexFunc(missing, func(name string) bool { return !mayComeLater(name) }); i >= 0 {
		return fmt.Errorf("the login document of config %s uses {{%s}}, which has no value: vault write %s", r.Config, missing[i], supply(mount, name, r, config, missing[i]))
	}
	if len(missing) > 0 {
		return nil
	}
	if _, err := document.Login(values); err != nil {
		return fmt.Errorf("the login document of config %s cannot be filled in: %w", r.Config, err)
	}
	if document.CanRefresh() {
		values.Token, values.RefreshToken = "token", "token"
		if _, err := document.Refresh(values); err != nil {
			return fmt.Errorf("the login document of config %s cannot be filled in: %w", r.Config, err)
		}
	}
	if err := document.CheckUse(values); err != nil {
		return fmt.Errorf("the login document of config %s cannot be filled in: %w", r.Config, err)
	}
	return nil
}

// mayComeLater names the secrets that a person may add to what a program has
// written; the others are likely to be slips in a name.
func mayComeLater(placeholder string) bool {
	return placeholder == "password" || placeholder == "client_secret"
}

// neededSecret returns the secret without which no exchange can be tried, or "".
func (r *roleEntry) neededSecret(config *configEntry) string {
	if !r.followsDocument() {
		return r.missingSecret()
	}
	document, err := compileLogin(config.Login)
	if err != nil || !slices.Contains(document.Needs(), "password") || r.Password.IsSet() {
		return ""
	}
	return "password"
}
