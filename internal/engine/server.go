// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// madeServer is a config ready for use: connections that no other config shares,
// and what its roles ask by them.
type madeServer struct {
	http   *http.Client
	server *flows.Server
	of     string // revision that it was made of
}

func makeServer(config *entry.Config, guard transport.Guard) (*madeServer, error) {
	effective := config.Effective()
	http, err := transport.New(effective.Transport(guard))
	if err != nil {
		return nil, err
	}
	server, err := effective.Server(http)
	return &madeServer{http: http, server: server}, err
}

// maxServers bounds the servers kept; past it, all are made again.
const maxServers = 1000

// server makes of a config what its roles share: connections above all.
func (ds *definitions) server(name string, config *entry.Config, guard transport.Guard) (*flows.Server, error) {
	of := entry.ServerRevision(config, guard)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	old := ds.servers[name]
	if old != nil && old.of == of {
		return old.server, nil
	}
	fresh, err := makeServer(config, guard)
	if err != nil {
		return nil, err
	}
	fresh.of = of
	if old != nil {
		old.http.CloseIdleConnections()
	}
	if len(ds.servers) >= maxServers {
		for _, s := range ds.servers {
			s.http.CloseIdleConnections()
		}
		clear(ds.servers)
	}
	ds.servers[name] = fresh
	return fresh.server, nil
}
