// SPDX-License-Identifier: MPL-2.0

// Package oauthsecrets is a Vault secrets engine that hands applications OAuth
// 2.0 tokens and keeps client secrets, passwords and refresh tokens to itself.
package oauthsecrets

import (
	"context"
	"crypto/rand"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// closeTime bounds Cleanup: Vault holds a lock over all mounts of the process meanwhile.
const closeTime = 2 * time.Second

// mintTime bounds one renewal: 15 s until it is admitted, three POSTs of a refresh
// token to a server that does not answer, and a login.
const mintTime = time.Minute

// backend is one mount. It holds nothing that storage or the servers could not
// give again, except tokens which could not be stored yet.
type backend struct {
	*framework.Backend

	names       nameLocks // of an entry, over its read-modify-write, or of an account, over its login
	definitions *definitions
	tokens      *tokencache.Cache[*entry.Token]
	renewals    *refresh.Scheduler
	storage     atomic.Pointer[logical.Storage] // for renewals; set before they start
	instance    atomic.Pointer[string]          // tells this backend's intents from another's; random, no secret
	saveDelays  []time.Duration                 // before the tries to store a token, while readers wait
	events      events
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

func newBackend(version string) *backend {
	b := &backend{
		definitions: newDefinitions(),
		tokens:      tokencache.New[*entry.Token](tokencache.Options{Limit: mintTime}),
		saveDelays:  rotation.SaveDelays(),
	}
	b.renameInstance()
	b.renewals = b.newRenewals()
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

// renameInstance makes the intents that are stored a stranger's.
func (b *backend) renameInstance() {
	name := rand.Text()
	b.instance.Store(&name)
}

func (b *backend) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	closed := make(chan struct{})
	go func() { // beside the other: what is on its way may use all the time there is
		defer close(closed)
		b.tokens.Close(ctx)
	}()
	if err := b.renewals.Stop(ctx); err != nil {
		b.Logger().Warn("a renewal is still under way after the engine was stopped")
	}
	<-closed
	b.events.close()
	b.definitions.forgetAll()
}

const backendHelp = `
The OAuth secrets engine hands out access tokens and keeps what they are obtained with.

Say once how to talk to an authorization server (config/<name>) and which token is wanted (roles/<name>). Applications then read
creds/<role>, for a token with a lease, or token/<role>, for one without. Tokens are obtained when first asked for, kept, shared among
readers, and replaced before they expire. Client secrets, passwords and refresh tokens are never shown.
`
