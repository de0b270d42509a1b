// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/client"
)

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   string
		code   int
	}{
		"refused": {
			func(w http.ResponseWriter) {
				reply(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
			},
			"role orders: reading oauth/token/orders: Vault answered 403: 1 error occurred: * permission denied", 403,
		},
		"a proxy's page": {
			func(w http.ResponseWriter) { reply(w, 503, `<html>token-1</html>`) },
			"role orders: reading oauth/token/orders: Vault answered 503", 503,
		},
		"nothing there": {
			func(w http.ResponseWriter) { reply(w, 404, `{"errors":[]}`) },
			"role orders: reading oauth/token/orders: nothing is at this path: is the secrets engine mounted elsewhere?", 0,
		},
		"another engine": {
			func(w http.ResponseWriter) { reply(w, 200, `{"data":{"value":"token-1"}}`) },
			"role orders: reading oauth/token/orders: the answer is not one of the OAuth secrets engine: is another engine mounted at this path?", 0,
		},
		"other types": {
			func(w http.ResponseWriter) {
				reply(w, 200, `{"data":{"access_token":"token-1","headers":"Bearer token-1","expires_in":1}}`)
			},
			"role orders: reading oauth/token/orders: the answer is not one of the OAuth secrets engine: is another engine mounted at this path?", 0,
		},
		"no way to send it": {
			func(w http.ResponseWriter) {
				reply(w, 200, `{"data":{"access_token":"token-1","headers":{},"query":{}}}`)
			},
			"role orders: reading oauth/token/orders: the answer is not one of the OAuth secrets engine: is another engine mounted at this path?", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.net.servers["vault.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			})
			_, err := w.source.Token()
			require.EqualError(t, err, c.want)
			require.Equal(t, err, w.source.Err())
			answered, ok := errors.AsType[*api.ResponseError](err)
			require.Equal(t, c.code != 0, ok)
			if ok {
				require.Equal(t, c.code, answered.StatusCode)
			}
		})
	}
}

func reply(w http.ResponseWriter, code int, body string) {
	w.WriteHeader(code)
	fmt.Fprint(w, body)
}

func TestNew(t *testing.T) {
	vault := newAPI(t, "http://vault.example.com", network{})
	for _, role := range []string{"a", "orders", "orders-eu.v2_x"} {
		_, err := client.New(client.Config{Vault: vault, Role: role, Mount: "/teams/crm/oauth/"})
		require.NoError(t, err)
	}
	for _, role := range []string{"", "/", "..", "a..b", "orders/renew", "../creds/orders", "orders?x=y", "orders%2f", "orders\n"} {
		_, err := client.New(client.Config{Vault: vault, Role: role})
		require.EqualError(t, err, fmt.Sprintf("%q is not a valid role name", role))
	}
	_, err := client.New(client.Config{Role: "orders"})
	require.EqualError(t, err, "a Vault API client is missing")
	_, err = client.New(client.Config{Vault: vault, Role: "orders", MinTTL: -1})
	require.Error(t, err)
}

func TestAMountOfAnotherName(t *testing.T) {
	path := make(chan string, 1)
	w := newWorld(t, func(w *world) {
		w.config.Mount = "/teams/crm/oauth/"
		w.net.servers["vault.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path <- r.URL.Path
			w.WriteHeader(400)
		})
	})
	_, err := w.source.Token()
	require.ErrorContains(t, err, "teams/crm/oauth/token/orders")
	require.Equal(t, "/v1/teams/crm/oauth/token/orders", <-path)
}

func TestPrinting(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, http.StatusOK, w.get(storeURL))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, what := range []any{w.source, w.http, w.http.Transport, []any{w.source}} {
			text := fmt.Sprintf(verb, what)
			require.NotContains(t, text, "token-1")
			require.NotContains(t, text, fmt.Sprintf("%x", "token-1"))
		}
	}
	require.Equal(t, "token of role orders (oauth/token/orders)", fmt.Sprint(w.source))
}
