// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// clientMaker returns the HTTP client of a config.
type clientMaker func(name string, config *configEntry, guard transport.Guard) (*http.Client, error)

// client is a config's HTTP client, with connections that no other config shares.
type client struct {
	http *http.Client
	made string // DestinationID and Revision it was made from
}

// maxClients bounds the clients kept; past it, all are made again.
const maxClients = 1000

// client is a clientMaker: roles of one config share their connections.
func (ds *definitions) client(name string, config *configEntry, guard transport.Guard) (*http.Client, error) {
	made := digest(config.DestinationID, config.Revision, guard.AllowLoopback, guard.Hosts, guard.Networks)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	old := ds.clients[name]
	if old != nil && old.made == made {
		return old.http, nil
	}
	fresh, err := transport.New(config.transport(guard))
	if err != nil {
		return nil, err
	}
	if old != nil {
		old.http.CloseIdleConnections()
	}
	if len(ds.clients) >= maxClients {
		for _, c := range ds.clients {
			c.http.CloseIdleConnections()
		}
		clear(ds.clients)
	}
	ds.clients[name] = &client{fresh, made}
	return fresh, nil
}
