// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/helper/testhelpers/schema"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// What no answer, error or log line may ever have in it.
const (
	clientSecret = "canary-client/s3cret+%"
	userPassword = "canary-passw0rd &="
)

// fields are the data of a request.
type fields = map[string]any

// mount is a backend on its storage, used as Vault would use it.
type mount struct {
	t       testing.TB
	b       *backend
	storage *faultyStorage
	view    *logical.StaticSystemView
	log     *lockedBuffer
	server  *oauthtest.Server // nil without newMountAndServer
}

func newMount(t testing.TB) *mount {
	m := &mount{t: t, storage: &faultyStorage{Storage: new(logical.InmemStorage)}}
	m.start()
	return m
}

// start puts a new backend on the storage, as a restart of the plugin does.
func (m *mount) start() {
	m.t.Helper()
	m.log = new(lockedBuffer)
	conf := logical.TestBackendConfig()
	conf.StorageView = m.storage
	conf.Logger = hclog.New(&hclog.LoggerOptions{Output: m.log, Level: hclog.Trace, JSONFormat: true})
	m.view = conf.System.(*logical.StaticSystemView)
	m.view.PluginEnvironment = &logical.PluginEnvironment{VaultVersion: "1.21.0"} // the root's help asks for it
	m.b = newBackendOf("v0.0.0", engine.Options{SaveDelays: []time.Duration{0}})
	require.NoError(m.t, m.b.Setup(m.t.Context(), conf))
	b, log := m.b, m.log
	m.t.Cleanup(func() {
		b.Clean(context.Background())
		m.hasNoSecret(log.String())
	})
}

// newMountAndServer has a config main for the server, and roles app
// (client_credentials) and user (password).
func newMountAndServer(t testing.TB, options ...oauthtest.Option) *mount {
	m := newMount(t)
	m.server = oauthtest.New(t, options...)
	m.server.Client("app", clientSecret)
	m.server.User("alice", userPassword)
	m.ok(logical.UpdateOperation, "settings", fields{"allow_loopback": true})
	m.ok(logical.UpdateOperation, "config/main", fields{
		"token_url": m.server.TokenURL(), "client_id": "app", "client_secret": clientSecret, "allow_http": true,
	})
	m.ok(logical.UpdateOperation, "roles/app", fields{"config": "main", "scopes": "a b"})
	m.ok(logical.UpdateOperation, "roles/user", fields{"config": "main", "flow": "password", "username": "alice", "password": userPassword})
	return m
}

// do sends one request: the data as JSON over the plugin boundary, and an
// update turned into a create where the existence check says so.
func (m *mount) do(op logical.Operation, path string, data fields) (*logical.Response, error) {
	m.t.Helper()
	return m.doCtx(m.t.Context(), op, path, data)
}

func (m *mount) doCtx(ctx context.Context, op logical.Operation, path string, data fields) (*logical.Response, error) {
	m.t.Helper()
	req := &logical.Request{Operation: op, Path: path, Storage: m.storage, MountPoint: "oauth/", Data: asJSON[fields](m.t, data)}
	if name, ok := strings.CutPrefix(path, "roles/"); ok && op == logical.UpdateOperation && !strings.Contains(name, "/") && req.Data["verify"] == nil {
		req.Data = with(req.Data, fields{"verify": "off"}) // most tests count exchanges
	}
	if op == logical.UpdateOperation {
		found, exists, err := m.b.HandleExistenceCheck(ctx, req)
		if err != nil {
			return nil, err
		}
		if found && !exists {
			req.Operation = logical.CreateOperation
		}
	}
	resp, err := m.b.HandleRequest(ctx, req)
	m.checked(req, resp, err)
	return resp, err
}

// checked holds every answer against the declared schema, and for secrets.
func (m *mount) checked(req *logical.Request, resp *logical.Response, err error) {
	m.t.Helper()
	if err != nil {
		m.hasNoSecret(err.Error())
	}
	if resp == nil {
		return
	}
	text, encodeErr := json.Marshal(resp.Data)
	require.NoError(m.t, encodeErr)
	m.hasNoSecret(string(text) + strings.Join(resp.Warnings, "\n"))
	if resp.IsError() || len(resp.Data) == 0 || req.Operation == logical.HelpOperation {
		return
	}
	operation := m.b.Route(req.Path).Operations[req.Operation]
	declared := operation.Properties().Responses[http.StatusOK]
	require.Len(m.t, declared, 1, "%s %s returns data and declares none", req.Operation, req.Path)
	schema.ValidateResponse(m.t.(*testing.T), &declared[0], resp, true)
}

func (m *mount) hasNoSecret(text string) {
	m.t.Helper()
	for _, secret := range []string{clientSecret, userPassword, "canary-"} {
		require.NotContains(m.t, text, secret)
	}
}

// ok sends a request that succeeds.
func (m *mount) ok(op logical.Operation, path string, data fields) *logical.Response {
	m.t.Helper()
	resp, err := m.do(op, path, data)
	require.NoError(m.t, err, "%s %s", op, path)
	if resp.IsError() {
		m.t.Fatalf("%s %s: %v", op, path, resp.Error())
	}
	return resp
}

func (m *mount) write(path string, data fields) *logical.Response {
	m.t.Helper()
	return m.ok(logical.UpdateOperation, path, data)
}

func (m *mount) read(path string) fields {
	m.t.Helper()
	resp := m.ok(logical.ReadOperation, path, nil)
	require.NotNil(m.t, resp, "%s", path)
	return asJSON[fields](m.t, resp.Data)
}

// token reads token/<role> and returns the access token.
func (m *mount) token(role string) string {
	m.t.Helper()
	return m.read("token/" + role)["access_token"].(string)
}

// refused sends a request that is answered with 400, and returns the message.
func (m *mount) refused(op logical.Operation, path string, data fields) string {
	m.t.Helper()
	resp, err := m.do(op, path, data)
	require.NoError(m.t, err, "%s %s", op, path)
	if !resp.IsError() {
		m.t.Fatalf("%s %s was not refused", op, path)
	}
	return resp.Error().Error()
}

// stored is all that storage holds.
func (m *mount) stored() map[string]string {
	m.t.Helper()
	all := map[string]string{}
	keys, err := logical.CollectKeys(context.Background(), m.storage.Storage)
	require.NoError(m.t, err)
	for _, key := range keys {
		entry, err := m.storage.Storage.Get(context.Background(), key)
		require.NoError(m.t, err)
		all[key] = string(entry.Value)
	}
	return all
}

// tokenKey is where the token of a role lies.
func (m *mount) tokenKey(name string) string {
	m.t.Helper()
	role, err := entry.LoadRole(m.t.Context(), m.storage.Storage, name)
	require.NoError(m.t, err)
	key, err := entry.Shared(role).Key()
	require.NoError(m.t, err)
	return key
}

// putRole stores a role as another node would.
func putRole(t testing.TB, s logical.Storage, name string, role *entry.Role) {
	t.Helper()
	stored, err := role.Encode(name)
	require.NoError(t, err)
	require.NoError(t, s.Put(context.Background(), stored))
}

// storedToken is the stored token of a role.
func (m *mount) storedToken(role string) *entry.Token {
	m.t.Helper()
	key := m.tokenKey(role)
	token, err := entry.LoadToken(m.t.Context(), m.storage.Storage, key)
	require.NoError(m.t, err)
	return token
}

// asJSON is what a value becomes on its way through JSON.
func asJSON[T any](t testing.TB, value any) (out T) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// with returns a copy of base with more laid over it; absent removes.
func with(base fields, more fields) fields {
	all := maps.Clone(base)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == absent })
	return all
}

// absent marks a field that with leaves out.
const absent = "(absent)"

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
