// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

func (w *world) do(op logical.Operation, path string, data fields) (*logical.Response, error) {
	return w.b.HandleRequest(context.Background(), &logical.Request{Operation: op, Path: path, Storage: w.storage, Data: data})
}

// answering is a flow whose refreshes have one answer, or take their time.
type answering struct {
	*rotator
	err   error
	takes time.Duration

	mu        sync.Mutex // guards what follows, and the rotator
	now, most int        // POSTs at a time
}

func (a *answering) Refresh(ctx context.Context, r flows.Request, held flows.Held) (*oauth.Token, error) {
	if a.err != nil {
		a.exchanges++
		return nil, a.err
	}
	a.mu.Lock()
	a.now++
	a.most = max(a.most, a.now)
	a.mu.Unlock()
	var token *oauth.Token
	var err error
	done := make(chan struct{})
	go func() { // the server, which does not hear that the client has gone
		defer close(done)
		time.Sleep(a.takes)
		a.mu.Lock()
		defer a.mu.Unlock()
		token, err = a.rotator.Refresh(context.Background(), r, held)
		a.now--
	}()
	select {
	case <-done:
		return token, err
	case <-ctx.Done():
		return nil, errLost
	}
}

func (a *answering) Mint(context.Context, flows.Request) (*oauth.Token, error) {
	time.Sleep(a.takes)
	now := time.Now().Round(0)
	return &oauth.Token{AccessToken: "a", TokenType: "Bearer", Issued: now, Expires: now.Add(time.Hour)}, nil
}

// answers has the role's server answer so.
func (w *world) answers(a *answering) {
	a.rotator = w.server
	w.use(a)
}

// Which refusals are the refresh token's own, in a role that has nothing else.
func TestWhoseRefusalItIs(t *testing.T) {
	for _, c := range []struct {
		err  oauth.Error
		over bool
	}{
		{oauth.Error{Status: 400, Code: "invalid_grant"}, true},
		{oauth.Error{Status: 200, Code: "bad_refresh_token"}, true}, // GitHub
		{oauth.Error{Status: 401}, true},
		{oauth.Error{Status: 403}, false}, // somebody before the server
		{oauth.Error{Status: 404}, false},
		{oauth.Error{Status: 401, Code: "invalid_client"}, false},
		{oauth.Error{Status: 400, Code: "unauthorized_client"}, false},
	} {
		inWorld(t, imported, func(w *world) {
			c.err.Kind, c.err.Host = oauth.Refused, "h"
			w.answers(&answering{err: &c.err})
			for range 20 {
				time.Sleep(2 * time.Hour)
				_, _ = w.read()
			}
			resp, err := w.do(logical.ReadOperation, "status/r", nil)
			require.NoError(w, err)
			require.Equal(w, c.over, resp.Data["state"] == engine.ReauthRequired, "%+v", c.err)
			if c.over {
				require.Equal(w, 1+2, w.server.exchanges, "nothing is sent after that")
				return
			}
			require.Equal(w, "healthy", resp.Data["refresh_token_state"])
			require.Greater(w, w.server.exchanges, 10)
		})
	}
}

// A new refresh token is kept, whatever is wrong with what came beside it.
func TestANewRefreshTokenAloneIsKept(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.answers(&answering{err: &oauth.Error{Kind: oauth.Malformed, Host: "h", Reason: "no access_token", RefreshToken: "refresh-2"}})
		resp, err := w.renew()
		require.NoError(w, err)
		require.Contains(w, resp.Warnings[0], "no access_token")
		require.Equal(w, refreshToken(2), w.state().Current)
		require.Equal(w, refreshToken(1), w.state().Previous)
		require.Equal(w, rotation.Healthy, w.state().Health())
		w.use(w.server)
		w.server.newest, w.server.used = 2, map[int]time.Time{1: time.Now().Add(-time.Hour)}
		w.renews()
	})
}

func TestAnImportedRefreshTokenIsExercisedUnread(t *testing.T) {
	for _, restart := range []bool{false, true} {
		inWorld(t, imported, func(w *world) {
			_, err := w.do(logical.UpdateOperation, "token/r/import", fields{"refresh_token": "refresh-1", "refresh_token_expires_in": "24h"})
			require.NoError(w, err)
			sent := w.server.exchanges
			if restart {
				w.another()
			}
			require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			require.Greater(w, w.server.exchanges, sent)
			require.Zero(w, w.server.refused)
		})
	}
}

// An exchange that began under an old definition does not bring that back.
func TestAPolicyThatChangesDuringARenewal(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.before = func() {
			w.server.before = nil
			w.change(func(role *entry.Role) { role.Renew = entry.RenewOnDemand })
		}
		w.renews()
		sent := w.server.exchanges
		require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		require.Equal(w, sent, w.server.exchanges)
	})
}

func TestATokenThatVanishesIsObtainedAnew(t *testing.T) {
	inWorld(t, "password", func(w *world) {
		time.Sleep(2 * time.Hour)
		w.server.before = func() {
			w.server.before = nil
			require.NoError(w, w.storage.Delete(context.Background(), w.key))
			w.server.refuses = true
		}
		resp, err := w.read()
		require.NoError(w, err)
		require.NoError(w, resp.Error())
		require.Equal(w, 2, w.server.logins)
	})
}

func TestAStepDownInTheMiddleForwardsTheReader(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		time.Sleep(2 * time.Hour)
		w.server.befalls = lose(errLost, 2)
		puts := 0
		w.storage.failing(func(verb, _ string) error {
			if verb != "put" {
				return nil
			}
			if puts++; puts == 1 {
				return nil
			}
			return logical.ErrReadOnly
		})
		_, err := w.read()
		require.ErrorIs(w, err, logical.ErrReadOnly)
	})
}

// A deletion that fails must not have the refresh token sent beside itself.
func TestAFailedDeletionDuringAPost(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		slow := &answering{takes: 5 * time.Second}
		w.answers(slow)
		go func() { _, _ = w.renew() }()
		time.Sleep(time.Second)
		w.storage.failing(func(verb, _ string) error {
			if verb == "delete" {
				return errStorage
			}
			return nil
		})
		_, err := w.do(logical.DeleteOperation, "token/r", nil)
		require.Error(w, err)
		w.storage.failing(nil)
		_, _ = w.renew()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(w, 1, slow.most)
	})
}

// What another node has stored for another destination is not sent to this one.
func TestWhatStorageHoldsIsHeldAgainstTheRole(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		slow, _ := flows.Lookup("password")
		w.others = map[string]flows.Flow{"password": &answering{rotator: &rotator{Flow: slow}, takes: 6 * time.Second}}
		for i := range 24 { // they take the places at the host
			w.put(fmt.Sprint("other", i), fmt.Sprint("id", i), "password")
			go func() { _, _ = w.do(logical.ReadOperation, fmt.Sprint("token/other", i), nil) }()
		}
		synctest.Wait()
		go func() { // while the renewal waits for its place
			time.Sleep(5 * time.Second)
			other := w.stored()
			other.DestinationID, other.Grant = "D2", "G2"
			other.Refresh.Generation, other.Refresh.Turn = 7, 7
			require.NoError(w, other.Save(context.Background(), w.storage, w.key))
		}()
		sent := w.server.exchanges
		_, _ = w.renew()
		require.Equal(w, sent, w.server.exchanges)
	})
}

// An intent must not bring back what a deleted role has left: nothing would ever
// delete it again.
func TestNoIntentForADeletedRole(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.before = func() { w.Error("sent") }
		w.storage.failing(func(verb, key string) error { // another node deletes it while this one begins
			if verb == "get" && key == w.key {
				require.NoError(w, w.storage.Storage.Delete(context.Background(), w.key))
				require.NoError(w, w.storage.Storage.Delete(context.Background(), string(entry.Roles)+"r"))
			}
			return nil
		})
		resp, err := w.renew()
		require.NoError(w, err)
		require.True(w, resp.IsError())
		keys, err := logical.CollectKeys(context.Background(), w.storage.Storage)
		require.NoError(w, err)
		require.NotContains(w, strings.Join(keys, " "), string(entry.Tokens))
	})
}

// A kill has cut off an answer. Servers forgive for some seconds, so nobody waits
// for a reader, nor for the next renewal.
func TestWhatAKillCutOffIsAskedForAgain(t *testing.T) {
	for _, flow := range []string{imported, "password"} {
		inWorld(t, flow, func(w *world) {
			start := time.Now()
			stored := w.withIntent(start)
			if flow != imported { // which would wait for a reader, or until it is due
				stored.Value = bytes.Replace(stored.Value, []byte(`"renew_at":"2000`), []byte(`"renew_at":"1999`), 1)
			}
			require.NoError(w, w.storage.Put(context.Background(), stored))
			w.server.newest, w.server.used = 2, map[int]time.Time{1: start}
			w.another()
			require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
			time.Sleep(rotation.PostWindow + rotation.PostLimit + time.Second)
			synctest.Wait()
			require.Equal(w, refreshToken(3), w.state().Current)
			require.Zero(w, w.server.refused)
		})
	}
}

// A gateway that has lost patience does not know what the server behind it has done.
func TestAGatewaysFailureIsAnAnswerThatWasLost(t *testing.T) {
	for status, recovers := range map[int]bool{500: true, 502: true, 504: true, 503: false} {
		inWorld(t, imported, func(w *world) {
			w.server.grace = 10 * time.Second
			w.server.befalls = lose(&oauth.Error{Kind: oauth.Unavailable, Host: "h", Status: status}, 2)
			resp, err := w.renew()
			require.NoError(w, err)
			require.Equal(w, recovers, resp.Data["access_token"] == "access-3", "%d", status)
			require.Equal(w, recovers, w.state().Current == refreshToken(3), "%d", status)
		})
	}
}

// A role that can log in is not renewed for an answer that is outstanding: nobody reads.
func TestAnOutstandingAnswerWakesNobody(t *testing.T) {
	inWorld(t, "password", func(w *world) {
		w.change(func(role *entry.Role) { role.Renew = entry.RenewOnDemand })
		require.NoError(w, w.storage.Put(context.Background(), w.withIntent(time.Now())))
		w.another()
		sent := w.server.exchanges
		require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
		time.Sleep(7 * 24 * time.Hour)
		synctest.Wait()
		require.Equal(w, sent, w.server.exchanges)
	})
}

// A deletion that fails leaves the token's renewal as it was; one that succeeds ends it.
func TestADeletionAndTheRenewal(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
		w.renews()
		w.storage.failing(func(verb, _ string) error {
			if verb == "delete" {
				return errStorage
			}
			return nil
		})
		_, err := w.do(logical.DeleteOperation, "token/r", nil)
		require.Error(w, err)
		w.storage.failing(nil)
		_, known := w.b.engine.Job(refresh.Key{Role: "r", Token: w.key})
		require.True(w, known)
		_, err = w.do(logical.DeleteOperation, "token/r", nil)
		require.NoError(w, err)
		_, known = w.b.engine.Job(refresh.Key{Role: "r", Token: w.key})
		require.False(w, known)
	})
}

// What a deletion has cancelled, and could not delete, is stored after all.
func TestAFailedDeletionWhileATokenIsStored(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.storage.failing(func(verb, key string) error {
			if verb == "delete" {
				return errStorage
			}
			return nil
		})
		w.storage.refusing(failAnswers)
		go func() { _, _ = w.renew() }()
		time.Sleep(2 * time.Second) // R2 is there, and cannot be stored yet
		_, err := w.do(logical.DeleteOperation, "token/r", nil)
		require.Error(w, err)
		w.storage.failing(nil)
		w.storage.refusing(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(w, refreshToken(w.server.newest), w.state().Current)
		require.Zero(w, w.server.refused)
		w.renews()
	})
}

// An answer good for one use does not end the token that others still use.
func TestACutOffAnswerLeavesTheTokenInPlace(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		w.server.once = true
		resp, err := w.renew()
		require.NoError(w, err)
		require.Equal(w, "access-1", resp.Data["access_token"])
		require.Equal(w, refreshToken(2), w.state().Current)
		w.server.once = false
		w.renews()
	})
}

// One entry that cannot be read must not keep the others from being renewed.
func TestAnUnreadableRoleStopsNoRenewal(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		require.NoError(w, w.storage.Put(context.Background(), &logical.StorageEntry{Key: string(entry.Roles) + "aaa", Value: []byte("{")}))
		w.another()
		require.NoError(w, w.b.initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
		synctest.Wait()
		status := w.b.engine.Status()
		require.True(w, status.Filled)
		require.Equal(w, 1, status.Jobs)
	})
}
