// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// definition is a role with its config, ready for an exchange. It is shared
// and, but for lastAnswer, never changed.
type definition struct {
	name    string
	role    *roleEntry
	config  *configEntry
	flow    flows.Flow
	request flows.Request

	// fingerprint stands for all that shapes a token; a token with another one
	// is not served. Secrets and lifetimes are not in it: changing one replaces
	// no token.
	fingerprint string
	// grant stands for what a refresh token is bound to.
	grant string
	// truth changes with every write to role, config or settings, and lifts a remembered failure.
	truth string
	key   string // of the shared token
	job   string // of its renewal

	lastAnswer atomic.Pointer[steadyAnswer] // of the token read last
}

// operatorError is a definition that cannot be used as it stands: the
// operator's to fix, answered with 400.
type operatorError string

func (e operatorError) Error() string { return string(e) }

// define puts a role and its config together. mount is for the commands in errors.
func define(ctx context.Context, s logical.Storage, mount, name string, client clientMaker) (*definition, error) {
	role, err := loadRole(ctx, s, name)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return nil, operatorError(fmt.Sprintf("no role named %s; see \"vault list %sroles\"", name, mount))
	}
	config, err := loadConfig(ctx, s, role.Config)
	if err != nil {
		return nil, err
	}
	return assemble(ctx, s, mount, name, role, config, client)
}

// assemble is define for a role and a config at hand, stored or not.
func assemble(ctx context.Context, s logical.Storage, mount, name string, role *roleEntry, config *configEntry, client clientMaker) (*definition, error) {
	settings, err := loadSettings(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := usable(role, config, mount, name); err != nil {
		return nil, err
	}
	flow, ok := flows.Lookup(role.Flow)
	if !ok {
		return nil, operatorError(fmt.Sprintf("role %s was written for flow %s, which this version of the engine does not have", name, role.Flow))
	}
	made, err := client(role.Config, config, settings.guard())
	if err != nil {
		return nil, operatorError(fmt.Sprintf("config %s: %s", role.Config, err))
	}
	d := &definition{name: name, role: role, config: config, flow: flow, request: requestOf(role, config, made)}
	if missing := d.missingValue(); missing != "" {
		return nil, operatorError(fmt.Sprintf("the login document of config %s uses {{%s}}, for which role %s has no value: vault write %s", role.Config, missing, name, supply(mount, name, role, config, missing)))
	}
	if d.request.Document != nil {
		if err := d.request.Document.CheckUse(d.request.Values); err != nil {
			return nil, operatorError(fmt.Sprintf("the login document of config %s cannot be filled in for role %s: %s", role.Config, name, err))
		}
	}
	d.grant = digest(role.Config, config.ClientID, config.TokenURL, role.Flow, role.Username)
	d.fingerprint = digest(d.grant, config.Params, role.Scopes, role.Audience, role.Resource, role.Params)
	if d.request.Document != nil {
		d.fingerprint = digest(d.grant, config.BaseURL, config.Login, over(role.Variables, config.Variables))
	}
	d.truth = digest(role.ID, role.Revision, config.DestinationID, config.Revision, settings.Revision)
	d.key, err = tokenKey(role.ID, sharedHolder)
	d.job = jobKey(name, d.key)
	return d, err
}

// usable refuses, before anything is sent, what the operator has to fix.
func usable(role *roleEntry, config *configEntry, mount, name string) error {
	switch {
	case config == nil:
		return operatorError(fmt.Sprintf("role %s uses config %s, which does not exist: write it with \"vault write %sconfig/%s ...\"", name, role.Config, mount, role.Config))
	case !config.allows(name):
		return operatorError(fmt.Sprintf("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", role.Config, name, mount, role.Config))
	case role.hasSecret() && role.SecretsFor != config.DestinationID && !config.Rebound:
		return operatorError(fmt.Sprintf("%s: write the role's secret again (vault write %sroles/%s %s=...), or accept the move for all its roles (vault write -force %srebind/%s)",
			config.pointsElsewhere(role.Config), mount, name, strings.Join(role.secretsHeld(), "=... "), mount, role.Config))
	case role.followsDocument() && config.Login == "":
		return operatorError(fmt.Sprintf("role %s has flow %s, and config %s has no login document: vault write %sconfig/%s login=@login.json", name, role.Flow, role.Config, mount, role.Config))
	case role.followsDocument(): // what the document needs is another question
	case config.TokenURL == "":
		return operatorError(fmt.Sprintf("role %s has flow %s, and config %s has no token_url: vault write %sconfig/%s token_url=...", name, role.Flow, role.Config, mount, role.Config))
	case config.missingSecret() != "":
		return operatorError(fmt.Sprintf("config %s has no %s yet: vault write %sconfig/%s %s=...", role.Config, config.missingSecret(), mount, role.Config, config.missingSecret()))
	case role.missingSecret() != "":
		return operatorError(fmt.Sprintf("role %s has no %s yet: vault write %sroles/%s %s=...", name, role.missingSecret(), mount, name, role.missingSecret()))
	}
	return nil
}

func requestOf(role *roleEntry, config *configEntry, made *client) flows.Request {
	r := flows.Request{
		Client: &oauth.Client{
			HTTP: made.http, TokenURL: config.TokenURL, ID: config.ClientID, Secret: config.ClientSecret,
			Method: config.AuthMethod, RawBasic: config.BasicEncoding == basicRaw,
			Header: config.Headers, Params: config.Params,
		},
		Scopes: role.Scopes, Audience: role.Audience, Resource: role.Resource, Params: role.Params,
		Username: role.Username, Password: role.Password,
	}
	if role.followsDocument() {
		r.Document, r.Values = made.document, valuesOf(role, config)
	}
	return r
}

// host is where the token comes from.
func (d *definition) host() string {
	if d.request.Document != nil {
		return d.config.loginHost(d.request.Document)
	}
	return d.config.host()
}

// need is what a reader wants who asks for minTTL seconds, or with 0 for no
// life in particular.
func (d *definition) need(minTTL int) tokencache.Need {
	return tokencache.Need{Fingerprint: d.fingerprint, Revision: d.truth, MinTTL: d.role.MinTTL, CallerMinTTL: max(d.role.MinTTL, seconds(minTTL))}
}

// digest tells apart any two lists of values; JSON gives maps one order.
func digest(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings, numbers, lists and maps of them always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
