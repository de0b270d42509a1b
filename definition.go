// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"sync/atomic"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// definition is a role with its config, ready for an exchange. It is shared
// and, but for lastAnswer, never changed.
type definition struct {
	name    string
	role    *entry.Role
	config  *entry.Config
	flow    flows.Flow
	about   flows.Description // of flow
	request flows.Request

	fingerprint string // see entry.Fingerprint
	grant       string // see entry.Grant
	revision    string // see entry.Revision; a new one lifts a remembered failure
	target      entry.Target
	key         string      // of the token
	job         refresh.Key // of its renewal

	lastAnswer atomic.Pointer[steadyAnswer] // of the token read last
}

// reasonUnusable is why a role cannot obtain a token as it stands.
type reasonUnusable int

const (
	noRole reasonUnusable = iota
	noConfig
	notAllowed  // by the config's allowed_roles
	movedAway   // the config points elsewhere than when the role's secrets were written
	unknownFlow // of a later version
	noEndpoint  // the config has no value for field, which says where the flow's requests go
	noServer    // the config cannot be used: reason
	notReady    // unfit
)

// unusable is a role that cannot obtain a token as it stands: the operator's to fix.
type unusable struct {
	kind   reasonUnusable
	name   string
	role   *entry.Role   // nil: noRole
	config *entry.Config // nil: noRole, noConfig
	field  string
	reason string
	unfit  *flows.Unfit
}

func (e *unusable) Error() string { return "role " + e.name + " cannot be used as it stands" }

// define puts a role and its config together.
func define(ctx context.Context, s logical.Storage, name string, server serverMaker) (*definition, error) {
	role, err := entry.LoadRole(ctx, s, name)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return nil, &unusable{kind: noRole, name: name}
	}
	config, err := entry.LoadConfig(ctx, s, role.Config)
	if err != nil {
		return nil, err
	}
	return assemble(ctx, s, name, role, config, server)
}

// assemble is define for a role and a config at hand, stored or not.
func assemble(ctx context.Context, s logical.Storage, name string, role *entry.Role, config *entry.Config, server serverMaker) (*definition, error) {
	settings, err := entry.LoadSettings(ctx, s)
	if err != nil {
		return nil, err
	}
	flow, err := usable(name, role, config)
	if err != nil {
		return nil, err
	}
	e := &unusable{name: name, role: role, config: config}
	made, err := server(role.Config, config, settings.Guard())
	if err != nil {
		e.kind, e.reason = noServer, err.Error()
		return nil, e
	}
	request := role.Request(made)
	if e.unfit = flow.Ready(request); e.unfit != nil {
		e.kind = notReady
		return nil, e
	}
	target := entry.Shared(role)
	d := &definition{
		name: name, role: role, config: config, flow: flow, about: flow.Describe(), request: request,
		fingerprint: entry.Fingerprint(role, config, target.Ask), grant: entry.Grant(role, config),
		revision: entry.Revision(role, config, settings), target: target,
	}
	d.key, err = target.Key()
	d.job = refresh.Key{Role: name, Token: d.key}
	return d, err
}

// usable returns the role's flow, or why nothing can be sent for the role.
func usable(name string, role *entry.Role, config *entry.Config) (flows.Flow, error) {
	e := &unusable{name: name, role: role, config: config}
	flow, known := flows.Lookup(role.Flow)
	switch {
	case config == nil:
		e.kind = noConfig
	case !config.Allows(name):
		e.kind = notAllowed
	case role.Homeless(config):
		e.kind = movedAway
	case !known:
		e.kind = unknownFlow
	case !entry.ConfigFields.IsSet(config, flow.Describe().Endpoint):
		e.kind, e.field = noEndpoint, flow.Describe().Endpoint
	default:
		return flow, nil
	}
	return nil, e
}

// host is where the token comes from.
func (d *definition) host() string { return d.flow.Host(d.request.Server) }

// need is what a reader wants who asks for minTTL seconds, or with 0 for no
// life in particular.
func (d *definition) need(minTTL int) tokencache.Need {
	return tokencache.Need{Fingerprint: d.fingerprint, Revision: d.revision, MinTTL: d.role.MinTTL, CallerMinTTL: max(d.role.MinTTL, field.Seconds(minTTL))}
}
