// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestA401(t *testing.T) {
	type sent = []string
	for name, c := range map[string]struct {
		body     func() io.Reader
		code     int // for rejected tokens
		rejected []string
		refusal  string
		want     int
		tokens   sent
		renewals []string
	}{
		"is repeated without a body": {
			code: 401, rejected: sent{"token-1"}, want: 200, tokens: sent{"token-1", "token-2"}, renewals: sent{"token-1"},
		},
		"is repeated with a body that can be had again": {
			body: func() io.Reader { return strings.NewReader("order") },
			code: 401, rejected: sent{"token-1"}, want: 200, tokens: sent{"token-1", "token-2"}, renewals: sent{"token-1"},
		},
		"is reported, not repeated, with another body": {
			body: func() io.Reader { return io.MultiReader(strings.NewReader("order")) },
			code: 401, rejected: sent{"token-1"}, want: 401, tokens: sent{"token-1"}, renewals: sent{"token-1"},
		},
		"is repeated once": {
			code: 401, rejected: sent{"token-1", "token-2"}, want: 401, tokens: sent{"token-1", "token-2"}, renewals: sent{"token-1"},
		},
		"is handed on if Vault has no other token": {
			code: 401, rejected: sent{"token-1"}, refusal: "403 permission denied",
			want: 401, tokens: sent{"token-1"}, renewals: sent{"token-1"},
		},
		"is not a 403": {
			code: 403, rejected: sent{"token-1"}, want: 403, tokens: sent{"token-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.store.code = c.code
			w.store.reject(c.rejected...)
			w.vault.refusals["renew"] = c.refusal
			var body io.Reader
			if c.body != nil {
				body = c.body()
			}
			resp, err := w.http.Post(storeURL, "text/plain", body)
			require.NoError(t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, c.want, resp.StatusCode)
			require.Equal(t, c.tokens[len(c.tokens)-1], string(text), "the body is whole")
			require.Equal(t, c.tokens, w.store.tokens())
			require.Equal(t, c.renewals, w.vault.renewals)
			for _, got := range w.store.bodies {
				require.Equal(t, c.body != nil, got == "order")
			}
			if c.refusal != "" {
				require.EqualError(t, w.source.Err(), "role orders: writing oauth/token/orders/renew: Vault answered 403: permission denied")
			}
		})
	}
}

// 50 requests are rejected at the same instant.
func TestAStormOf401s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.token()
		w.store.reject("token-1")
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold = hold })
		w.store.gather = &sync.WaitGroup{}
		w.store.gather.Add(50)
		codes := make([]int, 50)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() { codes[i] = w.get(storeURL) })
		}
		synctest.Wait()
		w.expect(1, 1)
		require.Equal(t, "token-1", w.token(), "nobody else waits for the renewal")
		close(hold)
		wg.Wait()
		for _, code := range codes {
			require.Equal(t, http.StatusOK, code)
		}
		require.Equal(t, map[string]int{"token-1": 50, "token-2": 50}, setOf(w.store.tokens()))
		w.expect(1, 1)
	})
}

// A request that was sent with the token of before is repeated with the one in hand.
func TestALate401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.reject("token-1")
		w.store.gather = &sync.WaitGroup{}
		w.store.gather.Add(1 + 1) // the late one waits for the other
		late := make(chan int)
		go func() { late <- w.get(storeURL) }()
		synctest.Wait()
		time.Sleep(59*time.Minute + 40*time.Second)
		w.token()
		synctest.Wait()
		require.Equal(t, "token-2", w.token(), "read because it was due")
		w.store.gather.Done()
		require.Equal(t, http.StatusOK, <-late)
		w.expect(2, 0)
	})
}

// A 401 that comes while the token is being read waits for that read.
func TestA401DuringARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.token()
		w.store.reject("token-1")
		time.Sleep(3569 * time.Second)
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold, v.minTTL = hold, 0 }) // the read will return token-1 again
		code := make(chan int)
		go func() { code <- w.get(storeURL) }()
		synctest.Wait()
		w.expect(2, 0)
		close(hold)
		require.Equal(t, http.StatusOK, <-code)
		w.expect(2, 1)
		require.Equal(t, []string{"token-1", "token-2"}, w.store.tokens())
	})
}

// An API that says 401 whatever it is sent costs less and less.
func TestAnAPIThatRejectsGoodTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vault.use = func(token string) (headers, query map[string]string) { return map[string]string{"Key": token}, nil }
		begun := time.Now()
		for time.Since(begun) < 10*time.Minute {
			require.Equal(t, http.StatusUnauthorized, w.get(storeURL))
			time.Sleep(time.Second)
		}
		renewals := w.vault.counts()[1]
		require.GreaterOrEqual(t, renewals, 10)
		require.LessOrEqual(t, renewals, 27, "one in 30 to 60 seconds, and a few at first")
		require.Len(t, w.store.seen, 600+renewals, "repeated where there was another token")

		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusUnauthorized, w.get(storeURL))
		time.Sleep(time.Second)
		require.Equal(t, http.StatusUnauthorized, w.get(storeURL))
		w.expect(1, renewals+2) // the pauses have started over
	})
}

// A renewal that fails is not tried twice for one request, however long it took.
func TestARenewalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.token()
		w.store.reject("token-1")
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold, v.refusals["renew"] = hold, "502 bad gateway" })
		time.AfterFunc(30*time.Second, func() { close(hold) })
		require.Equal(t, http.StatusUnauthorized, w.get(storeURL))
		synctest.Wait()
		w.expect(1, 1)
		require.ErrorContains(t, w.source.Err(), "bad gateway")
	})
}

func TestARenewalAfterAReadThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.token()
		time.Sleep(3569 * time.Second)
		w.vault.set(func(v *vault) { v.refusals["read"], v.life = "502 bad gateway", 0 })
		w.token()
		synctest.Wait()
		w.expect(2, 0)
		w.store.reject("token-1")
		require.Equal(t, http.StatusOK, w.get(storeURL)) // with a token for one use
		w.expect(2, 1)
		_, err := w.source.Token()
		require.ErrorContains(t, err, "bad gateway")
		w.expect(3, 1)
	})
}

// The caller's context ends the wait for a renewal, which goes on.
func TestA401AndACallerWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.token()
		w.store.reject("token-1")
		hold := make(chan struct{})
		w.vault.set(func(v *vault) { v.hold = hold })
		w.http.Timeout = 5 * time.Second
		resp, err := w.http.Get(storeURL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		close(hold)
		synctest.Wait()
		require.Equal(t, "token-2", w.token())
		w.expect(1, 1)
	})
}
