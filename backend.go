// SPDX-License-Identifier: MPL-2.0

// Package oauthsecrets is a Vault secrets engine that hands applications OAuth
// 2.0 tokens and keeps client secrets, passwords and refresh tokens to itself.
package oauthsecrets

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// closeTime bounds Cleanup: Vault holds a lock over all mounts of the process meanwhile.
const closeTime = 2 * time.Second

// backend is one mount: Vault's face of the engine.
type backend struct {
	*framework.Backend

	engine *engine.Engine
	names  engine.Locks // of an entry, over its read-modify-write
	events events
}

// Factory returns the factory of a backend that reports a version of the form
// v1.2.3 to Vault, or none if it is empty.
func Factory(version string) logical.Factory {
	return func(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
		b := newBackend(version)
		if err := b.Setup(ctx, conf); err != nil {
			return nil, err
		}
		return b, nil
	}
}

func newBackend(version string) *backend { return newBackendOf(version, engine.Options{}) }

// newBackendOf is newBackend with an engine of other options than the usual ones.
func newBackendOf(version string, o engine.Options) *backend {
	b := new(backend)
	o.Logger, o.MayWrite, o.Renewed, o.Failed = func() hclog.Logger { return b.Logger() }, b.mayWrite, b.sendRenewed, b.sendFailed
	b.engine = engine.New(o)
	b.Backend = &framework.Backend{
		BackendType:    logical.TypeLogical,
		RunningVersion: version,
		Help:           strings.TrimSpace(backendHelp),
		Paths: framework.PathAppend( // what applications read comes first: patterns are tried in order
			b.pathCreds(),
			b.pathToken(),
			b.pathImport(),
			b.pathTrial(),
			b.pathRoles(),
			b.pathConfig(),
			b.pathRebind(),
			b.pathStatus(),
			b.pathSettings(),
		),
		Secrets: []*framework.Secret{b.secretToken()},
		PathsSpecial: &logical.Paths{
			SealWrapStorage: entry.SealWrapped(),
			Root:            []string{"rebind/*"},
		},
		InitializeFunc: b.initialize,
		PeriodicFunc:   b.periodic,
		Invalidate:     b.invalidate,
		Clean:          b.clean,
	}
	return b
}

// initialize is called at unseal, at failover and after a restart of the plugin,
// under Vault's core lock: it reads nothing and sends nothing itself.
func (b *backend) initialize(_ context.Context, req *logical.InitializationRequest) error {
	if b.mayWrite() == nil { // else another node renews
		b.engine.Start(req.Storage)
	}
	return nil
}

// periodic is called under Vault's core lock, too.
func (b *backend) periodic(context.Context, *logical.Request) error {
	b.engine.Nudge()
	return nil
}

// invalidate hears of keys that another node has written.
func (b *backend) invalidate(_ context.Context, key string) { b.engine.Changed(key) }

func (b *backend) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	b.engine.Close(ctx)
	b.events.close()
}

// mayWrite returns logical.ErrReadOnly, by which Vault forwards the request, on
// a node that could not store the token. The error must stay as it is: it
// crosses the plugin boundary as text.
func (b *backend) mayWrite() error {
	system := b.System()
	state := system.ReplicationState()
	if state.HasState(consts.ReplicationPerformanceStandby) ||
		state.HasState(consts.ReplicationPerformanceSecondary) && !system.LocalMount() {
		return logical.ErrReadOnly
	}
	return nil
}

const backendHelp = `
The OAuth secrets engine hands out access tokens and keeps what they are obtained with.

Say once how to talk to an authorization server (config/<name>) and which token is wanted (roles/<name>). Applications then read
creds/<role>, for a token with a lease, or token/<role>, for one without. Tokens are obtained when first asked for, kept, shared among
readers, and replaced before they expire. Client secrets, passwords and refresh tokens are never shown.
`
