// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// due has a role's stored token be due now, gives it to the scheduler, and
// returns the name that it has there.
func (m *mount) due(role string) refresh.Key {
	m.t.Helper()
	t := m.storedToken(role)
	t.RenewAt = time.Now().Add(-time.Second)
	require.NoError(m.t, t.Save(m.t.Context(), m.storage, m.tokenKey(role)))
	m.b.engine.Changed(m.tokenKey(role))
	require.NoError(m.t, m.b.engine.Reschedule(m.t.Context(), m.storage, role))
	return jobOfRole(m, role)
}

func (m *mount) initialize() {
	m.t.Helper()
	require.NoError(m.t, m.b.initialize(m.t.Context(), &logical.InitializationRequest{Storage: m.storage}))
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 30*time.Second, 5*time.Millisecond)
}

func TestADueTokenIsRenewedWithoutAReader(t *testing.T) {
	m := newMountAndServer(t)
	old := m.token("user")
	m.due("user")
	require.Equal(t, 1, m.server.Requests(), "nothing runs before the engine was initialized")
	m.initialize()
	eventually(t, func() bool { return m.storedToken("user").Generation() == 2 })
	require.Equal(t, []string{"password", "refresh_token"}, m.grants())
	require.NotEqual(t, old, m.token("user"))
	require.Equal(t, 2, m.server.Requests(), "the reader waits for nothing")
	next := m.storedToken("user").RenewAt
	eventually(t, func() bool { // the next renewal is planned
		job, known := m.b.engine.Job(jobOfRole(m, "user"))
		return known && job.State == "waiting" && job.Next.Sub(next).Abs() < time.Second
	})
}

func jobOfRole(m *mount, role string) refresh.Key {
	return refresh.Key{Role: role, Token: m.tokenKey(role)}
}

func TestWhatStorageHasIsRenewedAfterARestart(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	m.token("user")
	m.ok(logical.DeleteOperation, "token/app", nil)
	m.b.Clean(t.Context())
	m.start()
	m.initialize()
	eventually(t, func() bool { return m.b.engine.Status().Filled })
	status := m.b.engine.Status()
	require.Equal(t, []int{1, 1}, []int{status.Jobs, status.Waiting}, "a role without a token has nothing to renew")
	require.Len(t, status.Hosts, 1)
}

func TestAFailedRenewalLeavesTheTokenAlone(t *testing.T) {
	m := newMountAndServer(t)
	old := m.token("app")
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	m.initialize()
	job := m.due("app")
	eventually(t, func() bool { look, _ := m.b.engine.Job(job); return look.Failures == 1 })
	resp := m.ok(logical.ReadOperation, "token/app", nil)
	require.Equal(t, old, resp.Data["access_token"])
	require.Contains(t, resp.Warnings[0], "this token is still good, but replacing it failed")
	require.Equal(t, 2, m.server.Requests())
	require.Equal(t, 4, m.b.engine.Status().Hosts[0].Limit, "a server that is asked too much is asked less")

	m.server.Respond(nil)
	m.write("token/app/renew", nil)
	look, _ := m.b.engine.Job(job)
	require.Zero(t, look.Failures)
}

func TestWhatIsNotRenewedInTheBackground(t *testing.T) {
	m := newMountAndServer(t)
	m.write("roles/lazy", fields{"config": "main", "renew": "on_demand"})
	require.Contains(t, m.refused(logical.UpdateOperation, "roles/lazy", fields{"renew": "never"}), "renew must be one of auto, on_demand, keep_warm")
	m.token("lazy")
	m.initialize()
	job := m.due("lazy")
	look, _ := m.b.engine.Job(job)
	require.Equal(t, "asleep", look.State)
	m.write("roles/lazy", fields{"renew": "keep_warm"})
	eventually(t, func() bool { return m.storedToken("lazy").Generation() == 2 })

	m.token("user")
	gone := jobOfRole(m, "user")
	m.ok(logical.DeleteOperation, "roles/user", nil)
	_, known := m.b.engine.Job(gone)
	require.False(t, known)
	m.ok(logical.DeleteOperation, "token/lazy", nil)
	_, known = m.b.engine.Job(job)
	require.False(t, known)
}

func TestAStandbyRenewsNothing(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	m.view.ReplicationStateVal = consts.ReplicationPerformanceStandby
	m.initialize()
	m.due("app")
	require.False(t, m.b.engine.Status().Filled)
	require.Equal(t, 1, m.server.Requests())
}

// Readers come back soon after the renewal; where it is late, not each second.
func TestWhenReadingAgainPays(t *testing.T) {
	issued := time.Now()
	token := &entry.Token{Issued: issued, RenewAt: issued.Add(42 * time.Minute), Expires: issued.Add(time.Hour)}
	d := &engine.Definition{Role: &entry.Role{Renew: entry.RenewAuto}}
	in := func(after time.Duration) int64 { return rereadIn(d, token, tokencache.Need{}, issued.Add(after)) }
	require.EqualValues(t, 45*60, in(0))
	require.EqualValues(t, 1, in(45*time.Minute-time.Millisecond))
	require.EqualValues(t, 15*60-30, in(45*time.Minute), "late: as if nothing renewed it")
	d.Role.Renew = entry.RenewOnDemand
	require.EqualValues(t, 60*60-30, in(0))
	d.Role.Renew = entry.RenewAuto
	token.Expires, token.RenewAt = issued.Add(44*time.Second), issued.Add(30*time.Second)
	require.EqualValues(t, 40, in(0), "too short a life to be renewed ahead")
}

// What stopped a renewal is fixed at the config: its roles are renewed at once.
func TestAConfigsWriteEndsTheBackoffOfItsRoles(t *testing.T) {
	m := newMountAndServer(t)
	m.token("app")
	m.server.Client("app", "another")
	m.initialize()
	job := m.due("app")
	eventually(t, func() bool { look, _ := m.b.engine.Job(job); return look.Failures == 1 })
	m.server.Client("app", clientSecret+"2")
	m.write("config/main", fields{"client_secret": clientSecret + "2"})
	eventually(t, func() bool { return m.storedToken("app").Generation() == 2 })
}
