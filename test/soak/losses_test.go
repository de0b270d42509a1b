// SPDX-License-Identifier: MPL-2.0

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// began is when the tests' soaks begin; all instants are milliseconds from then.
const began int64 = 1_700_000_000_000

func instant(ms int64) time.Time { return time.UnixMilli(began + ms) }

var usual = limits{
	grace: 5 * time.Second, persist: 2 * time.Second, outage: 5 * time.Second, recovery: 30 * time.Second,
	strict: true, killing: true,
}

// refresh is a use of token at ms whose answer takes 50 ms and has the tokens next and "access of <next>".
func refresh(ms int64, token, state, next string) exchange {
	e := exchange{
		Event: "exchange", In: began + ms, Out: began + ms + 50, Sent: true, GrantType: refreshTokens,
		Account: "app", Grant: "grant", Token: token, State: state, Status: 200, Next: next, Access: "access of " + next,
	}
	if next == "" {
		e.Status, e.Error, e.Access = 400, "invalid_grant", ""
	}
	return e
}

// again is a use of a token that was consumed at ms.
func (e exchange) again(ms int64) exchange {
	e.Consumed = began + ms
	return e
}

func (b *book) kill(ms int64, back int64) *book {
	k := kill{At: instant(ms), Gone: instant(ms + 2), Processes: 1}
	if back > 0 {
		k.Back = instant(back)
	}
	b.kills = append(b.kills, k)
	return b
}

func (b *book) exchange(all ...exchange) *book {
	for _, e := range all {
		b.heard(e)
	}
	return b
}

func (b *book) read(ms int64, access string) *book {
	b.answered(reading{Role: "app", Path: "token", Start: instant(ms), End: instant(ms + 5), Access: access, Expires: instant(ms + 20_000)})
	return b
}

func TestNothingIsLostInAnUnbrokenChain(t *testing.T) {
	b := newBook().exchange(refresh(0, "1", "fresh", "2"), refresh(1000, "2", "fresh", "3"))
	require.Empty(t, b.losses(usual))
	require.Empty(t, b.reuses(usual))
}

func TestALossNeedsAKillBetweenPostAndStoredAnswer(t *testing.T) {
	first, late := refresh(1000, "1", "fresh", "2"), refresh(9000, "1", "late", "").again(1000)
	for name, test := range map[string]struct {
		book      *book
		explained bool
		why       string
	}{
		"killed while the provider answers":    {newBook().kill(1020, 1500), true, "a kill cut off the answer"},
		"killed before the answer is stored":   {newBook().kill(1400, 1900), true, "a kill cut off the answer"},
		"killed long before":                   {newBook().kill(200, 400), false, "no kill"},
		"killed right before, and it was sent": {newBook().kill(900, 990), false, "no kill"},
		"killed when it must be stored":        {newBook().kill(3200, 3400), false, "no kill"},
		"not killed":                           {newBook(), false, "no kill"},
		"killed, and a reader has its token":   {newBook().read(1100, "access of 2").kill(1400, 1900), false, "was stored"},
		"killed, and read afterwards":          {newBook().kill(1400, 1900).read(1900, "access of 2"), false, "was stored"},
		"another kill, of no process":          {func() *book { b := newBook().kill(1020, 0); b.kills[0].Processes = 0; return b }(), false, "no kill"},
	} {
		t.Run(name, func(t *testing.T) {
			losses := test.book.exchange(first, late).losses(usual)
			require.Len(t, losses, 1)
			require.Equal(t, "app", losses[0].Role)
			require.Equal(t, test.explained, losses[0].Explained, losses[0].Why)
			require.Contains(t, losses[0].Why, test.why)
		})
	}
}

// The sender has died, and the provider reads its request a moment later: the answer finds nobody.
func TestARequestMayOutliveItsSender(t *testing.T) {
	first := refresh(1000, "1", "fresh", "2")
	first.Sent = false
	losses := newBook().kill(800, 1500).exchange(first, refresh(9000, "1", "late", "").again(1000)).losses(usual)
	require.Len(t, losses, 1)
	require.True(t, losses[0].Explained)
}

func TestALossIsAvoidableWhereThePluginWasBackWithinTheGrace(t *testing.T) {
	chain := []exchange{refresh(1000, "1", "fresh", "2"), refresh(9000, "1", "late", "").again(1000)}
	require.True(t, newBook().kill(1020, 1500).exchange(chain...).losses(usual)[0].Avoidable)
	require.False(t, newBook().kill(1020, 7000).exchange(chain...).losses(usual)[0].Avoidable)
	require.False(t, newBook().kill(1020, 0).exchange(chain...).losses(usual)[0].Avoidable, "it never came back")
	none := usual
	none.grace = 0
	require.False(t, newBook().kill(1020, 1500).exchange(chain...).losses(none)[0].Avoidable, "there is no grace")
}

// The answer of the second try, within the grace, may be cut off as well; each needs a kill of its own.
func TestEachAnswerNeedsAKill(t *testing.T) {
	first, second := refresh(1000, "1", "fresh", "2"), refresh(2000, "1", "grace", "2b").again(1000)
	late := refresh(9000, "1", "late", "").again(1000)
	twice := newBook().kill(1020, 1500).kill(2020, 2500).exchange(first, second, late)
	require.True(t, twice.losses(usual)[0].Explained)
	once := newBook().kill(1020, 1500).exchange(first, second, late)
	require.False(t, once.losses(usual)[0].Explained)
	// A kill long after the first answer, and right after the second, is no reason for the second try.
	odd := newBook().kill(2900, 3000).exchange(first, second)
	require.False(t, odd.reuses(usual)[0].Explained)
}

// Within the grace a second use is harmless, and without a kill it is a loss at the next server that has none.
func TestReuseWithinTheGrace(t *testing.T) {
	first, second := refresh(1000, "1", "fresh", "2"), refresh(3000, "1", "grace", "2b").again(1000)
	reuses := newBook().kill(1020, 1500).exchange(first, second).reuses(usual)
	require.Len(t, reuses, 1)
	require.True(t, reuses[0].Explained)
	require.True(t, reuses[0].Taken)
	require.InDelta(t, 2.0, reuses[0].After, 0.001)
	reuses = newBook().exchange(first, second).reuses(usual)
	require.False(t, reuses[0].Explained)
	// Its answer's refresh token was used, so it was stored, whatever was killed.
	reuses = newBook().kill(1400, 1500).exchange(first, refresh(2000, "2", "fresh", "3"), second).reuses(usual)
	require.False(t, reuses[0].Explained)
	require.Contains(t, reuses[0].Why, "was stored")
}

func TestOneLossForEachGrant(t *testing.T) {
	b := newBook().exchange(
		refresh(1000, "1", "fresh", "2"), refresh(9000, "1", "late", "").again(1000),
		refresh(9500, "1", "dead", "").again(1000), refresh(9900, "2", "dead", ""),
		exchange{Event: "revoked", At: began + 9010, Account: "app", Grant: "grant"},
	)
	require.Len(t, b.losses(usual), 1)
}

func TestLossesWithoutAReuse(t *testing.T) {
	unknown := refresh(1000, "x", "unknown", "")
	unknown.Account, unknown.Grant, unknown.Client = "", "", "client"
	losses := newBook().kill(1020, 1500).exchange(unknown).losses(usual)
	require.Len(t, losses, 1)
	require.False(t, losses[0].Explained)
	losses = newBook().exchange(exchange{Event: "revoked", At: began, Account: "app", Grant: "grant"}).losses(usual)
	require.Len(t, losses, 1)
	require.False(t, losses[0].Explained)
}
