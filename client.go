// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// clientMaker makes of a config what its roles share.
type clientMaker func(name string, config *configEntry, guard transport.Guard) (*client, error)

// client is a config ready for use: an HTTP client with connections that no
// other config shares, and the login document, compiled.
type client struct {
	http     *http.Client
	document *login.Document // nil: the config has none
	made     string          // DestinationID and Revision it was made from
}

func newClient(config *configEntry, guard transport.Guard) (*client, error) {
	c := new(client)
	var err error
	if config.Login != "" {
		if c.document, err = compileLogin(config.Login); err != nil {
			return nil, err
		}
	}
	c.http, err = transport.New(config.transport(guard))
	return c, err
}

// maxClients bounds the clients kept; past it, all are made again.
const maxClients = 1000

// client is a clientMaker: roles of one config share their connections.
func (ds *definitions) client(name string, config *configEntry, guard transport.Guard) (*client, error) {
	made := digest(config.DestinationID, config.Revision, guard.AllowLoopback, guard.Hosts, guard.Networks)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	old := ds.clients[name]
	if old != nil && old.made == made {
		return old, nil
	}
	fresh, err := newClient(config, guard)
	if err != nil {
		return nil, err
	}
	fresh.made = made
	if old != nil {
		old.http.CloseIdleConnections()
	}
	if len(ds.clients) >= maxClients {
		for _, c := range ds.clients {
			c.http.CloseIdleConnections()
		}
		clear(ds.clients)
	}
	ds.clients[name] = fresh
	return fresh, nil
}
