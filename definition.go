// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// definition is a role with its config, ready for an exchange. It is shared
// and never changed.
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
}

// operatorError is a definition that cannot be used as it stands: the
// operator's to mend, answered with 400.
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
	d := &definition{name: name, role: role, config: config, flow: flow}
	if d.request, err = d.requestWith(client, settings.guard()); err != nil {
		return nil, err
	}
	d.grant = digest(role.Config, config.ClientID, config.TokenURL, role.Flow, role.Username)
	d.fingerprint = digest(d.grant, config.Params, role.Scopes, role.Audience, role.Resource, role.Params)
	d.truth = digest(role.ID, role.Revision, config.DestinationID, config.Revision, settings.Revision)
	d.key, err = tokenKey(role.ID, sharedHolder)
	return d, err
}

// usable refuses, before anything is sent, what the operator has to mend.
func usable(role *roleEntry, config *configEntry, mount, name string) error {
	switch {
	case config == nil:
		return operatorError(fmt.Sprintf("role %s uses config %s, which does not exist: write it with \"vault write %sconfig/%s ...\"", name, role.Config, mount, role.Config))
	case !config.allows(name):
		return operatorError(fmt.Sprintf("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", role.Config, name, mount, role.Config))
	case role.hasSecret() && role.SecretsFor != config.DestinationID && !config.Rebound:
		return operatorError(fmt.Sprintf("config %s now points elsewhere: write the role's secret again (vault write %sroles/%s password=...), or accept the move for all its roles (vault write -force %srebind/%s)",
			role.Config, mount, name, mount, role.Config))
	case config.missingSecret() != "":
		return operatorError(fmt.Sprintf("config %s has no %s yet: vault write %sconfig/%s %s=...", role.Config, config.missingSecret(), mount, role.Config, config.missingSecret()))
	case role.missingSecret() != "":
		return operatorError(fmt.Sprintf("role %s has no %s yet: vault write %sroles/%s %s=...", name, role.missingSecret(), mount, name, role.missingSecret()))
	}
	return nil
}

func (d *definition) requestWith(client clientMaker, guard transport.Guard) (flows.Request, error) {
	http, err := client(d.role.Config, d.config, guard)
	if err != nil {
		return flows.Request{}, operatorError(fmt.Sprintf("config %s: %s", d.role.Config, err))
	}
	return flows.Request{
		Client: &oauth.Client{
			HTTP: http, TokenURL: d.config.TokenURL, ID: d.config.ClientID, Secret: d.config.ClientSecret,
			Method: d.config.AuthMethod, RawBasic: d.config.BasicEncoding == basicRaw,
			Header: d.config.Headers, Params: d.config.Params,
		},
		Scopes: d.role.Scopes, Audience: d.role.Audience, Resource: d.role.Resource, Params: d.role.Params,
		Username: d.role.Username, Password: d.role.Password,
	}, nil
}

// need is what a reader wants who asks for minTTL seconds, or with 0 for no
// life in particular.
func (d *definition) need(minTTL int) tokencache.Need {
	return tokencache.Need{Fingerprint: d.fingerprint, Truth: d.truth, MinTTL: d.role.MinTTL, Raise: max(d.role.MinTTL, seconds(minTTL))}
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

// hotDefinitions bounds the definitions in memory; the rest is read again when needed.
const hotDefinitions = 10_000

// definitions remembers what define made, until something under it is written.
type definitions struct {
	roles *lru.Cache[string, *definition]

	mu      sync.Mutex
	epoch   uint64             // counts forgets; guarded by mu
	clients map[string]*client // by config; guarded by mu
}

func newDefinitions() *definitions {
	roles, err := lru.New[string, *definition](hotDefinitions)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &definitions{roles: roles, clients: make(map[string]*client)}
}

// get returns the role's definition. What is written while define reads must
// not be hidden by what it read before: then nothing is remembered.
func (ds *definitions) get(ctx context.Context, s logical.Storage, mount, role string) (*definition, error) {
	if d, ok := ds.roles.Get(role); ok {
		return d, nil
	}
	ds.mu.Lock()
	epoch := ds.epoch
	ds.mu.Unlock()

	d, err := define(ctx, s, mount, role, ds.client)
	if err != nil {
		return nil, err
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.epoch == epoch {
		ds.roles.Add(role, d)
	}
	return d, nil
}

func (ds *definitions) forgetRole(role string) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.epoch++
	ds.roles.Remove(role)
}

// forgetAll is for writes under which any role may lie, and those are rare.
func (ds *definitions) forgetAll() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.epoch++
	ds.roles.Purge()
	for _, c := range ds.clients {
		c.http.CloseIdleConnections()
	}
	clear(ds.clients)
}
