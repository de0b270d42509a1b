// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// rotator is a server that rotates refresh tokens, without a network, and the
// flow that asks it. A used token, past the grace, ends the whole grant.
type rotator struct {
	flows.Flow

	life        time.Duration // of access tokens
	grace       time.Duration
	refreshLife time.Duration // of refresh tokens, as the answer says; 0: it does not
	session     time.Duration // from a login; nothing is refreshed afterwards, as the answer says; 0: no end

	befalls func(n int) error // what becomes of the nth exchange's answer; nil: it arrives
	once    bool              // its access tokens are good for one use
	refuses bool              // refuses refresh tokens, for no good reason
	before  func()            // runs when an exchange arrives

	exchanges, logins, refused int
	newest                     int
	used                       map[int]time.Time
	dead                       bool
	since                      time.Time // of the login
}

func (r *rotator) answer(sent int) (*oauth.Token, error) {
	r.newest++
	if sent > 0 && r.used[sent].IsZero() {
		r.used[sent] = time.Now()
	}
	if r.befalls != nil {
		if err := r.befalls(r.exchanges); err != nil {
			return nil, err
		}
	}
	now := time.Now().Round(0)
	return &oauth.Token{
		AccessToken: secret.String(fmt.Sprintf("access-%d", r.newest)), TokenType: "Bearer",
		RefreshToken: refreshToken(r.newest), RefreshEnds: later(now, r.refreshLife), Issued: now, Expires: now.Add(r.life),
		UseOnce: r.once, SessionEnds: later(r.since.Round(0), r.session),
	}, nil
}

func refreshToken(n int) secret.String { return secret.String(fmt.Sprintf("refresh-%d", n)) }

func (r *rotator) Mint(ctx context.Context, request flows.Request) (*oauth.Token, error) {
	if r.Describe().NeedsRefreshToken {
		return r.Flow.Mint(ctx, request) // which has nothing to do it with
	}
	return r.tokenByLogin()
}

// tokenByLogin is what gave the first refresh token, too.
func (r *rotator) tokenByLogin() (*oauth.Token, error) {
	r.exchanges++
	r.logins++
	r.used, r.dead, r.since = map[int]time.Time{}, false, time.Now()
	return r.answer(0)
}

func (r *rotator) Refresh(_ context.Context, _ flows.Request, held flows.Held) (*oauth.Token, error) {
	r.exchanges++
	if r.before != nil {
		r.before()
	}
	var sent int
	_, err := fmt.Sscanf(held.RefreshToken.Reveal(), "refresh-%d", &sent)
	used := r.used[sent]
	reused := !used.IsZero() && time.Since(used) > r.grace
	if r.dead = r.dead || reused; err != nil || r.dead || r.refuses || r.session > 0 && time.Since(r.since) >= r.session {
		r.refused++
		return nil, &oauth.Error{Kind: oauth.Refused, Host: "h", Status: 400, Code: "invalid_grant"}
	}
	return r.answer(sent)
}

// What may befall an answer.
var (
	errLost   = &oauth.Error{Kind: oauth.Ambiguous, Host: "h", Reason: "no whole answer"}
	errUnread = &oauth.Error{Kind: oauth.Malformed, Host: "h", Reason: "the answer is not JSON"}
)

// lose loses the answers with these numbers.
func lose(err error, numbers ...int) func(int) error {
	return func(n int) error {
		for _, number := range numbers {
			if n == number {
				return err
			}
		}
		return nil
	}
}

// world is one role at a rotator, in a bubble of synctest. Its backend can be
// exchanged for another over the same storage.
type world struct {
	*testing.T
	server  *rotator
	flow    flows.Flow // by which the role has its tokens: server, or one that wraps it
	others  map[string]flows.Flow
	storage *faultyStorage
	b       *backend
	key     string // of the token
}

// inWorld runs a test with a role that has tokens from a rotator: of flow
// refresh_token with a first one imported, or of flow password.
func inWorld(t *testing.T, flow string, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		lookedUp, _ := flows.Lookup(flow)
		w := &world{
			T: t, storage: &faultyStorage{Storage: new(logical.InmemStorage)},
			server: &rotator{Flow: lookedUp, life: time.Hour, grace: 30 * time.Second},
		}
		w.flow = w.server
		config := entry.NewConfig()
		config.DestinationID, config.TokenURL, config.ClientID = "d", "https://h/token", "app"
		config.Auth = field.Own{"client_secret": secret.String(clientSecret)}
		require.NoError(t, config.Save(t.Context(), w.storage, "c"))
		w.key = w.put("r", "id", flow)
		w.another()
		first, err := w.server.tokenByLogin()
		require.NoError(t, err)
		require.NoError(t, w.b.engine.Grant(t.Context(), w.storage, w.defined(), first))
		synctest.Wait() // for the event of the first token
		test(w)
		w.b.Clean(context.Background())
	})
}

// put stores a role, and returns the key of its token.
func (w *world) put(name, id, flow string) string {
	w.Helper()
	role := entry.NewRole()
	role.ID, role.Config, role.Flow = id, "c", flow
	if flow != imported {
		role.Own, role.SecretsFor = field.Own{"username": "user of " + id, "password": secret.String(userPassword)}, "d"
	}
	putRole(w, w.storage, name, role)
	key, err := entry.Shared(role).Key()
	require.NoError(w, err)
	return key
}

// another is a backend that has never heard of the last one.
func (w *world) another() {
	w.Helper()
	w.b = newBackendOf("", engine.Options{Flows: func(name string) (flows.Flow, bool) {
		if other, is := w.others[name]; is {
			return other, true
		}
		return w.flow, true
	}})
	require.NoError(w, w.b.Setup(context.Background(), logical.TestBackendConfig()))
}

// use has the role obtain its tokens by another flow.
func (w *world) use(flow flows.Flow) {
	w.flow = flow
	w.b.engine.ForgetRoles()
}

// defined is the role's definition.
func (w *world) defined() *engine.Definition {
	w.Helper()
	d, err := w.b.engine.Define(context.Background(), w.storage.Storage, "r")
	require.NoError(w, err)
	return d
}

// change is a write to the role.
func (w *world) change(change func(*entry.Role)) {
	w.Helper()
	role, err := entry.LoadRole(context.Background(), w.storage.Storage, "r")
	require.NoError(w, err)
	change(role)
	role.Revision++
	putRole(w, w.storage, "r", role)
	w.b.engine.ForgetRole("r")
}

// changed is a write that changes nothing about tokens.
func (w *world) changed() { w.change(func(*entry.Role) {}) }

// moved is a write that points the config elsewhere.
func (w *world) moved() {
	w.Helper()
	config, err := entry.LoadConfig(context.Background(), w.storage.Storage, "c")
	require.NoError(w, err)
	config.Move([]string{"token_url"})
	config.Revision++
	require.NoError(w, config.Save(context.Background(), w.storage.Storage, "c"))
	w.b.engine.ForgetRoles()
}

func (w *world) renew() (*logical.Response, error) {
	return w.b.HandleRequest(context.Background(), &logical.Request{Operation: logical.UpdateOperation, Path: "token/r/renew", Storage: w.storage})
}

func (w *world) read() (*logical.Response, error) {
	return w.b.HandleRequest(context.Background(), &logical.Request{Operation: logical.ReadOperation, Path: "token/r", Storage: w.storage})
}

// renews is renew with the newest token.
func (w *world) renews() {
	w.Helper()
	resp, err := w.renew()
	require.NoError(w, err)
	require.NoError(w, resp.Error())
	require.Empty(w, resp.Warnings)
	require.Equal(w, fmt.Sprintf("access-%d", w.server.newest), resp.Data["access_token"])
	require.Equal(w, refreshToken(w.server.newest), w.state().Current)
}

// stored is the token as storage has it.
func (w *world) stored() *entry.Token {
	w.Helper()
	held, err := entry.LoadToken(context.Background(), w.storage.Storage, w.key)
	require.NoError(w, err)
	require.NotNil(w, held)
	return held
}

func (w *world) state() rotation.State {
	w.Helper()
	return w.stored().Refresh
}

// later is start + d, or zero where d is.
func later(start time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return start.Add(d)
}
