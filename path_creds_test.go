// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

var answerKeys = []string{
	"access_token", "expire_time", "expires_in", "extra", "header_name", "header_value", "headers", "last_vault_rotation",
	"query", "rotation_period", "scope", "token_type", "ttl",
}

func TestCredsAndTokenAnswerAlike(t *testing.T) {
	m := newMountAndServer(t)
	resp := m.ok(logical.ReadOperation, "creds/app", nil)
	creds, token := asJSON[fields](t, resp.Data), m.read("token/app")
	require.Equal(t, answerKeys, slices.Sorted(maps.Keys(creds)))
	require.Equal(t, answerKeys, slices.Sorted(maps.Keys(token)))

	access := creds["access_token"].(string)
	require.True(t, m.server.Issued(access))
	require.Equal(t, access, token["access_token"])
	require.Equal(t, "Bearer "+access, creds["header_value"])
	require.Equal(t, fields{"Authorization": "Bearer " + access}, creds["headers"])
	require.Equal(t, "a b", creds["scope"])
	require.Equal(t, fields{}, creds["query"])
	require.Equal(t, fields{}, creds["extra"])
	expires, err := time.Parse(time.RFC3339, creds["expire_time"].(string))
	require.NoError(t, err)
	issued, err := time.Parse(time.RFC3339, creds["last_vault_rotation"].(string))
	require.NoError(t, err)
	require.LessOrEqual(t, expires.Sub(issued), time.Hour+time.Second)
	require.LessOrEqual(t, creds["expires_in"], 3600.0)
	require.Less(t, creds["ttl"], creds["expires_in"])
	require.Equal(t, 1, m.server.Requests())

	require.Equal(t, "main", m.read("roles/app")["config"])
	m.write("config/main", fields{"header_name": "X-Token", "header_format": "{{token}}"})
	require.Equal(t, fields{"X-Token": access}, m.read("token/app")["headers"], "the same token, sent otherwise")
}

func TestTheLeaseLivesAsLongAsTheToken(t *testing.T) {
	m := newMountAndServer(t)
	lease := m.ok(logical.ReadOperation, "creds/app", nil).Secret
	require.NotNil(t, lease)
	require.False(t, lease.Renewable)
	require.LessOrEqual(t, lease.TTL, time.Hour)
	require.Greater(t, lease.TTL, 50*time.Minute)
	require.Equal(t, secretType, lease.InternalData["secret_type"])
	require.Nil(t, m.ok(logical.ReadOperation, "token/app", nil).Secret)
	require.Nil(t, m.ok(logical.UpdateOperation, "token/app", nil).Secret)
	require.NotNil(t, m.ok(logical.UpdateOperation, "creds/app", fields{"min_ttl": "1m"}).Secret)

	m.write("roles/short", fields{"config": "main"})
	m.server.ExpiresIn("1")
	require.Equal(t, time.Second, m.ok(logical.ReadOperation, "creds/short", nil).Secret.TTL, "0 would be Vault's default of 32 days")
}

func TestRevokingNeedsNothing(t *testing.T) {
	m := newMountAndServer(t)
	lease := m.ok(logical.ReadOperation, "creds/app", nil).Secret
	m.ok(logical.DeleteOperation, "roles/app", nil)
	m.server.Down()
	m.storage.failing(func(string, string) error { return errStorage })
	resp, err := m.b.HandleRequest(t.Context(), &logical.Request{Operation: logical.RevokeOperation, Storage: m.storage, Secret: lease})
	require.NoError(t, err)
	require.Nil(t, resp)
	m.storage.failing(nil)
}

func TestTwoHundredReadersCostOneExchange(t *testing.T) {
	m := newMountAndServer(t)
	arrived, release := m.server.Hold()
	type outcome struct {
		resp *logical.Response
		err  error
	}
	outcomes := make([]outcome, 200)
	var readers sync.WaitGroup
	for i := range outcomes {
		path := []string{"creds/app", "token/app"}[i%2]
		readers.Go(func() {
			resp, err := m.b.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: path, Storage: m.storage})
			outcomes[i] = outcome{resp, err}
		})
	}
	<-arrived
	release()
	readers.Wait()
	for _, o := range outcomes {
		require.NoError(t, o.err)
		require.Equal(t, outcomes[0].resp.Data["access_token"], o.resp.Data["access_token"])
	}
	require.Equal(t, 1, m.server.Requests())
}

func TestARestartCostsNoExchange(t *testing.T) {
	m := newMountAndServer(t)
	token := m.token("app")
	m.start()
	require.Equal(t, token, m.token("app"))
	require.Equal(t, 1, m.server.Requests())
}

func TestMinTTLGetsANewToken(t *testing.T) {
	m := newMountAndServer(t)
	first := m.token("app")
	require.Equal(t, first, m.write("token/app", fields{"min_ttl": "10m"}).Data["access_token"])
	m.age("app")
	require.Equal(t, first, m.token("app"))
	second := m.write("creds/app", fields{"min_ttl": 2700}).Data["access_token"]
	require.NotEqual(t, first, second)
	require.Equal(t, second, m.token("app"), "the longest-lived is everybody's")
	require.Equal(t, 2, m.server.Requests())

	m.age("app")
	m.write("roles/app", fields{"min_ttl": "45m"})
	require.NotEqual(t, second, m.write("token/app", fields{"min_ttl": 1}).Data["access_token"], "min_ttl of the role is a floor")
	require.Equal(t, 3, m.server.Requests())
}

func TestAMinTTLThatCannotBeMet(t *testing.T) {
	m := newMountAndServer(t)
	m.server.ExpiresIn("600")
	for range 5 {
		resp := m.write("token/app", fields{"min_ttl": "2h"})
		require.Contains(t, resp.Warnings[0], "min_ttl of 2h0m0s cannot be met")
	}
	require.Equal(t, 1, m.server.Requests(), "asking again would bring nothing better")
}

func TestLifetimes(t *testing.T) {
	m := newMountAndServer(t)
	m.server.ExpiresIn("")
	resp := m.ok(logical.ReadOperation, "token/app", nil)
	require.Contains(t, resp.Warnings[0], "1h is assumed")
	require.InDelta(t, 3600, resp.Data["expires_in"], 60)

	m.write("roles/app", fields{"access_token_ttl": "20m"})
	require.InDelta(t, 3600, m.read("token/app")["expires_in"], 60, "a token that is there keeps its life")
	resp = m.write("token/app/renew", nil)
	require.Empty(t, resp.Warnings)
	require.InDelta(t, 1200, resp.Data["expires_in"], 60)

	m.server.ExpiresIn("3600")
	m.write("roles/app", fields{"max_ttl": "10m"})
	require.InDelta(t, 600, m.write("token/app/renew", nil).Data["expires_in"], 60)
	m.write("roles/app", fields{"max_ttl": "2h"})
	require.InDelta(t, 3600, m.write("token/app/renew", nil).Data["expires_in"], 60, "the server's word comes before access_token_ttl")
	require.Equal(t, 4, m.server.Requests())
}

func TestRenew(t *testing.T) {
	m := newMountAndServer(t)
	first := m.token("app")
	sum := sha256Hex(first)
	second := m.write("token/app/renew", fields{"rejected_sha256": sum}).Data["access_token"]
	require.NotEqual(t, first, second)
	require.Equal(t, second, m.write("token/app/renew", fields{"rejected_sha256": sum}).Data["access_token"], "it has been replaced already")
	require.Equal(t, 2, m.server.Requests())
	require.NotEqual(t, second, m.write("token/app/renew", nil).Data["access_token"])
	require.Equal(t, 3, m.server.Requests())
	for _, bad := range []string{"x", "abcd", sum + "00", sum[1:]} {
		message := m.refused(logical.UpdateOperation, "token/app/renew", fields{"rejected_sha256": bad})
		require.Contains(t, message, "rejected_sha256")
		require.Contains(t, message, `printf %s "$TOKEN"`, "the command must work as printed")
	}
	require.Equal(t, 3, m.server.Requests())
}

func TestADeletedTokenIsForgotten(t *testing.T) {
	m := newMountAndServer(t)
	first := m.token("user")
	m.ok(logical.DeleteOperation, "token/user", nil)
	require.Nil(t, m.storedToken("user"))
	require.NotEqual(t, first, m.token("user"))
	require.Equal(t, []string{"password", "password"}, m.grants(), "the refresh token is forgotten, too")
	require.Contains(t, m.refused(logical.DeleteOperation, "token/none", nil), "no role named none")
	require.Contains(t, m.refused(logical.ReadOperation, "creds/none", nil), "no role named none")
	m.ok(logical.DeleteOperation, "token/app", nil)
}

func TestARoleMadeAnewSharesNothing(t *testing.T) {
	m := newMountAndServer(t)
	first := m.token("user")
	m.ok(logical.DeleteOperation, "roles/user", nil)
	for key := range m.stored() {
		require.NotContains(t, key, string(entry.Tokens))
	}
	require.Contains(t, m.refused(logical.ReadOperation, "token/user", nil), "no role named user")
	m.write("roles/user", fields{"config": "main", "flow": "password", "username": "alice", "password": userPassword})
	require.NotEqual(t, first, m.token("user"))
	require.Equal(t, []string{"password", "password"}, m.grants())
}

// By logical.ErrReadOnly, as it is, Vault forwards a request.
func TestANodeThatCannotWriteAsksNobody(t *testing.T) {
	m := newMountAndServer(t)
	for name, state := range map[string]consts.ReplicationState{
		"standby": consts.ReplicationPerformanceStandby, "secondary": consts.ReplicationPerformanceSecondary,
	} {
		m.view.ReplicationStateVal = state
		for path, op := range map[string]logical.Operation{
			"creds/app": logical.ReadOperation, "token/app": logical.ReadOperation, "token/app/renew": logical.UpdateOperation,
		} {
			resp, err := m.do(op, path, nil)
			require.Nil(t, resp, "%s %s", name, path)
			require.Same(t, logical.ErrReadOnly, err, "%s %s", name, path)
		}
	}
	require.Zero(t, m.server.Requests())
	m.view.ReplicationStateVal, m.view.LocalMountVal = consts.ReplicationPerformanceSecondary, true // may write
	token := m.token("app")
	m.start()
	m.view.ReplicationStateVal = consts.ReplicationPerformanceStandby
	require.Equal(t, token, m.token("app"), "a stored token is served")
	require.Equal(t, 1, m.server.Requests())
}
