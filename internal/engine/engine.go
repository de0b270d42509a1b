// SPDX-License-Identifier: MPL-2.0

// Package engine is the join: stored entries, the flow that obtains a token, the
// cache that says which token is current, the scheduler that renews it, and the
// order in which a refresh token is used. Of Vault it knows its storage, and the
// error by which Vault forwards a request. It speaks in typed errors; the words
// for people are the root's.
package engine

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// renewTime bounds one renewal: 15 s until it is admitted, three POSTs of a refresh
// token to a server that does not answer, and a login.
const renewTime = time.Minute

// Options are what an Engine needs of the mount.
type Options struct {
	Logger   func() hclog.Logger
	MayWrite func() error                        // returns logical.ErrReadOnly on a node that could not store a token
	Renewed  func(d *Definition, t *entry.Token) // hears of each token that was stored
	Failed   func(d *Definition, err error)      // hears of each failure to obtain one

	Flows      func(name string) (flows.Flow, bool) // nil: flows.Lookup
	SaveDelays []time.Duration                      // before the tries to store a token, while readers wait; nil: rotation.SaveDelays
}

// Engine obtains, keeps and renews the tokens of one mount. It holds nothing that
// storage or the servers could not give again, except tokens which could not be
// stored yet.
type Engine struct {
	options     Options
	accounts    Locks // of an account, over its login
	definitions *definitions
	tokens      *tokencache.Cache[*entry.Token]
	renewals    *refresh.Scheduler
	storage     atomic.Pointer[logical.Storage] // for renewals; set before they start
	instance    atomic.Pointer[string]          // tells this engine's intents from another's; random, no secret
}

// New makes an engine. Nothing runs before Start.
func New(o Options) *Engine {
	if o.Flows == nil {
		o.Flows = flows.Lookup
	}
	if o.SaveDelays == nil {
		o.SaveDelays = rotation.SaveDelays()
	}
	e := &Engine{
		options:     o,
		definitions: newDefinitions(o.Flows),
		tokens:      tokencache.New[*entry.Token](tokencache.Options{Limit: renewTime}),
	}
	e.renameInstance()
	e.renewals = e.newRenewals()
	return e
}

// renameInstance makes the intents that are stored a stranger's.
func (e *Engine) renameInstance() {
	name := rand.Text()
	e.instance.Store(&name)
}

// Start begins renewals in the background. It reads nothing and sends nothing itself.
func (e *Engine) Start(s logical.Storage) {
	e.storage.Store(&s)
	e.renewals.Start()
}

// Nudge has the scheduler look at the clock.
func (e *Engine) Nudge() { e.renewals.Nudge() }

// Close ends what is under way, by the end of ctx.
func (e *Engine) Close(ctx context.Context) {
	closed := make(chan struct{})
	go func() { // beside the other: what is on its way may use all the time there is
		defer close(closed)
		e.tokens.Close(ctx)
	}()
	if err := e.renewals.Stop(ctx); err != nil {
		e.options.Logger().Warn("a renewal is still under way after the engine was stopped")
	}
	<-closed
	e.definitions.forgetAll()
}

// Changed hears of a storage key that another node has written.
func (e *Engine) Changed(key string) {
	switch forgets, name := entry.Invalidated(key); forgets {
	case entry.AllRoles:
		e.definitions.forgetAll()
	case entry.OneRole:
		e.definitions.forgetRole(name)
	case entry.OneToken:
		e.tokens.Forget(key)
	}
}

// ForgetRole follows a write to a role.
func (e *Engine) ForgetRole(name string) { e.definitions.forgetRole(name) }

// ForgetRoles follows a write to a config or to the settings: any role may depend on it.
func (e *Engine) ForgetRoles() { e.definitions.forgetAll() }

// Define puts a role and its config together, for the token that all its readers
// share. It fails with *Unusable where the operator has to act.
func (e *Engine) Define(ctx context.Context, s logical.Storage, role string) (*Definition, error) {
	return e.definitions.get(ctx, s, role)
}

// Assemble is Define for a role and a config at hand, stored or not.
func (e *Engine) Assemble(ctx context.Context, s logical.Storage, name string, role *entry.Role, config *entry.Config) (*Definition, error) {
	return e.definitions.assemble(ctx, s, name, role, config)
}

// InUse tells whether the role's definition is in memory.
func (e *Engine) InUse(role string) bool { return e.definitions.roles.Contains(role) }

// Try obtains a token with the role's own credentials, for a person who wants to
// see whether that works. anew: the person has just changed something, so that
// earlier refusals of the account do not count. The token is nobody's before Grant.
func (e *Engine) Try(ctx context.Context, s logical.Storage, d *Definition, anew bool, trace *oauth.Trace) (*oauth.Token, error) {
	return e.loginOnce(ctx, s, d, loginWay{anew: anew, trace: trace})
}

// Failure returns the failure that is remembered for the token at the key.
func (e *Engine) Failure(key string) (*tokencache.RememberedError, bool) {
	return e.tokens.Failure(key)
}

// Waits tells whether readers of the token are kept from an exchange by an earlier failure.
func (e *Engine) Waits(d *Definition) bool {
	_, waiting := e.tokens.Waiting(d.Key, d.Revision)
	return waiting
}

// Job returns how the renewal of a token is.
func (e *Engine) Job(key refresh.Key) (refresh.JobStatus, bool) { return e.renewals.Look(key) }

// Status returns how renewal goes.
func (e *Engine) Status() refresh.Status { return e.renewals.Snapshot() }

// Quiet waits until no exchange for the token is under way, or ctx ends.
func (e *Engine) Quiet(ctx context.Context, d *Definition) { e.tokens.Quiet(ctx, d.Key) }
