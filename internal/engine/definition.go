// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"sync/atomic"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// Definition is a role with its config, ready for exchanges of one of its tokens.
// It is shared and, but for Memo, never changed.
type Definition struct {
	Name   string
	Role   *entry.Role
	Config *entry.Config
	About  flows.Description // of the flow

	Fingerprint string // see entry.Fingerprint
	Grant       string // see entry.Grant
	Revision    string // see entry.Revision; a new one lifts a remembered failure

	Target entry.Target // which of the role's tokens is meant
	Key    string       // of the token
	Job    refresh.Key  // of its renewal

	// Memo is what the engine's user remembers of the last answer.
	Memo atomic.Value

	flow    flows.Flow
	request flows.Request
}

// Problem is why a role cannot obtain a token as it stands.
type Problem int

// The problems.
const (
	NoRole Problem = iota
	NoConfig
	NotAllowed  // by the config's allowed_roles
	MovedAway   // the config points elsewhere than when the role's secrets were written
	UnknownFlow // of a later version
	NoEndpoint  // the config has no value for Field, which says where the flow's requests go
	NoServer    // the config cannot be used: Reason
	NotReady    // Unfit
)

// Unusable is a role that cannot obtain a token as it stands: the operator's to fix.
type Unusable struct {
	Problem Problem
	Name    string
	Role    *entry.Role   // nil: NoRole
	Config  *entry.Config // nil: NoRole, NoConfig
	Field   string
	Reason  string
	Unfit   *flows.Unfit
}

func (e *Unusable) Error() string { return "role " + e.Name + " cannot be used as it stands" }

// define puts a role and its config together.
func (ds *definitions) define(ctx context.Context, s logical.Storage, name string) (*Definition, error) {
	role, err := entry.LoadRole(ctx, s, name)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return nil, &Unusable{Problem: NoRole, Name: name}
	}
	config, err := entry.LoadConfig(ctx, s, role.Config)
	if err != nil {
		return nil, err
	}
	return ds.assemble(ctx, s, name, role, config)
}

// assemble is define for a role and a config at hand, stored or not.
func (ds *definitions) assemble(ctx context.Context, s logical.Storage, name string, role *entry.Role, config *entry.Config) (*Definition, error) {
	settings, err := entry.LoadSettings(ctx, s)
	if err != nil {
		return nil, err
	}
	flow, err := ds.usable(name, role, config)
	if err != nil {
		return nil, err
	}
	e := &Unusable{Name: name, Role: role, Config: config}
	made, err := ds.server(role.Config, config, settings.Guard())
	if err != nil {
		e.Problem, e.Reason = NoServer, err.Error()
		return nil, e
	}
	d := &Definition{
		Name: name, Role: role, Config: config, About: flow.Describe(),
		Grant: entry.Grant(role, config), Revision: entry.Revision(role, config, settings),
		flow: flow, request: role.Request(made),
	}
	if e.Unfit = flow.Ready(d.request); e.Unfit != nil {
		e.Problem = NotReady
		return nil, e
	}
	return d.aim(entry.Shared(role))
}

// For is the definition for another of the role's tokens.
func (d *Definition) For(target entry.Target) (*Definition, error) {
	other := &Definition{
		Name: d.Name, Role: d.Role, Config: d.Config, About: d.About, Grant: d.Grant, Revision: d.Revision,
		flow: d.flow, request: d.Role.Request(d.request.Server),
	}
	return other.aim(target)
}

// like is the definition for the same token as the other's, which may be of the
// role as it was before.
func (d *Definition) like(other *Definition) *Definition {
	if d.Key == other.Key {
		return d
	}
	same, err := d.For(other.Target)
	if err != nil {
		return other
	}
	return same
}

// aim has the definition be about one token.
func (d *Definition) aim(target entry.Target) (*Definition, error) {
	key, err := target.Key()
	if err != nil {
		return nil, err
	}
	d.Target, d.Key, d.Job = target, key, refresh.Key{Role: d.Name, Token: key}
	d.Fingerprint = entry.Fingerprint(d.Role, d.Config, target.Ask)
	d.request = target.Ask.Narrow(d.request)
	return d, nil
}

// usable returns the role's flow, or why nothing can be sent for the role.
func (ds *definitions) usable(name string, role *entry.Role, config *entry.Config) (flows.Flow, error) {
	e := &Unusable{Name: name, Role: role, Config: config}
	flow, known := ds.flows(role.Flow)
	switch {
	case config == nil:
		e.Problem = NoConfig
	case !config.Allows(name):
		e.Problem = NotAllowed
	case role.Homeless(config):
		e.Problem = MovedAway
	case !known:
		e.Problem = UnknownFlow
	case !entry.ConfigFields.IsSet(config, flow.Describe().Endpoint):
		e.Problem, e.Field = NoEndpoint, flow.Describe().Endpoint
	default:
		return flow, nil
	}
	return nil, e
}

// Host is where the token comes from.
func (d *Definition) Host() string { return d.flow.Host(d.request.Server) }

// Use is how a request to the API carries the token.
func (d *Definition) Use(token secret.String) flows.Use { return d.flow.Use(d.request, token) }

// Need is what a reader wants who asks for minTTL seconds, or with 0 for no
// life in particular.
func (d *Definition) Need(minTTL int) tokencache.Need {
	return tokencache.Need{Fingerprint: d.Fingerprint, Revision: d.Revision, MinTTL: d.Role.MinTTL, CallerMinTTL: max(d.Role.MinTTL, field.Seconds(minTTL))}
}
