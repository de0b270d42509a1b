// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
)

// hotDefinitions bounds the definitions in memory; the rest is read again when needed.
const hotDefinitions = 10_000

// definitions remembers what define made, until something under it is written.
type definitions struct {
	flows func(name string) (flows.Flow, bool)
	roles *lru.Cache[string, *Definition]

	mu      sync.Mutex
	epoch   uint64                 // counts forgets; guarded by mu
	servers map[string]*madeServer // by config; guarded by mu
}

func newDefinitions(lookup func(name string) (flows.Flow, bool)) *definitions {
	roles, err := lru.New[string, *Definition](hotDefinitions)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &definitions{flows: lookup, roles: roles, servers: make(map[string]*madeServer)}
}

// get returns the role's Definition. What is written while define reads must
// not be hidden by what it read before: then nothing is remembered.
func (ds *definitions) get(ctx context.Context, s logical.Storage, role string) (*Definition, error) {
	if d, ok := ds.roles.Get(role); ok {
		return d, nil
	}
	ds.mu.Lock()
	epoch := ds.epoch
	ds.mu.Unlock()

	d, err := ds.define(ctx, s, role)
	if err != nil {
		return nil, err
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.epoch == epoch {
		ds.roles.Add(role, d)
	}
	return d, nil
}

func (ds *definitions) forgetRole(role string) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.epoch++
	ds.roles.Remove(role)
}

// forgetAll is for writes under which any role may lie, and those are rare.
func (ds *definitions) forgetAll() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.epoch++
	ds.roles.Purge()
	for _, server := range ds.servers {
		server.http.CloseIdleConnections()
	}
	clear(ds.servers)
}
