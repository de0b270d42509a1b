// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

const imported = "refresh_token" // a flow without credentials

func TestTheIntentIsStoredBeforeTheRefreshTokenIsSent(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.before = func() {
			state := w.state()
			require.Equal(w, rotation.UnansweredPost, state.Health())
			require.NotEmpty(w, state.Intent.By)
			require.Equal(w, refreshToken(1), state.Current)
			require.True(w, time.Now().Before(state.Intent.PostBefore))
		}
		w.renews()
		require.Equal(w, rotation.Healthy, w.state().Health())
		require.Equal(w, refreshToken(1), w.state().Previous)
	})
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.befalls = lose(errLost, 2, 3)
		start := time.Now()
		w.renews()
		require.Equal(w, 8*time.Second, time.Since(start))
		require.Equal(w, 4, w.server.exchanges)
		require.Zero(w, w.server.refused)
	})
}

func TestAnAnswerThatCannotBeReadIsAskedForAgain(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.befalls = lose(errUnread, 2)
		w.renews()
		require.Equal(w, 3, w.server.exchanges)
	})
	inWorld(t, "password", func(w *world) {
		w.server.befalls = lose(errUnread, 2)
		w.renews()
		require.Equal(w, 2, w.server.logins, "the same would probably be answered again, and there is another way")
	})
}

func TestNobodySendsARefreshTokenWhileAnotherMay(t *testing.T) {
	inWorld(t, imported, func(w *world) { // another node, which is slow
		w.server.before = func() {
			w.server.before = func() { w.Error("sent twice") }
			time.Sleep(rotation.PostLimit - time.Second)
		}
		old := w.b
		ended := make(chan error)
		go func() {
			_, err := old.HandleRequest(context.Background(), &logical.Request{Operation: logical.UpdateOperation, Path: "token/r/renew", Storage: w.storage})
			ended <- err
		}()
		time.Sleep(time.Second)
		w.another()
		w.renews()
		require.NoError(w, <-ended)
		require.Equal(w, 2, w.server.exchanges)
		old.Clean(context.Background())
	})
	inWorld(t, imported, func(w *world) { // one that was killed after the server had acted
		start := time.Now()
		require.NoError(w, w.storage.Put(context.Background(), w.withIntent(start)))
		w.server.newest, w.server.used = 2, map[int]time.Time{1: start}
		w.another()
		w.renews()
		require.GreaterOrEqual(w, time.Since(start), rotation.PostLimit)
		require.Zero(w, w.server.refused, "within the server's grace")
	})
}

// withIntent is the first token as a killed plugin has left it.
func (w *world) withIntent(sent time.Time) *logical.StorageEntry {
	t := w.stored()
	t.Refresh = rotation.State{
		Generation: 1, Turn: 2, Current: refreshToken(1),
		Intent: rotation.Intent{PostBefore: sent.Add(rotation.PostWindow), By: "another"},
	}
	s := new(logical.InmemStorage)
	require.NoError(w, t.Save(context.Background(), s, w.key))
	stored, err := s.Get(context.Background(), w.key)
	require.NoError(w, err)
	return stored
}

func TestARefusalIsBelievedTheSecondTime(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.refuses = true
		resp, err := w.renew()
		require.NoError(w, err)
		require.Equal(w, "access-1", resp.Data["access_token"], "it still lives")
		require.Contains(w, resp.Warnings[0], "invalid_grant")
		require.Equal(w, rotation.Suspected, w.state().Health())
		require.Equal(w, 2, w.server.exchanges)

		for range 5 {
			_, _ = w.renew()
		}
		require.Equal(w, 2, w.server.exchanges, "not before a minute has passed")
		time.Sleep(rotation.SecondRefusal)
		w.server.refuses = false
		w.renews()
		require.Equal(w, rotation.Healthy, w.state().Health())
	})
}

func TestReauthRequired(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.dead = true
		_, _ = w.renew()
		time.Sleep(rotation.SecondRefusal)
		_, _ = w.renew()
		require.Equal(w, rotation.ReauthRequired, w.state().Health())
		require.Equal(w, refreshToken(1), w.state().Current, "no byte is dropped")
		sent := w.server.exchanges

		time.Sleep(2 * time.Hour)
		for range 3 {
			resp, err := w.read()
			require.NoError(w, err)
			require.ErrorContains(w, resp.Error(), "was refused twice")
			require.ErrorContains(w, resp.Error(), "vault write token/r/import")
			time.Sleep(2 * time.Hour)
		}
		w.another() // a restart is no reason
		_, _ = w.read()
		require.Equal(w, sent, w.server.exchanges)

		w.changed() // something that may have been the reason
		_, _ = w.read()
		require.Equal(w, sent+1, w.server.exchanges)

		w.server.dead = false
		resp, err := w.b.HandleRequest(context.Background(), &logical.Request{
			Operation: logical.UpdateOperation, Path: "token/r/import", Storage: w.storage,
			Data: fields{"refresh_token": refreshToken(w.server.newest).Reveal()},
		})
		require.NoError(w, err)
		require.NoError(w, resp.Error())
		w.renews()
	})
}

// A token before this one may be the one that the server counts: an answer may
// have been lost that a restart has forgotten.
func TestThePreviousTokenIsTriedOnce(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.renews()
		w.renews()
		held := w.stored()
		held.Refresh.Current = "refresh-77" // as if a broken fence had left it
		require.NoError(w, held.Save(w.Context(), w.storage, w.key))
		w.server.used = map[int]time.Time{}
		w.another()
		w.server.before = func() { w.server.refuses = w.state().Current == "refresh-77" && !w.state().Intent.Other }
		w.renews()
		require.Equal(w, 1, w.server.refused)
	})
}

func TestANodeThatWasFasterIsFollowed(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.before = func() {
			w.server.before = nil
			faster := w.stored()
			faster.AccessToken = "access-faster"
			faster.Refresh.Generation, faster.Refresh.Turn = 2, 3
			faster.Refresh.Current, faster.Refresh.Intent = "refresh-9", rotation.Intent{}
			require.NoError(w, faster.Save(w.Context(), w.storage, w.key))
			w.server.refuses = true
		}
		resp, err := w.renew()
		require.NoError(w, err)
		require.Equal(w, "access-faster", resp.Data["access_token"])
		require.Equal(w, refreshToken(9), w.state().Current)
	})
}

func TestWhatOverloadsIsNoRefusal(t *testing.T) {
	for _, failed := range []*oauth.Error{
		{Kind: oauth.Unavailable, Host: "h", Status: 503}, {Kind: oauth.Unreachable, Host: "h"},
		{Kind: oauth.Refused, Host: "h", Status: 401, Code: "invalid_client"}, {Kind: oauth.Redirected, Host: "h", Status: 302},
	} {
		inWorld(t, imported, func(w *world) {
			w.server.befalls = lose(failed, 2)
			resp, err := w.renew()
			require.NoError(w, err)
			require.Equal(w, "access-1", resp.Data["access_token"])
			require.Equal(w, 2, w.server.exchanges)
			require.False(w, w.state().Suspect.Since.After(time.Time{}))
			require.Equal(w, refreshToken(1), w.state().Current)
			w.server.newest, w.server.used = 1, map[int]time.Time{} // it had not acted
			w.renews()
		})
	}
}

// One of the two cases this engine comes from: the refresh token of a login dies
// 12 hours after it. Two days, a reader each minute, and nobody notices.
func TestALoginIsRepeatedBeforeItsSessionEnds(t *testing.T) {
	inWorld(t, "password", func(w *world) {
		w.server.session = 12 * time.Hour
		require.NoError(w, w.b.engine.ForgetToken(w.Context(), w.storage, "r", w.defined().Target))
		w.server.logins = 0
		require.NoError(w, w.b.initialize(w.Context(), &logical.InitializationRequest{Storage: w.storage}))
		for start := time.Now(); time.Since(start) < 48*time.Hour; time.Sleep(time.Minute) {
			resp, err := w.read()
			require.NoError(w, err)
			require.NoError(w, resp.Error())
			require.Empty(w, resp.Warnings)
			require.Positive(w, resp.Data["expires_in"])
		}
		require.Zero(w, w.server.refused, "no refresh token was sent that the server would refuse")
		require.GreaterOrEqual(w, w.server.logins, 4)
		require.LessOrEqual(w, w.server.logins, 6)
		require.Greater(w, w.server.exchanges, 48)
	})
}

func TestTheStatusOfARefreshToken(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.dead = true
		status := func() map[string]any {
			resp, err := w.b.HandleRequest(context.Background(), &logical.Request{Operation: logical.ReadOperation, Path: "status/r", Storage: w.storage})
			require.NoError(w, err)
			return resp.Data
		}
		require.Equal(w, "healthy", status()["refresh_token_state"])
		_, _ = w.renew()
		require.Equal(w, "suspect", status()["refresh_token_state"])
		require.Equal(w, "fresh", status()["state"])
		require.Equal(w, entry.Instant(time.Now().Add(rotation.SecondRefusal)), status()["next_try"])
		time.Sleep(rotation.SecondRefusal)
		lost := entry.Instant(time.Now())
		_, _ = w.renew()
		w.another() // who knows it from storage only
		for name, want := range map[string]any{
			"state": "reauth_required", "refresh_token_state": "reauth_required", "refresh_token_set": true,
			"action_required_by": "operator", "failing_since": lost, "failure_class": "refused",
		} {
			require.Equal(w, want, status()[name], name)
		}
		require.Contains(w, status()["last_failure"], "refused twice")
	})
}

// A refresh token that lives for a week from its last use is used in time,
// though nobody reads, and the role is asleep otherwise.
func TestARefreshTokenIsExercised(t *testing.T) {
	const week = 7 * 24 * time.Hour
	inWorld(t, imported, func(w *world) {
		last := time.Now()
		w.server.before = func() {
			require.Less(w, time.Since(last), week, "the server has dropped it")
			last = time.Now()
		}
		w.server.refreshLife = week
		w.renews()
		sent := w.server.exchanges
		require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
		time.Sleep(4 * week)
		synctest.Wait()
		require.Less(w, w.server.exchanges, sent+50, "a day's renewals, until nobody was seen to read, and then once a week")
		require.Greater(w, w.server.exchanges, sent+3)
		require.Zero(w, w.server.refused)
		require.True(w, w.stored().LastRead.Before(w.stored().Issued.Add(-week)), "kept with the token")
		resp, err := w.read()
		require.NoError(w, err)
		require.NoError(w, resp.Error())
	})
}
