// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/bench/noop"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// paths are what is read, unleased and leased.
var paths = []string{"token", "creds"}

// tokenServer is a token endpoint (RFC 6749 section 5.1) whose tokens are as long as those of the engine beside ours. It
// counts exchanges: more than one in a run means that reads were not cached, and the figures are of something else.
type tokenServer struct {
	exchanges atomic.Int64
	url       string
	server    *http.Server
}

func startTokenServer() (*tokenServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &tokenServer{url: "http://" + listener.Addr().String()}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(listener) //nolint:errcheck // it ends with stop
	return s, nil
}

func (s *tokenServer) stop() { s.server.Close() }

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.exchanges.Add(1)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "scope": "read", "expires_in": %d}`,
		strings.Repeat("t", noop.TokenLength), int(noop.LeaseTTL.Seconds()))
}

// engineWrite is one write that sets an engine of ours up.
type engineWrite struct {
	path string
	data map[string]any
}

// engineWrites gives an engine the role bench with the token server's tokens.
func engineWrites(tokenURL string) []engineWrite {
	return []engineWrite{
		{"settings", map[string]any{"allow_loopback": true}},
		{"config/bench", map[string]any{"token_url": tokenURL, "allow_http": true, "client_id": "bench", "client_secret": "a-client-secret"}},
		{"roles/bench", map[string]any{"config": "bench", "scopes": "read", "verify": "off"}},
	}
}

// target is a mounted plugin.
type target struct {
	name    string
	process int // the plugin's
	answers map[string]map[string]any
}

// startVault starts a Vault of one node with raft storage, so that a lease costs what it costs: a write to disk.
func startVault(ctx context.Context, b *built) (*vaulttest.Server, error) {
	v, err := vaulttest.StartServer(ctx, vaulttest.Config{
		Binary: b.vault, Dir: b.dir, Plugins: b.directory, Node: "bench", Log: "warn", Group: true,
	})
	if err != nil {
		return nil, err
	}
	if _, err := v.Init(ctx); err != nil {
		v.Stop()
		return nil, err
	}
	return v, nil
}

// mountAll mounts the plugins, each under its own name.
func mountAll(ctx context.Context, v *vaulttest.Server, names []string, tokenURL string) ([]target, error) {
	var all []target
	for _, name := range names {
		t, err := mount(ctx, v, name, tokenURL)
		if err != nil {
			return nil, fmt.Errorf("plugin %s: %w", name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// mount mounts a plugin, sets it up if it is an engine, and reads each path once.
func mount(ctx context.Context, v *vaulttest.Server, name, tokenURL string) (t target, err error) {
	t = target{name: name, answers: map[string]map[string]any{}}
	if err := v.Register(ctx, name); err != nil {
		return t, err
	}
	if err := v.Mount(ctx, name, name); err != nil {
		return t, err
	}
	if t.isEngine() {
		for _, w := range engineWrites(tokenURL) {
			if _, err := v.Client.Logical().WriteWithContext(ctx, name+"/"+w.path, w.data); err != nil {
				return t, err
			}
		}
	}
	for _, path := range paths {
		secret, err := v.Client.Logical().ReadWithContext(ctx, t.path(path))
		if err != nil {
			return t, err
		}
		if len(secret.Warnings) > 0 || (secret.LeaseID != "") != (path == "creds") {
			return t, fmt.Errorf("%s: lease %q, warnings %q", t.path(path), secret.LeaseID, secret.Warnings)
		}
		t.answers[path] = secret.Data
	}
	pids, err := v.PluginProcesses(name)
	if err != nil {
		return t, err
	}
	if len(pids) != 1 { // one process serves all mounts of a plugin
		return t, fmt.Errorf("it has %d processes, and one was expected", len(pids))
	}
	t.process = pids[0]
	return t, nil
}

func (t target) isEngine() bool { return t.name != pluginNoop }

func (t target) path(of string) string { return t.name + "/" + of + "/bench" }

// comparable refuses to compare answers of different keys or sizes: Vault would encode more for one than for the other.
func comparable(ours, other target) error {
	for _, path := range paths {
		a, b := ours.answers[path], other.answers[path]
		if keys, others := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)); !slices.Equal(keys, others) {
			return fmt.Errorf("%s: ours has keys %q and %s %q", path, keys, other.name, others)
		}
		size, others := len(encoded(a)), len(encoded(b))
		if difference := max(size-others, others-size); difference > 16 {
			return fmt.Errorf("%s: ours has %d bytes and %s %d", path, size, other.name, others)
		}
	}
	return nil
}

func encoded(data map[string]any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // it came from JSON
	}
	return text
}
