// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// started is a write that waits for the server's answer.
type started struct {
	resp *logical.Response
	err  error
}

// startWrite begins a role's write and returns when the server has its request.
func (m *mount) startWrite(name string, data fields) (done <-chan started, release func()) {
	m.t.Helper()
	arrived, release := m.server.Hold()
	ended := make(chan started, 1)
	go func() {
		resp, err := m.do(logical.UpdateOperation, "roles/"+name, data)
		ended <- started{resp, err}
	}()
	<-arrived
	return ended, release
}

// A server that does not answer holds up nobody but who asked it.
func TestAWriteThatTriesARoleLocksOutNobody(t *testing.T) {
	for _, verify := range []string{"warn", "require"} {
		t.Run(verify, func(t *testing.T) {
			m := newMountAndServer(t)
			done, release := m.startWrite("app", fields{"scopes": "c", "verify": verify})
			defer release()
			within := func(op logical.Operation, path string, data fields) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				resp, err := m.doCtx(ctx, op, path, data)
				require.NoError(t, err, path)
				require.False(t, resp != nil && resp.IsError(), "%v", resp)
			}
			within(logical.UpdateOperation, "roles/app", fields{"description": "second", "verify": "off"})
			within(logical.UpdateOperation, "config/main", fields{"description": "second"})
			within(logical.DeleteOperation, "roles/app", nil)
			release()
			<-done
			require.Nil(t, m.ok(logical.ReadOperation, "roles/app", nil), "a write does not bring a role back")
			for key := range m.stored() {
				require.NotRegexp(t, "^(role/app$|use/main/app$)", key)
			}
		})
	}
}

func TestVerifyRequireStoresOnlyWhatItTried(t *testing.T) {
	for name, between := range map[string]func(m *mount){
		"role app":      func(m *mount) { m.write("roles/app", fields{"audience": "other"}) },
		"config main":   func(m *mount) { m.write("config/main", fields{"params": "a=b", "client_secret": clientSecret}) },
		"role app, too": func(m *mount) { m.ok(logical.DeleteOperation, "roles/app", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMountAndServer(t)
			done, release := m.startWrite("app", fields{"scopes": "c", "verify": "require"})
			defer release()
			between(m)
			before := m.stored()
			release()
			got := <-done
			require.NoError(t, got.err)
			require.True(t, got.resp.IsError())
			require.Regexp(t, "^the role was not stored: another write has changed (role app|config main) meanwhile. Write the role again$", got.resp.Error().Error())
			require.Equal(t, before, m.stored())
		})
	}
}

func TestWaitingForALockEndsWithTheCaller(t *testing.T) {
	m := newMountAndServer(t)
	for path, key := range map[string]string{"roles/app": string(entry.Roles) + "app", "config/main": string(entry.Configs) + "main", "settings": entry.SettingsKey} {
		unlock, err := m.b.names.Lock(t.Context(), key)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = m.doCtx(ctx, logical.UpdateOperation, path, fields{})
		require.ErrorIs(t, err, context.Canceled, path)
		unlock()
	}
	require.Zero(t, m.b.names.Len())
}

// Of another node's writes, only those of configs and settings drop what is known of all roles.
func TestAnUnknownKeyOfAnotherNodeDropsNothing(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	for key, dropped := range map[string]bool{"metrics/x": false, "use/main/app": false, "config/main": true, "settings": true, "role/app": true} {
		m.token("app") // defines the role again
		d, err := m.b.engine.Define(t.Context(), m.storage, "app")
		require.NoError(t, err)
		m.b.InvalidateKey(t.Context(), key)
		again, err := m.b.engine.Define(t.Context(), m.storage, "app")
		require.NoError(t, err)
		require.Equal(t, dropped, d != again, key)
	}
}

// A role that is deleted while its refresh token is on its way leaves no token behind.
func TestARoleDeletedDuringARefreshLeavesNoToken(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	arrived, release := m.server.Hold()
	defer release()
	ended := make(chan error, 1)
	go func() {
		_, err := m.do(logical.UpdateOperation, "token/user/renew", nil)
		ended <- err
	}()
	<-arrived
	require.Equal(t, "refresh_token", m.server.Last().Form.Get("grant_type"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	resp, err := m.doCtx(ctx, logical.DeleteOperation, "roles/user", nil)
	require.NoError(t, err)
	require.Nil(t, resp)
	release()
	<-ended
	for key := range m.stored() {
		require.NotRegexp(t, "^token/|^role/user$|^use/main/user$", key)
	}
	require.Contains(t, m.refused(logical.ReadOperation, "token/user", nil), "no role named user")
}
