// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	o := Options{}.withDefaults()
	s, m := time.Second, time.Minute
	for _, tc := range []struct {
		attempt   int
		remaining time.Duration
		roll      float64
		want      time.Duration
	}{
		{1, 0, 0, 7500 * time.Millisecond},
		{1, 0, 1, 15 * s},
		{2, 0, 0, 15 * s},
		{3, 0, 0.5, 45 * s},
		{5, 0, 1, 4 * m},
		{6, 0, 1, 5 * m},
		{6, 0, 0, 150 * s},
		{1 << 30, 0, 1, 5 * m},
		{6, 10 * m, 1, 150 * s},     // a quarter of what remains
		{1, 20 * s, 1, 5 * s},       // likewise
		{1, 2 * s, 1, s},            // but for the floor, or an expiry would be asked for without end
		{6, -time.Second, 1, 5 * m}, // expired
		{0, 0, 1, 15 * s},           // never called so, and harmless
		{6, 100 * 365 * hour, 1, 5 * m},
	} {
		require.Equal(t, tc.want, o.backoff(tc.attempt, tc.remaining, tc.roll), "%+v", tc)
	}
	for _, tc := range []struct {
		attempt int
		roll    float64
		want    time.Duration
	}{{1, 0, 5 * m}, {1, 1, 5 * m}, {2, 0, 5 * m}, {2, 1, 10 * m}, {4, 1, 40 * m}, {5, 1, hour}, {5, 0, 30 * m}, {99, 1, hour}} {
		require.Equal(t, tc.want, o.refusal(tc.attempt, tc.roll), "%+v", tc)
	}
}

func TestBackoffSpreads(t *testing.T) {
	o := Options{}.withDefaults()
	rng := rand.New(rand.NewPCG(1, 2))
	var quarters [4]int
	for range 4000 {
		wait := o.backoff(3, 0, rng.Float64())
		quarters[min(3, (wait-30*time.Second)/(7500*time.Millisecond))]++
	}
	for _, n := range quarters {
		require.InDelta(t, 1000, n, 150)
	}
}

func TestLimit(t *testing.T) {
	o := Options{}.withDefaults()
	l := limit{now: o.FirstLimit}
	succeed := func(n int, backlog bool) {
		for range n {
			l.succeeded(backlog, o)
		}
	}
	succeed(1000, false)
	require.Equal(t, 8, l.now, "nothing waits: no need for more")
	succeed(49, true)
	require.Equal(t, 8, l.now)
	succeed(1, true)
	require.Equal(t, 9, l.now)
	succeed(10_000, true)
	require.Equal(t, 64, l.now)
	began := l.epoch
	for range 64 { // all under way hear the same
		l.throttled(began)
	}
	require.Equal(t, 32, l.now)
	for range 10 {
		l.throttled(l.epoch)
	}
	require.Equal(t, 1, l.now)
	succeed(50, true)
	require.Equal(t, 2, l.now)

	l.restart()
	succeed(3, false)
	require.Equal(t, 4, l.now, "a host that has come back gains with each success")
	l.throttled(l.epoch)
	succeed(49, true)
	require.Equal(t, 2, l.now, "until it says too much")
	l.restart()
	succeed(100, false)
	require.Equal(t, 8, l.now, "or is where hosts begin")
}

func TestSmallCaps(t *testing.T) {
	for _, tc := range []struct{ size, most int }{{1, 1}, {3, 1}, {8, 2}, {64, 16}, {256, 64}, {4096, 64}} {
		o := Options{Cap: tc.size}.withDefaults()
		require.Equal(t, tc.most, o.MostLimit, "cap %d", tc.size)
		require.LessOrEqual(t, o.FirstLimit, o.MostLimit)
	}
}

// TestSlots: whatever the number of greedy hosts, none has more than a quarter,
// they share alike, and one more finds room.
func TestSlots(t *testing.T) {
	for _, greedy := range []int{1, 2, 4, 16, 100, 200} {
		s := slots{size: 256}
		holds := make([]int, greedy)
		for range 256 {
			for i := range holds {
				if s.admit(holds[i]) {
					holds[i]++
					s.used++
				}
			}
		}
		most, least := slices.Max(holds), slices.Min(holds)
		require.LessOrEqual(t, most, 64, greedy)
		require.GreaterOrEqual(t, least, 1, greedy)
		require.LessOrEqual(t, most-least, 1, greedy)
		require.True(t, s.admit(0), "%d hosts leave no room for another", greedy)
		if greedy == 1 {
			require.Equal(t, 64, most)
		}
	}
	full := slots{size: 2, used: 2}
	require.False(t, full.admit(0))
}

func TestBreaker(t *testing.T) {
	o := Options{}.withDefaults()
	b := breaker{}
	fail := func(n int, now instant) {
		for range n {
			b.end(Failed, b.begin(), now, o)
		}
	}
	fail(19, 0)
	b.end(Refused, b.begin(), 0, o) // the server works
	fail(19, 0)
	require.Equal(t, "closed", b.String())
	b.end(Unneeded, b.begin(), 0, o)
	b.end(panicked, b.begin(), 0, o)
	require.True(t, b.admits(0))
	fail(1, 0)
	require.Equal(t, "open", b.String())
	for range 5 { // that were under way
		b.end(Failed, false, 10*time.Second, o)
	}
	require.False(t, b.admits(15*time.Second-1))
	require.True(t, b.admits(15*time.Second))

	probe := b.begin()
	require.True(t, probe)
	require.Equal(t, "probing", b.String())
	require.False(t, b.admits(hour), "one probe at a time")
	require.False(t, b.end(Throttled, probe, 20*time.Second, o))
	require.False(t, b.admits(35*time.Second-1))

	probe = b.begin()
	b.end(Unneeded, probe, 35*time.Second, o)
	require.True(t, b.admits(35*time.Second), "a probe that asked nobody is not one")
	b.end(panicked, b.begin(), 35*time.Second, o)
	require.False(t, b.admits(50*time.Second-1))
	require.True(t, b.admits(50*time.Second))

	require.True(t, b.end(Renewed, b.begin(), 50*time.Second, o))
	require.Equal(t, breaker{}, b)

	fail(20, 0) // open again; one that began before succeeds while the probe is under way
	probe = b.begin()
	require.True(t, b.end(Renewed, false, 16*time.Second, o))
	b.end(Failed, probe, 17*time.Second, o)
	require.Equal(t, "closed", b.String(), "that is one failure, not twenty")
}

func TestPolicies(t *testing.T) {
	o := Options{}.withDefaults()
	for _, tc := range []struct {
		policy Policy
		life   time.Duration
		want   bool
	}{
		{Auto, hour, true}, {KeepWarm, hour, true}, {OnDemand, hour, false}, {Auto, 45 * time.Second, true},
		{Auto, 45*time.Second - 1, false}, {KeepWarm, 45*time.Second - 1, false}, {Auto, 0, false}, {Auto, -hour, false},
	} {
		require.Equal(t, tc.want, o.Scheduled(tc.policy, tc.life), tc)
	}
	for _, tc := range []struct {
		policy       Policy
		life, unread time.Duration
		want         bool
	}{
		{Auto, hour, 24 * hour, false}, {Auto, hour, 24*hour + 1, true},
		{Auto, 10 * hour, 30 * hour, false}, {Auto, 10 * hour, 30*hour + 1, true},
		{KeepWarm, hour, 10_000 * hour, false}, {Auto, never, 10_000 * hour, false},
	} {
		require.Equal(t, tc.want, o.Idle(tc.policy, tc.life, tc.unread), tc)
	}
}

type item struct{ value, index int }

func TestHeap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	h := heap[*item]{less: func(a, b *item) bool { return a.value < b.value }, index: func(i *item) *int { return &i.index }}
	var in []*item
	for step := range 20_000 {
		switch roll := rng.IntN(10); {
		case roll < 5 || len(in) == 0 || step < 300:
			i := &item{value: rng.IntN(1000)}
			in = append(in, i)
			h.push(i)
		case roll < 7:
			n := rng.IntN(len(in))
			require.Same(t, in[n], h.remove(in[n].index))
			in = slices.Delete(in, n, n+1)
		case roll < 9:
			i := in[rng.IntN(len(in))]
			i.value = rng.IntN(1000)
			h.fix(i.index)
		default:
			least := slices.MinFunc(in, func(a, b *item) int { return a.value - b.value })
			got := h.pop()
			require.Equal(t, least.value, got.value)
			in = slices.DeleteFunc(in, func(i *item) bool { return i == got })
		}
		require.Equal(t, len(in), h.len())
	}
	last := -1
	for h.len() > 0 {
		got := h.pop().value
		require.LessOrEqual(t, last, got)
		last = got
	}
	require.LessOrEqual(t, cap(h.items), 64, "an empty heap keeps little memory")
}
