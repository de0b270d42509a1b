// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// grants are the grants that the server was asked for, the oldest first.
func (m *mount) grants() (all []string) {
	for _, request := range m.server.Recorded() {
		all = append(all, request.Form.Get("grant_type"))
	}
	return all
}

// age makes the role's token half an hour older, as another node would.
func (m *mount) age(role string) {
	m.t.Helper()
	key := m.tokenKey(role)
	held := m.storedToken(role)
	for _, instant := range []*time.Time{&held.Issued, &held.RenewAt, &held.Expires} {
		*instant = instant.Add(-30 * time.Minute)
	}
	require.NoError(m.t, held.Save(m.t.Context(), m.storage.Storage, key))
	m.b.invalidate(m.t.Context(), key)
}

// another reads with a min_ttl that the token, made older, does not meet.
func (m *mount) another(role string) *logical.Response {
	m.t.Helper()
	m.age(role)
	return m.write("token/"+role, fields{"min_ttl": "45m"})
}

func TestTheRefreshTokenComesFirst(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	first := m.storedToken("user")
	require.True(t, first.Refresh.Current.IsSet())
	for range 2 {
		resp := m.another("user")
		held := m.storedToken("user")
		require.Equal(t, held.AccessToken.Reveal(), resp.Data["access_token"])
		require.NotEqual(t, first.Refresh.Current.Reveal(), held.Refresh.Current.Reveal())
		require.NotContains(t, m.log.String(), held.Refresh.Current.Reveal())
		require.Equal(t, first.Generation()+1, held.Generation())
		first = held
	}
	require.Equal(t, []string{"password", "refresh_token", "refresh_token"}, m.grants())
}

func TestARefreshTokenThatIsNotRotatedIsKept(t *testing.T) {
	m := newMountAndServer(t)
	m.server.Rotate(false)
	m.write("roles/user", fields{"scopes": "a b"})
	m.token("user")
	first := m.storedToken("user")
	m.another("user")
	m.another("user")
	held := m.storedToken("user")
	require.Equal(t, first.Refresh.Current.Reveal(), held.Refresh.Current.Reveal())
	require.NotEqual(t, first.AccessToken.Reveal(), held.AccessToken.Reveal())
	require.Equal(t, "a b", held.Scope)
	require.Equal(t, []string{"password", "refresh_token", "refresh_token"}, m.grants())
}

func TestARefusedRefreshFallsBackToThePassword(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	m.server.RevokeAll()
	require.Empty(t, m.another("user").Warnings)
	m.another("user")
	require.Equal(t, []string{"password", "refresh_token", "password", "refresh_token"}, m.grants())
}

// What shapes the token was changed: the refresh token would bring the old shape.
func TestANewShapeIsNotRefreshed(t *testing.T) {
	m := newMountAndServer(t)
	m.token("user")
	m.write("roles/user", fields{"scopes": "c"})
	require.Equal(t, "c", m.read("token/user")["scope"])
	require.Equal(t, []string{"password", "password"}, m.grants())
}

func TestARotatedSecretReplacesNoToken(t *testing.T) {
	m := newMountAndServer(t)
	token := m.token("user")
	m.write("config/main", fields{"client_secret": clientSecret + "2"})
	m.write("roles/user", fields{"password": userPassword + "2", "description": "x"})
	require.Equal(t, token, m.token("user"))
	m.server.Client("app", clientSecret+"2")
	m.another("user")
	require.Equal(t, []string{"password", "refresh_token"}, m.grants())
}

func TestAChangeDuringAnExchange(t *testing.T) {
	for name, change := range map[string]func(m *mount){
		"role":   func(m *mount) { m.write("roles/app", fields{"scopes": "c"}) },
		"config": func(m *mount) { m.write("config/main", fields{"params": "scoped=c", "client_secret": clientSecret}) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMountAndServer(t)
			arrived, release := m.server.Hold()
			type outcome struct {
				resp *logical.Response
				err  error
			}
			done := make(chan outcome, 1)
			go func() {
				resp, err := m.b.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: "token/app", Storage: m.storage})
				done <- outcome{resp, err}
			}()
			<-arrived
			change(m)
			release()
			got := <-done
			require.NoError(t, got.err)
			require.False(t, got.resp.IsError(), "%v", got.resp)
			require.Equal(t, 2, m.server.Requests(), "what the first brought is not served")
			require.Equal(t, m.token("app"), got.resp.Data["access_token"])
			require.Equal(t, m.server.Last().Form.Get("scope"), got.resp.Data["scope"])
			require.Equal(t, 2, m.server.Requests())
		})
	}
}

func TestADeletedRolesTokenDoesNotComeBack(t *testing.T) {
	m := newMountAndServer(t)
	arrived, release := m.server.Hold()
	done := make(chan string, 1)
	go func() {
		resp, err := m.b.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: "token/app", Storage: m.storage})
		if err != nil || !resp.IsError() {
			done <- "a token was served"
			return
		}
		done <- resp.Error().Error()
	}()
	<-arrived
	m.ok(logical.DeleteOperation, "roles/app", nil)
	release()
	require.Contains(t, <-done, "no role named app")
	for key := range m.stored() {
		require.NotContains(t, key, string(entry.Tokens))
	}
}

// Those who wait for one slow account leave the host's places to others.
func TestAnAccountHoldsNoPlaces(t *testing.T) {
	inWorld(t, "password", func(w *world) {
		slow, _ := flows.Lookup("password")
		w.use(&answering{rotator: &rotator{Flow: slow}, takes: 2 * time.Second})
		for i := range 40 {
			name := fmt.Sprint("r", i)
			w.put(name, fmt.Sprint("id", i), "password")
			role, err := entry.LoadRole(w.Context(), w.storage, name)
			require.NoError(w, err)
			if i < 39 {
				role.Own["username"] = "shared"
			}
			putRole(w, w.storage, name, role)
		}
		for i := range 39 {
			go func() { _, _ = w.do(logical.ReadOperation, fmt.Sprint("token/r", i), nil) }()
		}
		synctest.Wait()
		start := time.Now()
		_, err := w.do(logical.ReadOperation, "token/r39", nil)
		require.NoError(w, err)
		require.Equal(w, 2*time.Second, time.Since(start))
		time.Sleep(5 * time.Minute)
	})
}
