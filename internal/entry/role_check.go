// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// Check refuses what can never work, whatever the config. Its errors name the
// field and quote no secret.
func (r *Role) Check() error {
	flow, ok := flows.Lookup(r.Flow)
	if !ok {
		return fmt.Errorf("flow must be one of %s%s", strings.Join(flows.Names(), ", "), field.DidYouMean(r.Flow, flows.Names(), flows.OtherWords()))
	}
	for _, check := range []func() error{
		func() error { return r.checkFlow(flow.Describe()) },
		r.checkTexts,
		func() error { return checkParams(r.Params) },
		func() error { return RoleFields.Check(r) },
		r.checkLives,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkFlow holds the fields that only some flows have against the role's flow.
func (r *Role) checkFlow(flow flows.Description) error {
	for _, info := range RoleFields.Fields() {
		owners := flows.Owner(info.Name)
		if len(owners) > 0 && !flow.Uses(info.Name) && RoleFields.IsSet(r, info.Name) {
			return fmt.Errorf("flow %s does not use %s (flow %s does): leave it out, or clear it with %s=", flow.Name, info.Name, strings.Join(owners, ", "), info.Name)
		}
	}
	for _, name := range flow.Required() {
		if !RoleFields.IsSet(r, name) {
			return fmt.Errorf("flow %s needs %s", flow.Name, name)
		}
	}
	return nil
}

func (r *Role) checkTexts() error {
	lists := map[string][]string{"audience": r.Audience, "resource": r.Resource}
	for name, value := range r.Own {
		if text, ok := value.(string); ok {
			lists[name] = []string{text}
		}
	}
	for name, values := range lists {
		if slices.ContainsFunc(values, hasControl) {
			return fmt.Errorf("%s must not have control characters", name)
		}
	}
	if i := slices.IndexFunc(r.Scopes, func(s string) bool { return !isScope(s) }); i >= 0 {
		return fmt.Errorf("scopes: number %d has a character that a scope may not have (RFC 6749 section 3.3: printable ASCII but space, \" and \\)", i+1)
	}
	return nil
}

func (r *Role) checkLives() error {
	if r.MaxTTL > 0 && r.MinTTL >= r.MaxTTL {
		return errors.New("min_ttl must be less than max_ttl: no token would ever be good enough")
	}
	if r.AccessTokenTTL > 0 && r.MinTTL >= r.AccessTokenTTL {
		return errors.New("min_ttl must be less than access_token_ttl: no token would ever be good enough")
	}
	return nil
}
