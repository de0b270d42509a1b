// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begun := time.Now()
		token, err := w.source.Token()
		require.NoError(t, err)
		require.Equal(t, "token-1", token.AccessToken)
		require.Equal(t, "Bearer", token.Type())
		require.Equal(t, begun.Add(time.Hour), token.Expiry, "by this machine's clock, not by expire_time")
		require.Equal(t, "orders.read", token.Extra("scope"))
		require.Equal(t, "https://eu.example.com", token.Extra("instance_url"))
		require.Nil(t, token.Extra("headers"))
		require.Equal(t, []string{""}, w.vault.reads)
	})
}

// The instants of a token's life, with an hour to live and reading again after
// 3600-30-1 seconds.
func TestReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begun, ttl := time.Now(), 3569*time.Second
		for _, at := range []time.Duration{0, time.Minute, ttl - 1} {
			time.Sleep(time.Until(begun.Add(at)))
			require.Equal(t, "token-1", w.token())
			w.expect(1, 0)
		}
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold, v.minTTL = hold, time.Minute })
		time.Sleep(time.Nanosecond)
		for range 3 {
			require.Equal(t, "token-1", w.token(), "renewal is beside the use")
			synctest.Wait()
		}
		w.expect(2, 0)
		close(hold)
		synctest.Wait()
		require.Equal(t, "token-2", w.token())
		w.expect(2, 0)
	})
}

// ttl counts from when the request was started.
func TestASlowVault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold = hold })
		begun := time.Now()
		time.AfterFunc(10*time.Second, func() { close(hold) })
		token, err := w.source.Token()
		require.NoError(t, err)
		require.Equal(t, begun.Add(time.Hour), token.Expiry)
		require.Equal(t, 10*time.Second, time.Since(begun))
		time.Sleep(3569*time.Second - 10*time.Second - 1)
		w.token()
		w.expect(1, 0)
		time.Sleep(time.Nanosecond)
		w.token()
		synctest.Wait()
		w.expect(2, 0)
	})
}

// Reads do not follow each other without end where they take longer than ttl.
func TestAVaultThatIsSlowerThanTheTokensAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold, v.life, v.minTTL = hold, 20*time.Second, 15*time.Second })
		time.AfterFunc(10*time.Second, func() { close(hold) })
		w.token()
		time.Sleep(time.Second - time.Nanosecond)
		w.token()
		synctest.Wait()
		w.expect(1, 0)
		time.Sleep(time.Nanosecond)
		w.token()
		synctest.Wait()
		w.expect(2, 0)
	})
}

// A token that ends within a second would not reach the API.
func TestTheLastSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vault.set(func(v *vault) { v.minTTL = 0 })
		w.token()
		w.vault.set(func(v *vault) { v.minTTL = time.Minute })
		time.Sleep(time.Hour - time.Second + time.Nanosecond)
		require.Equal(t, "token-2", w.token())
	})
}

func TestOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold = hold })

		hurried, leave := context.WithCancelCause(t.Context())
		left := make(chan error, 1)
		go func() { // the first, on whose behalf Vault is asked
			_, err := w.source.TokenContext(hurried)
			left <- err
		}()
		synctest.Wait()
		var (
			wg     sync.WaitGroup
			tokens = make([]string, 50)
		)
		for i := range tokens {
			wg.Go(func() { tokens[i] = w.token() })
		}
		synctest.Wait()
		leave(nil)
		err := <-left
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "role orders: waiting for oauth/token/orders: context canceled")
		close(hold)
		wg.Wait()
		require.Equal(t, map[string]int{"token-1": 50}, setOf(tokens))
		w.expect(1, 0)
	})
}

// While the token lives, failures are not seen, and do not become a storm.
func TestVaultIsDownForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vault.set(func(v *vault) { v.minTTL = 5 * time.Minute })
		w.token()
		time.Sleep(time.Hour - 5*time.Minute)
		w.vault.set(func(v *vault) {
			v.refusals["read"] = "502 no token for role orders: id.example.com: connection refused"
		})
		for range 299 * 10 {
			require.Equal(t, "token-1", w.token())
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		require.ErrorContains(t, w.source.Err(), "connection refused")
		reads := w.vault.counts()[0] - 1
		require.GreaterOrEqual(t, reads, 299/15, "it goes on trying")
		require.LessOrEqual(t, reads, 50, "with pauses of up to 15 seconds")

		time.Sleep(time.Second)
		_, err := w.source.Token()
		require.EqualError(t, err, "role orders: reading oauth/token/orders: Vault answered 502: no token for role orders: id.example.com: connection refused")

		before := w.vault.counts()[0]
		for range 1000 {
			_, err := w.source.Token()
			require.Error(t, err)
		}
		require.LessOrEqual(t, w.vault.counts()[0], before+1, "without a token there is a pause too")

		w.vault.set(func(v *vault) { delete(v.refusals, "read") })
		time.Sleep(15 * time.Second)
		require.Equal(t, "token-2", w.token())
		require.NoError(t, w.source.Err())
	})
}

// A token that has less life left than the application needs is replaced first,
// and used all the same if that fails.
func TestMinTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.config.MinTTL = 10*time.Minute - time.Millisecond })
		w.token()
		time.Sleep(50*time.Minute + time.Second)
		require.Equal(t, "token-2", w.token(), "it was waited for")
		require.Equal(t, []string{"min_ttl=600", "min_ttl=600"}, w.vault.reads)

		time.Sleep(50*time.Minute + time.Second)
		w.vault.set(func(v *vault) { v.refusals["read"] = "500 internal error" })
		require.Equal(t, "token-2", w.token())
		w.expect(3, 0)
		require.Equal(t, "token-2", w.token())
		w.expect(3, 0)
	})
}

// The answer of a renewal counts with the role's min_ttl only.
func TestMinTTLAfterARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.config.MinTTL = 10 * time.Minute })
		w.token()
		w.store.reject("token-1")
		require.Equal(t, http.StatusOK, w.get(storeURL))
		time.Sleep(50*time.Minute + time.Nanosecond)
		require.Equal(t, "token-3", w.token())
		w.expect(2, 1)
	})
}

// Tokens that the server issues with no life serve one request each.
func TestTokensForOneUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vault.set(func(v *vault) { v.life, v.minTTL, v.each = 0, 0, true })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if code := w.get(storeURL); code != http.StatusOK {
					t.Errorf("the store answered %d", code)
				}
			})
		}
		wg.Wait()
		used := setOf(w.store.tokens())
		require.Len(t, used, 20, used)
	})
}
