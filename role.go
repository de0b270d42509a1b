// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

const (
	defaultAccessTokenTTL = time.Hour
	longestLife           = 10 * 365 * 24 * time.Hour
)

// roleEntry says which token is wanted. Only the operator's writes change it.
type roleEntry struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision"`
	ID       string `json:"role_id"` // random: a role made anew under an old name shares nothing with it

	Description string            `json:"description,omitempty"`
	Config      string            `json:"config"`
	Flow        string            `json:"flow"`
	Scopes      []string          `json:"scopes,omitempty"`
	Audience    []string          `json:"audience,omitempty"`
	Resource    []string          `json:"resource,omitempty"`
	Params      map[string]string `json:"params,omitempty"`
	Username    string            `json:"username,omitempty"`
	Password    secret.String     `json:"password,omitempty"`
	Secrets     secretValues      `json:"secrets,omitempty"`   // over the config's
	Variables   variables         `json:"variables,omitempty"` // beside the config's
	// SecretsFor is the DestinationID for which the role's secrets were supplied.
	SecretsFor string `json:"secrets_for,omitempty"`

	AccessTokenTTL time.Duration `json:"access_token_ttl,omitempty"` // 0: defaultAccessTokenTTL, with a warning
	MaxTTL         time.Duration `json:"max_ttl,omitempty"`          // 0: as long as the server says
	MinTTL         time.Duration `json:"min_ttl,omitempty"`          // 0: 10 % of the life, 30 s at most
	Renew          string        `json:"renew"`                      // renewAuto and so on
}

func newRoleEntry() *roleEntry { return &roleEntry{Version: entryVersion, Renew: renewAuto} }

// stored is the entry with its secrets in the clear.
func (r *roleEntry) stored() any {
	return struct {
		roleEntry
		Password secret.Plain            `json:"password,omitempty"`
		Secrets  map[string]secret.Plain `json:"secrets,omitempty"`
	}{*r, secret.Plain(r.Password), secret.PlainMap(r.Secrets)}
}

func (r *roleEntry) clone() *roleEntry {
	copied := *r
	copied.Scopes, copied.Audience, copied.Resource = slices.Clone(r.Scopes), slices.Clone(r.Audience), slices.Clone(r.Resource)
	copied.Params, copied.Secrets, copied.Variables = maps.Clone(r.Params), maps.Clone(r.Secrets), maps.Clone(r.Variables)
	return &copied
}

func (r *roleEntry) hasSecret() bool { return len(r.secretsHeld()) > 0 }

// secretsHeld names the fields with a secret of the role's own.
func (r *roleEntry) secretsHeld() []string {
	var fields []string
	if r.Password.IsSet() {
		fields = append(fields, "password")
	}
	if len(r.Secrets) > 0 {
		fields = append(fields, "secrets")
	}
	return fields
}

// check refuses what can never work. Its errors name the field and quote no secret.
func (r *roleEntry) check() error {
	flow, ok := flows.Lookup(r.Flow)
	if !ok {
		return fmt.Errorf("flow must be one of %s%s", strings.Join(flows.Names(), ", "), didYouMean(r.Flow, flows.Names()))
	}
	if err := r.checkFields(flow.Describe()); err != nil {
		return err
	}
	for field, values := range map[string][]string{"audience": r.Audience, "resource": r.Resource, "username": {r.Username}} {
		if slices.ContainsFunc(values, hasControl) {
			return fmt.Errorf("%s must not have control characters", field)
		}
	}
	if i := slices.IndexFunc(r.Scopes, func(s string) bool { return !isScope(s) }); i >= 0 {
		return fmt.Errorf("scopes: number %d has a character that a scope may not have (RFC 6749 section 3.3: printable ASCII but space, \" and \\)", i+1)
	}
	if err := checkParams(r.Params); err != nil {
		return err
	}
	if all := []string{renewAuto, renewOnDemand, renewKeepWarm}; !slices.Contains(all, r.Renew) {
		return fmt.Errorf("renew must be %s, %s or %s%s", renewAuto, renewOnDemand, renewKeepWarm, didYouMean(r.Renew, all))
	}
	if err := checkValueNames("secrets", r.Secrets); err != nil {
		return err
	}
	if err := checkValueNames("variables", r.Variables); err != nil {
		return err
	}
	return r.checkLives()
}

// checkFields holds the fields that only some flows have against the role's flow.
func (r *roleEntry) checkFields(flow flows.Description) error {
	set := map[string]bool{
		"scopes": len(r.Scopes) > 0, "audience": len(r.Audience) > 0, "resource": len(r.Resource) > 0, "params": len(r.Params) > 0,
		"username": r.Username != "", "password": r.Password.IsSet(), "secrets": len(r.Secrets) > 0, "variables": len(r.Variables) > 0,
	}
	for _, field := range slices.Sorted(maps.Keys(set)) {
		if set[field] && !flow.Uses(field) {
			return fmt.Errorf("flow %s does not use %s (flow %s does): leave it out, or clear it with %s=", flow.Name, field, strings.Join(flows.Owner(field), ", "), field)
		}
	}
	for _, field := range flow.Required {
		if !set[field] {
			return fmt.Errorf("flow %s needs %s", flow.Name, field)
		}
	}
	return nil
}

func (r *roleEntry) checkLives() error {
	for _, life := range []struct {
		field string
		value time.Duration
	}{{"access_token_ttl", r.AccessTokenTTL}, {"max_ttl", r.MaxTTL}, {"min_ttl", r.MinTTL}} {
		if err := between(life.field, life.value, time.Second, longestLife); err != nil {
			return err
		}
	}
	if r.MaxTTL > 0 && r.MinTTL >= r.MaxTTL {
		return errors.New("min_ttl must be less than max_ttl: no token would ever be good enough")
	}
	if r.AccessTokenTTL > 0 && r.MinTTL >= r.AccessTokenTTL {
		return errors.New("min_ttl must be less than access_token_ttl: no token would ever be good enough")
	}
	return nil
}

// missingSecret returns the field without which no exchange can be tried.
func (r *roleEntry) missingSecret() string {
	if flow, ok := flows.Lookup(r.Flow); ok && slices.Contains(flow.Describe().Secret, "password") && !r.Password.IsSet() {
		return "password"
	}
	return ""
}

func loadRole(ctx context.Context, s logical.Storage, name string) (*roleEntry, error) {
	return loadNamed[roleEntry](ctx, s, rolePrefix, name)
}

// refreshesOnly tells whether the role has no way to a token but a refresh token.
func (r *roleEntry) refreshesOnly() bool {
	flow, ok := flows.Lookup(r.Flow)
	return ok && flow.Describe().NeedsRefreshToken
}

// followsDocument tells whether the role's tokens come by its config's login document.
func (r *roleEntry) followsDocument() bool { return flows.FollowsDocument(r.Flow) }
