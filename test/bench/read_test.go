// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	oauthsecrets "github.com/seed-6323ea89/vault-plugin-secrets-oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/bench/noop"
)

// BenchmarkHandleRequest is a cached read within the plugin: the framework and
// the engine, without Vault and without the boundary between the two. What a
// read asks Vault for costs nothing here, and a round trip between processes
// there; it is counted as vault-calls/op.
func BenchmarkHandleRequest(b *testing.B) {
	for _, path := range paths {
		for i, m := range []*inProcess{startOurs(b), startNoop(b)} {
			name, req := []string{pluginOurs, pluginNoop}[i], m.reading(path)
			read := func(tb testing.TB) {
				if resp, err := m.backend.HandleRequest(context.Background(), req); err != nil || resp.IsError() {
					tb.Errorf("%v, %v", resp, err)
				}
			}
			read(b)
			stored := m.storage.calls.Load()
			b.Run("path="+path+"/plugin="+name, func(b *testing.B) {
				b.ReportAllocs()
				asked := m.view.calls.Load()
				for b.Loop() {
					read(b)
				}
				b.ReportMetric(float64(m.view.calls.Load()-asked)/float64(b.N), "vault-calls/op")
			})
			b.Run("path="+path+"/plugin="+name+"/parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						read(b)
					}
				})
			})
			require.Equal(b, stored, m.storage.calls.Load(), "a cached read went to storage")
		}
	}
}

// The limit answers as the engine does, or it would be no limit.
func TestNoopAnswersAsOursDoes(t *testing.T) {
	both := []target{{name: pluginOurs, answers: map[string]map[string]any{}}, {name: pluginNoop, answers: map[string]map[string]any{}}}
	for i, m := range []*inProcess{startOurs(t), startNoop(t)} {
		for _, path := range paths {
			resp, err := m.backend.HandleRequest(t.Context(), m.reading(path))
			require.NoError(t, err)
			require.NoError(t, resp.Error())
			require.Equal(t, path == "creds", resp.Secret != nil)
			both[i].answers[path] = resp.Data
		}
	}
	require.NoError(t, comparable(both[0], both[1]))
}

// A question to Vault is a round trip between processes, and costs more than
// all else that a cached read does.
func TestACachedReadAsksVaultLittle(t *testing.T) {
	m := startOurs(t)
	for path, most := range map[string]int64{"token": 0, "creds": 1} {
		_, err := m.backend.HandleRequest(t.Context(), m.reading(path))
		require.NoError(t, err)
		asked, stored := m.view.calls.Load(), m.storage.calls.Load()
		_, err = m.backend.HandleRequest(t.Context(), m.reading(path))
		require.NoError(t, err)
		require.LessOrEqual(t, m.view.calls.Load()-asked, most, path)
		require.Equal(t, stored, m.storage.calls.Load(), path)
	}
}

// inProcess is a backend with a storage and a system view that count.
type inProcess struct {
	backend logical.Backend
	storage *countedStorage
	view    *countedView
}

func start(tb testing.TB, factory logical.Factory) *inProcess {
	tb.Helper()
	conf := logical.TestBackendConfig()
	conf.Logger = hclog.NewNullLogger()
	m := &inProcess{storage: &countedStorage{Storage: new(logical.InmemStorage)}, view: &countedView{SystemView: conf.System}}
	conf.StorageView, conf.System = m.storage, m.view
	var err error
	m.backend, err = factory(tb.Context(), conf)
	require.NoError(tb, err)
	tb.Cleanup(func() { m.backend.Cleanup(context.Background()) })
	return m
}

func (m *inProcess) reading(path string) *logical.Request {
	return &logical.Request{Operation: logical.ReadOperation, Path: path + "/bench", Storage: m.storage, MountPoint: "bench/"}
}

func startNoop(tb testing.TB) *inProcess { return start(tb, noop.Factory) }

func startOurs(tb testing.TB) *inProcess {
	tb.Helper()
	m := start(tb, oauthsecrets.Factory("v0.0.0"))
	server := httptest.NewServer(new(tokenServer))
	tb.Cleanup(server.Close)
	for _, w := range engineWrites(server.URL) {
		resp, err := m.backend.HandleRequest(tb.Context(), &logical.Request{
			Operation: logical.UpdateOperation, Path: w.path, Data: w.data, Storage: m.storage, MountPoint: "bench/",
		})
		require.NoError(tb, err)
		require.NoError(tb, resp.Error())
	}
	return m
}

// countedStorage counts what a cached read must not do.
type countedStorage struct {
	logical.Storage
	calls atomic.Int64
}

func (s *countedStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	s.calls.Add(1)
	return s.Storage.Get(ctx, key)
}

func (s *countedStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	s.calls.Add(1)
	return s.Storage.Put(ctx, entry)
}

// countedView counts the questions that a read may ask: each is a round trip to Vault from a plugin.
type countedView struct {
	logical.SystemView
	calls atomic.Int64
}

func (v *countedView) MaxLeaseTTL() time.Duration {
	v.calls.Add(1)
	return v.SystemView.MaxLeaseTTL()
}

func (v *countedView) DefaultLeaseTTL() time.Duration {
	v.calls.Add(1)
	return v.SystemView.DefaultLeaseTTL()
}

func (v *countedView) LocalMount() bool {
	v.calls.Add(1)
	return v.SystemView.LocalMount()
}

func (v *countedView) ReplicationState() consts.ReplicationState {
	v.calls.Add(1)
	return v.SystemView.ReplicationState()
}

func (v *countedView) Tainted() bool {
	v.calls.Add(1)
	return v.SystemView.Tainted()
}
