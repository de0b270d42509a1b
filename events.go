// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// The events that Vault's subscribers hear. The names are part of the product:
// see docs/operations.md.
const (
	eventRenewed     = "oauth/token-renew"
	eventRenewFailed = "oauth/token-renew-fail"
	eventReauth      = "oauth/reauth-required"
)

// Sending an event is never worth a delay: it happens in the background, one at a time.
const (
	eventTime = time.Second
	maxEvents = 1000 // that wait; more are dropped
)

// events are on their way to Vault.
type events struct {
	mu      sync.Mutex // guards what follows
	waiting []func()
	sending bool
	closed  bool
}

// close drops what waits.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting, e.closed = nil, true
}

// add returns false if too many wait already.
func (e *events) add(send func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return true
	case len(e.waiting) >= maxEvents:
		return false
	}
	e.waiting = append(e.waiting, send)
	if !e.sending {
		e.sending = true
		go e.drain()
	}
	return true
}

func (e *events) drain() {
	for {
		e.mu.Lock()
		if len(e.waiting) == 0 {
			e.waiting, e.sending = nil, false
			e.mu.Unlock()
			return
		}
		next := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.mu.Unlock()
		next()
	}
}

// sendRenewed tells that a role has a new token.
func (b *backend) sendRenewed(d *engine.Definition, t *entry.Token) {
	b.tell(eventRenewed, d, "true", "generation", strconv.FormatUint(t.Generation(), 10), "expires", entry.Instant(t.Expires))
}

// sendFailed tells that no token could be obtained, and who is to act. A failure of
// the engine's own storage goes to Vault's log, since nobody else can say what it was.
func (b *backend) sendFailed(d *engine.Definition, err error) {
	failed, answered := errors.AsType[*oauth.Error](err)
	reauth, over := errors.AsType[*engine.ReauthError](err)
	account, counted := errors.AsType[*engine.AccountError](err)
	switch {
	case counted && account.Earlier, errors.Is(err, tokencache.ErrForgotten),
		errors.Is(err, tokencache.ErrClosed), errors.Is(err, logical.ErrReadOnly):
		// nothing was tried
	case over:
		if reauth.Now {
			b.tell(eventReauth, d, "false", "action_required_by", "operator")
		}
	case !answered:
		b.Logger().Error("a token could not be obtained: the engine or Vault's storage failed", "role", d.Name, "error", err)
		b.tell(eventRenewFailed, d, "false", "failure_class", "storage", "action_required_by", "operator")
	default:
		b.tell(eventRenewFailed, d, "false",
			"failure_class", failed.Kind.String(), "code", failed.Code, "host", failed.Host, "action_required_by", actionRequiredBy(failed))
	}
}

// tell sends one event about a role. It has no secret.
func (b *backend) tell(event string, d *engine.Definition, modified string, more ...string) {
	path := "token/" + d.Name
	pairs := append([]string{
		logical.EventMetadataPath, path, logical.EventMetadataDataPath, path,
		logical.EventMetadataOperation, "renew", logical.EventMetadataModified, modified,
		"role", d.Name, "config", d.Role.Config,
	}, more...)
	sent := b.events.add(func() {
		ctx, cancel := context.WithTimeout(context.Background(), eventTime)
		defer cancel()
		if err := logical.SendEvent(ctx, b, event, pairs...); err != nil && !errors.Is(err, framework.ErrNoEvents) {
			b.Logger().Debug("an event could not be sent", "event", event, "role", d.Name)
		}
	})
	if !sent {
		b.Logger().Warn("an event was dropped, as too many wait to be sent", "event", event, "role", d.Name)
	}
}
