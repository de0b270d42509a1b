// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	oauthsecrets "github.com/seed-6323ea89/vault-plugin-secrets-oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

type fields = map[string]any

const (
	clientSecret = "canary-client/s3cret+%"
	password     = "canary-passw0rd &="
)

// mount is the engine on a storage of its own, before a server with a proxy
// between them. Its methods may be used from several goroutines.
type mount struct {
	t       testing.TB
	b       logical.Backend
	storage *storage
	server  *oauthtest.Server
	proxy   *proxy
	said    *transcript // errors and warnings, and the engine's log
	shown   *transcript // answers
}

// newMount has the configs main (OAuth) and api (a login of its own).
func newMount(t testing.TB, options ...oauthtest.Option) *mount {
	m := &mount{t: t, storage: &storage{Storage: new(logical.InmemStorage)}, said: new(transcript), shown: new(transcript)}
	m.server = oauthtest.New(t, options...)
	m.server.Client("app", clientSecret)
	m.proxy = newProxy(t, m.server.URL)
	m.start()
	m.write("settings", fields{"allow_loopback": true})
	m.configs("", m.proxy.URL)
	return m
}

// configs writes the two configs of a host.
func (m *mount) configs(suffix, url string) {
	m.write("config/main"+suffix, fields{
		"token_url": url + "/token", "client_id": "app", "client_secret": clientSecret, "allow_http": true,
	})
	m.write("config/api"+suffix, fields{
		"base_url": url, "allow_http": true, "login": `{
			"request": {"url": "/login?case={{variables.case}}", "json": {"username": "{{username}}", "password": "{{password}}"}},
			"token": {"json": "/token"}, "expires": {"json": "/expires_in"}}`,
	})
}

// start puts the engine on the storage. It ends with the test, and has told no secret.
func (m *mount) start() {
	conf := logical.TestBackendConfig()
	conf.StorageView = m.storage
	conf.Logger = hclog.New(&hclog.LoggerOptions{Output: m.said, Level: hclog.Trace})
	b, err := oauthsecrets.Factory("v0.0.0")(m.t.Context(), conf)
	require.NoError(m.t, err)
	m.b = b
	m.t.Cleanup(func() {
		b.Cleanup(context.Background())
		access, refresh := m.server.Tokens()
		m.said.tellsNone(m.t, append(access, refresh...)...)
		m.shown.tellsNone(m.t, refresh...)
	})
}

// do sends a request as Vault would.
func (m *mount) do(op logical.Operation, path string, data fields) (*logical.Response, error) {
	return m.doFor(context.Background(), op, path, data)
}

// doFor is do for a caller who may leave.
func (m *mount) doFor(ctx context.Context, op logical.Operation, path string, data fields) (*logical.Response, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	req := &logical.Request{Operation: op, Path: path, Storage: m.storage, MountPoint: "oauth/"}
	if err := json.Unmarshal(text, &req.Data); err != nil {
		return nil, err
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
	return m.b.HandleRequest(ctx, req)
}

func (m *mount) write(path string, data fields) {
	m.t.Helper()
	resp, err := m.do(logical.UpdateOperation, path, data)
	require.NoError(m.t, err, path)
	require.False(m.t, resp.IsError(), "%s: %v", path, resp)
}

// outcome is what became of one request for a token.
type outcome struct {
	token    string // "": there is none
	warnings string
	code     int    // of the failure: 400 or 5xx
	failure  string // its text
}

func (o outcome) ok() bool { return o.token != "" }

// read and renew ask for a role's token, without and with a new exchange.
func (m *mount) read(role string) outcome {
	return m.ask(logical.ReadOperation, "token/"+role)
}

func (m *mount) renew(role string) outcome {
	return m.ask(logical.UpdateOperation, "token/"+role+"/renew")
}

// patient reads or renews, and comes back if the exchange takes longer than the
// engine lets a reader wait: retries, and a login after them, may.
func (m *mount) patient(ask func(role string) outcome, role string) outcome {
	o := ask(role)
	for range 4 {
		if !strings.Contains(o.warnings, "the server has not answered yet") && !strings.Contains(o.failure, "the exchange is still in progress") {
			break
		}
		o = ask(role) // which joins the exchange under way
	}
	return o
}

// ask holds what is served against the server's books.
func (m *mount) ask(op logical.Operation, path string) (o outcome) {
	began := time.Now()
	resp, err := m.do(op, path, nil)
	coded := logical.HTTPCodedError(nil)
	switch {
	case errors.As(err, &coded):
		o.code, o.failure = coded.Code(), err.Error()
	case err != nil:
		o.code, o.failure = http.StatusInternalServerError, err.Error()
	case resp.IsError():
		o.code, o.failure = http.StatusBadRequest, resp.Error().Error()
	default:
		o.token, o.warnings = resp.Data["access_token"].(string), strings.Join(resp.Warnings, "\n")
		text, _ := json.Marshal(resp.Data)
		_, _ = m.shown.Write(text)
		switch ends := m.server.Ends(o.token); {
		case !m.server.Issued(o.token):
			m.t.Errorf("%s: a token was served that the server never issued", path)
		case !ends.IsZero() && !ends.After(began):
			m.t.Errorf("%s: a token was served that had expired %v before it was asked for", path, began.Sub(ends))
		case resp.Secret != nil && !ends.IsZero() && (resp.Secret.TTL < time.Second || resp.Secret.TTL > max(time.Second, ends.Sub(began))):
			m.t.Errorf("%s: a lease of %v on a token with %v left", path, resp.Secret.TTL, ends.Sub(began))
		}
	}
	_, _ = m.said.Write([]byte(o.failure + "\n" + o.warnings + "\n"))
	return o
}
