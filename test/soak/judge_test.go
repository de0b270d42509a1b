// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// quiet is a soak in which all went well: one kill, one token that was read and checked.
func quiet() *book {
	b := newBook().kill(500, 800).exchange(refresh(1000, "1", "fresh", "2")).read(1100, "access of 2")
	b.checked(nil, nil)
	return b
}

var well = []ending{{Role: "app", Flow: refreshTokens, Healthy: true}}

func TestAQuietSoak(t *testing.T) {
	v := judge(quiet().snapshot(), well, nil, usual)
	require.Empty(t, v.Violations)
	require.Equal(t, 1, v.Kills)
	require.Equal(t, 1, v.Reads)
	require.Equal(t, 1, v.Checked)
	require.Equal(t, 1, v.Healthy)
	require.Equal(t, map[string]int{"refresh_token": 1}, v.Exchanges)
	require.InDelta(t, 0.298, v.Back.Max, 0.0001)
}

// Each thing that must not be is seen by itself.
func TestViolations(t *testing.T) {
	lost := []exchange{refresh(2000, "2", "fresh", "3"), refresh(9000, "2", "late", "").again(2000)}
	for name, test := range map[string]struct {
		change  func(*book)
		endings []ending
		leaks   []string
		want    []string
	}{
		"expired": {change: func(b *book) {
			b.answered(reading{Role: "app", Path: "token", Start: instant(30_000), End: instant(30_001), Expires: instant(29_000)})
		}, want: []string{"1 expired tokens served"}},
		"not accepted": {change: func(b *book) { b.checked(&refusal{Role: "app", At: instant(2000)}, nil) },
			want: []string{"1 tokens served that their issuer does not accept"}},
		"of another": {change: func(b *book) { b.checked(&refusal{Role: "app", At: instant(2000), Wrong: true}, nil) },
			want: []string{"1 tokens served that belong to another role"}},
		"lost": {change: func(b *book) { b.exchange(lost...) },
			want: []string{"1 refresh grants lost without a kill that explains it", "1 refresh tokens used twice without a kill that explains it"}},
		"read failed": {change: func(b *book) {
			b.failed(failure{Role: "app", Path: "token", Start: instant(20_000), End: instant(20_010), Status: 502, Reason: "x"})
		}, want: []string{"1 reads failed that no kill and no loss explains"}},
		"refused beside a kill": {change: func(b *book) {
			b.failed(failure{Role: "app", Path: "token", Start: instant(600), End: instant(610), Status: 400, Reason: "x"})
		}, want: []string{"1 reads failed that no kill and no loss explains"}},
		"leak": {leaks: []string{"a secret"}, want: []string{"1 secrets found in logs"}},
		"given up": {endings: []ending{{Role: "app", Flow: refreshTokens, Why: "no token"}},
			want: []string{"1 refresh grants lost without a kill that explains it"}},
		"sick": {endings: []ending{{Role: "app", Flow: clientCredentials}}, want: []string{"1 roles without a token at the end, for no loss"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := quiet()
			if test.change != nil {
				test.change(b)
			}
			if test.endings == nil {
				test.endings = well
			}
			require.Equal(t, test.want, judge(b.snapshot(), test.endings, test.leaks, usual).Violations)
		})
	}
	require.Equal(t, []string{"nothing was proved: no reads, no tokens checked or no kills"}, judge(newBook(), nil, nil, usual).Violations)
}

// expire_time is cut to seconds: until the second that it names is over, nobody can say that the token has expired.
func TestExpiredOnlyIfCertain(t *testing.T) {
	for start, expired := range map[int64]int{9999: 0, 10_000: 0, 10_999: 0, 11_000: 1, 12_000: 1} {
		b := newBook()
		b.answered(reading{Role: "app", Start: instant(start), End: instant(start + 1), Expires: instant(10_000)})
		require.Len(t, b.expired, expired, start)
	}
}

func TestALossExcusesItsRoleOnly(t *testing.T) {
	b := quiet().kill(2020, 7300).exchange(refresh(2000, "2", "fresh", "3"), refresh(9000, "2", "late", "").again(2000))
	refused := failure{Role: "app", Path: "token", Start: instant(60_000), End: instant(60_010), Status: 400, Reason: "x"}
	b.failed(refused)
	b.checked(&refusal{Role: "app", At: instant(9100)}, nil)
	sick := []ending{{Role: "app", Flow: refreshTokens}}
	v := judge(b.snapshot(), sick, nil, usual)
	require.Empty(t, v.Violations)
	require.Equal(t, [...]int{1, 1, 0, 1, 1, 1}, [...]int{v.Lost, v.Explained, v.Avoidable, v.OfLost, v.OfRevoked, v.CutOff})

	// The plugin was back before the grace was over.
	b.kills[1].Back = instant(2300)
	v = judge(b.snapshot(), sick, nil, usual)
	require.Equal(t, []string{"1 refresh grants lost though the plugin was back within the grace (-strict=false allows them)"}, v.Violations)
	require.Equal(t, [...]int{1, 0, 1}, [...]int{v.Lost, v.Explained, v.Avoidable})
	lenient := usual
	lenient.strict = false
	require.Empty(t, judge(b.snapshot(), sick, nil, lenient).Violations)
	b.kills[1].Back = instant(7300)

	// A role that can log in again is excused for a while.
	v = judge(b.snapshot(), []ending{{Role: "app", Flow: passwords, Healthy: true}}, nil, usual)
	require.Equal(t, []string{"1 reads failed that no kill and no loss explains"}, v.Violations)

	// Before the loss, and of another role, nothing is excused.
	early, other := refused, refused
	early.Start, early.End, other.Role = instant(8000), instant(8010), "other"
	b.failed(early)
	b.failed(other)
	require.Equal(t, 2, judge(b.snapshot(), sick, nil, usual).Failed)
}

func TestWhatAKillExcuses(t *testing.T) {
	b := quiet().kill(2020, 2300).exchange(refresh(2000, "2", "fresh", "3")) // cut off
	at := func(role string, start int64) {
		b.failed(failure{Role: role, Path: "token", Start: instant(start), End: instant(start + 100), Status: 502, Reason: "x"})
	}
	at("other", 1950)  // killed during the read
	at("other", 7000)  // within 5 s
	at("app", 20_000)  // within 30 s, since its exchange was cut off
	at("other", 20000) // of no concern to this one
	at("app", 40_000)  // too late
	v := judge(b.snapshot(), well, nil, usual)
	require.Equal(t, [...]int{2, 1, 2}, [...]int{v.MetKill, v.Waiting, v.Failed})
}

// Where the provider has seen nothing, a role with refresh tokens is excused from the first kill after its last good answer.
func TestAKillBeforeThePost(t *testing.T) {
	at := func(b *book, start int64) *book {
		b.failed(failure{Role: "app", Path: "token", Start: instant(start), End: instant(start + 100), Status: 502, Reason: "x"})
		return b
	}
	failed := func(b *book, flow string) int {
		return judge(b.snapshot(), []ending{{Role: "app", Flow: flow, Healthy: true}}, nil, usual).Failed
	}
	killed := func() *book { return quiet().kill(2000, 2300) }
	require.Zero(t, failed(at(killed(), 15_000), refreshTokens))
	require.Equal(t, 1, failed(at(killed(), 15_000), clientCredentials))
	require.Equal(t, 1, failed(at(killed().read(10_000, "x"), 15_000), refreshTokens), "it has had an answer since")
	require.Equal(t, 1, failed(at(killed(), 33_000), refreshTokens))
	require.Equal(t, 1, failed(at(killed().kill(20_000, 20_300), 33_000), refreshTokens), "a later kill prolongs nothing")
}

func TestBackIsTheFirstAnswerToAReadThatBeganAfterTheKill(t *testing.T) {
	b := newBook().kill(1000, 0).kill(1500, 0)
	b.read(1200, "a")
	require.Equal(t, instant(1205), b.kills[0].Back)
	require.Zero(t, b.kills[1].Back)
	b.read(1700, "a").read(1600, "a")
	require.Equal(t, instant(1705), b.kills[1].Back)
}

func TestUnansweredChecksAreNoVerdict(t *testing.T) {
	b := newBook()
	b.checked(nil, errors.New("the provider is down"))
	require.Equal(t, [...]int{0, 1}, [...]int{b.checks, b.unchecked})
}

func TestWorst(t *testing.T) {
	require.Equal(t, []string{"     3  b", "     2  a"}, worst(map[string]int{"a": 2, "b": 3, "c": 1}, 2))
}

func TestPlan(t *testing.T) {
	roles := plan(24, []time.Duration{30 * time.Second, time.Minute})
	count := map[string]int{}
	for _, r := range roles {
		count[r.flow+" "+r.life.String()]++
	}
	require.Equal(t, map[string]int{
		"client_credentials 30s": 4, "client_credentials 1m0s": 4, "refresh_token 30s": 4, "refresh_token 1m0s": 4,
		"password 30s": 2, "password 1m0s": 2, "login 30s": 2, "login 1m0s": 2,
	}, count)
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-life", "10s,2m", "-seed", "7", "-grace", "0"})
	require.NoError(t, err)
	require.Equal(t, lives{10 * time.Second, 2 * time.Minute}, o.lives)
	require.Zero(t, o.grace)
	require.Equal(t, o.rng("a").Uint64(), o.rng("a").Uint64())
	require.NotEqual(t, o.rng("a").Uint64(), o.rng("b").Uint64())
	o, err = parse(nil)
	require.NoError(t, err)
	require.NotZero(t, o.seed)
	for _, bad := range [][]string{{"x"}, {"-for", "0s"}, {"-roles", "2"}, {"-aim", "1.1"}, {"-grace", "-1s"}} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}
