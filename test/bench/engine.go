// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/bench/noop"
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

// engineWrite is one write that sets our engine up.
type engineWrite struct {
	path string
	data map[string]any
}

// engineWrites gives our engine the role bench with the token server's tokens.
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

// mount mounts both plugins, sets ours up, and reads each path once.
func (v *vaultServer) mount(ctx context.Context, tokenURL string) ([]target, error) {
	var both []target
	for _, p := range plugins {
		if err := v.register(ctx, p.name); err != nil {
			return nil, err
		}
		t := target{name: p.name, answers: map[string]map[string]any{}}
		if p.name == "ours" {
			for _, w := range engineWrites(tokenURL) {
				if _, err := v.client.Logical().WriteWithContext(ctx, p.name+"/"+w.path, w.data); err != nil {
					return nil, err
				}
			}
		}
		for _, path := range paths {
			secret, err := v.client.Logical().ReadWithContext(ctx, t.path(path))
			if err != nil {
				return nil, err
			}
			if len(secret.Warnings) > 0 || (secret.LeaseID != "") != (path == "creds") {
				return nil, fmt.Errorf("%s: lease %q, warnings %q", t.path(path), secret.LeaseID, secret.Warnings)
			}
			t.answers[path] = secret.Data
		}
		pids, err := running(filepath.Join(v.plugins, p.name))
		if err != nil {
			return nil, err
		}
		if len(pids) != 1 { // one process serves all mounts of a plugin
			return nil, fmt.Errorf("plugin %s has %d processes, and one was expected", p.name, len(pids))
		}
		t.process = pids[0]
		both = append(both, t)
	}
	return both, nil
}

func (t target) path(of string) string { return t.name + "/" + of + "/bench" }

// comparable refuses to compare answers of different keys or sizes: Vault would encode more for one than for the other.
func comparable(both []target) error {
	ours, limit := both[0], both[1]
	for _, path := range paths {
		a, b := ours.answers[path], limit.answers[path]
		if keys, others := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)); !slices.Equal(keys, others) {
			return fmt.Errorf("%s: ours has keys %q and noop %q: bring package noop up to date", path, keys, others)
		}
		size, other := len(encoded(a)), len(encoded(b))
		if difference := max(size-other, other-size); difference > 16 {
			return fmt.Errorf("%s: ours has %d bytes and noop %d: bring package noop up to date", path, size, other)
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
