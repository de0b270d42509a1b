// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// The engine follows the order of internal/rotation, which loses no refresh token:
// the intent is stored first, the same refresh token is sent again when an answer
// was lost, and the one before it is tried when it is refused.

// refreshing are the flows with a refresh token.
func refreshing(t *testing.T, tell func(t *testing.T, m *mount, f flow), options ...oauthtest.Option) {
	t.Parallel()
	for _, f := range flows() {
		if f.refreshes {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				m := newMount(t, options...)
				m.role("r", f, 0)
				require.True(t, m.read("r").ok())
				tell(t, m, f)
			})
		}
	}
}

// newest is the refresh token that the role's grant had last, as the server sees it.
func (m *mount) newest() string {
	_, all := m.server.Tokens()
	require.NotEmpty(m.t, all)
	return m.server.Grant(all[0]).Newest
}

func TestANewRefreshTokenIsStoredBeforeItsAccessTokenIsServed(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		for range 3 {
			require.Empty(t, m.renew("r").warnings)
			require.True(t, m.storage.holds(t, m.newest()))
		}
	})
}

func TestARestartGoesOnWithTheNewestRefreshToken(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		for range 3 {
			m.start()
			newest, from := m.newest(), m.server.Requests()
			require.Empty(t, m.renew("r").warnings)
			require.Equal(t, []string{newest}, m.refreshes(from))
		}
	})
}

// The reader who caused the exchange leaves while the server is at work.
func TestAnExchangeOutlivesItsReader(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		m.proxy.set(fault{respond: func(x *exchange) {
			answer := x.answer()
			leave()
			<-left
			x.send(answer)
		}})
		_, err := m.doFor(ctx, logical.UpdateOperation, "token/r/renew", nil)
		require.ErrorIs(t, err, context.Canceled)
		close(left)
		newest, from := m.newest(), m.server.Requests()
		m.proxy.set(fault{})
		require.Empty(t, m.renew("r").warnings)
		if sent := m.refreshes(from); len(sent) > 0 { // else it joined the one under way
			require.Equal(t, []string{newest}, sent)
		}
	})
}

// Storage fails when the answer is there: it is kept in memory, and not lost.
func TestAnAnswerThatCannotBeStored(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		m.proxy.set(fault{respond: func(x *exchange) {
			answer := x.answer()
			m.storage.full.Store(true)
			x.send(answer)
		}})
		renewed := m.renew("r")
		require.True(t, renewed.ok(), renewed.failure)
		require.Contains(t, renewed.warnings, "could not be stored yet")
		require.Equal(t, renewed.token, m.read("r").token)
		m.storage.full.Store(false)
		m.proxy.set(fault{})
		newest, from := m.newest(), m.server.Requests()
		require.False(t, m.server.Grant(newest).Revoked)
		require.Empty(t, m.renew("r").warnings)
		require.Equal(t, []string{newest}, m.refreshes(from))
	})
}

// However many want another token, a grant's refreshes come one after another.
func TestOneRefreshAtATime(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		var mu sync.Mutex
		busy, from := 0, m.server.Requests()
		m.proxy.set(fault{respond: func(x *exchange) {
			mu.Lock()
			busy++
			if busy > 1 {
				t.Error("two refreshes of one grant at a time")
			}
			mu.Unlock()
			answer := x.answer()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			busy--
			mu.Unlock()
			x.send(answer)
		}})
		var readers sync.WaitGroup
		for range 20 {
			readers.Go(func() {
				if o := m.renew("r"); !o.ok() || o.warnings != "" {
					t.Error(o)
				}
			})
		}
		readers.Wait()
		grant := m.server.Grant(m.newest())
		require.False(t, grant.Revoked)
		require.Zero(t, grant.Reused)
		require.NotEmpty(t, m.refreshes(from))
	})
}

// What no engine can save: the server has taken the refresh token back, gives no
// grace, and its answer is lost. The password helps, and an import.
func TestALostAnswerWithoutGrace(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, f flow) {
		lost := m.newest()
		m.proxy.set(fault{respond: func(x *exchange) { x.act(); x.p.set(fault{}); reset(x.TCPConn) }})
		good := m.renew("r")
		require.True(t, good.ok(), good.failure)
		m.write("config/main", fields{"description": "changed"})
		after := m.renew("r")
		require.True(t, after.ok(), after.failure)
		require.True(t, m.server.Grant(lost).Revoked)
		if f.name == imported {
			require.Equal(t, good.token, after.token)
			require.Contains(t, after.warnings, "invalid_grant")
			require.True(t, m.storage.holds(t, lost), "nothing that the engine does by itself deletes it")
			m.write("token/r/import", fields{"refresh_token": m.server.Consent("app", "a b")})
			after = m.renew("r")
		}
		require.Empty(t, after.warnings)
		require.True(t, after.ok(), after.failure)
	})
}

func TestTheIntentComesFirst(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		before := m.storage.puts.Load()
		m.proxy.set(fault{respond: func(x *exchange) {
			if m.storage.puts.Load() <= before {
				t.Error("a refresh token was sent before its intent was stored")
			}
			x.send(x.answer())
		}})
		require.Empty(t, m.renew("r").warnings)
	})
}

func TestWithoutAnIntentNothingIsSent(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, f flow) {
		asked := m.proxy.asked.Load()
		m.storage.full.Store(true)
		failed := m.renew("r")
		m.storage.full.Store(false)
		require.True(t, failed.ok(), failed.failure)
		require.NotEmpty(t, failed.warnings)
		require.Equal(t, asked, m.proxy.asked.Load())
		require.Empty(t, m.renew("r").warnings)
	})
}

// The answer is lost once. The reader who waits gets a new token all the same;
// others are served what there is.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, _ flow) {
		good, sent, from := m.read("r"), m.newest(), m.server.Requests()
		times, lost := make(chan time.Time, 2), make(chan struct{})
		m.proxy.set(fault{respond: func(x *exchange) {
			x.act()
			times <- time.Now()
			x.p.set(fault{respond: func(x *exchange) {
				times <- time.Now()
				x.send(x.answer())
			}})
			reset(x.TCPConn)
			close(lost)
		}})
		renewed := make(chan outcome, 1)
		go func() { renewed <- m.renew("r") }()
		<-lost
		require.Equal(t, good.token, m.read("r").token)
		require.Len(t, times, 1, "others do not wait for it")
		o := <-renewed
		require.True(t, o.ok(), o.failure)
		require.Empty(t, o.warnings)
		require.NotEqual(t, good.token, o.token)
		require.Equal(t, []string{sent, sent}, m.refreshes(from))
		first, second := <-times, <-times
		require.Greater(t, second.Sub(first), 1900*time.Millisecond, "no sooner than 2 s later, counted from when the first was sent off")
	}, oauthtest.Rotation(time.Hour, true))
}

// The answers are lost for good: the same refresh token goes out three times, and
// a role with a password logs in then.
func TestAnswersThatStayLost(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, f flow) {
		good, sent, from := m.read("r"), m.newest(), m.server.Requests()
		m.proxy.set(fault{respond: func(x *exchange) {
			if x.form.Get("grant_type") == "refresh_token" {
				x.act()
				reset(x.TCPConn)
				return
			}
			x.send(x.answer())
		}})
		o := m.renew("r")
		require.True(t, o.ok(), o.failure)
		require.Equal(t, []string{sent, sent, sent}, m.refreshes(from))
		if f.name == imported {
			require.Equal(t, good.token, o.token)
			require.NotEmpty(t, o.warnings)
			return
		}
		require.NotEqual(t, good.token, o.token)
		require.Empty(t, o.warnings)
	}, oauthtest.Rotation(time.Hour, true))
}

// The server has forgotten what it issued last, as after a restore or by a replica
// that lags: the refresh token before is tried once. A role with a password logs in instead.
func TestTheRefreshTokenBefore(t *testing.T) {
	refreshing(t, func(t *testing.T, m *mount, f flow) {
		before := m.newest()
		require.Empty(t, m.renew("r").warnings)
		forgotten, from := m.newest(), m.server.Requests()
		require.NotEqual(t, before, forgotten)
		m.proxy.set(fault{respond: func(x *exchange) {
			if x.form.Get("refresh_token") == forgotten {
				x.act()
				x.sendWhole(400, asJSON, `{"error":"invalid_grant"}`)
				return
			}
			x.send(x.answer())
		}})
		o := m.renew("r")
		require.True(t, o.ok(), o.failure)
		require.Empty(t, o.warnings)
		if f.name == imported {
			require.Equal(t, []string{forgotten, before}, m.refreshes(from))
			return
		}
		require.Equal(t, []string{forgotten}, m.refreshes(from))
		require.Equal(t, "password", m.server.Last().Form.Get("grant_type"))
	}, oauthtest.Rotation(time.Hour, true))
}
