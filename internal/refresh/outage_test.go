// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// outage is a mount whose tokens live an hour at one host, which answers in 200 ms.
type outage struct {
	*world

	mu      sync.Mutex // guards what follows
	rng     *rand.Rand
	down    bool
	tries   int
	expires map[string]time.Time
	expired map[string]bool // when somebody renewed them, or tried to
}

// TestOutages holds the tables of docs/operations.md: what the renewals of an hour
// cost the server, and how many tokens expire while it is away.
func TestOutages(t *testing.T) {
	if testing.Short() {
		t.Skip("hours, and thousands of tokens")
	}
	const tokens = 4_000
	for _, c := range []struct {
		away        time.Duration
		least, most float64 // of all tokens expire
	}{
		{10 * time.Minute, 0, 0},
		{15 * time.Minute, 0.005, 0.015},
		{30 * time.Minute, 0.26, 0.34},
	} {
		t.Run(fmt.Sprint(c.away), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				o := newOutage(t, tokens)
				time.Sleep(3 * hour) // renewals have found their rhythm
				before := o.count()
				time.Sleep(hour)
				require.InEpsilon(t, tokens/0.7, o.count()-before, 0.05, "renewals an hour")
				require.Empty(t, o.expired)

				o.set(true)
				time.Sleep(c.away)
				require.Equal(t, "open", o.Snapshot().Hosts[0].Breaker)
				o.set(false)
				time.Sleep(5 * time.Minute)
				require.Zero(t, o.Snapshot().Due, "all is caught up")
				share := float64(len(o.expired)) / tokens
				require.True(t, c.least <= share && share <= c.most, "%v of all have expired", share)
			})
		})
	}
}

func newOutage(t *testing.T, tokens int) *outage {
	o := &outage{world: newWorld(t, Options{}), rng: rand.New(rand.NewPCG(1, 2)), expires: map[string]time.Time{}, expired: map[string]bool{}}
	o.does(o.renew)
	o.Start()
	for i := range tokens {
		o.issue(fmt.Sprint("role", i), time.Now().Add(-time.Duration(0.6*o.rng.Float64()*float64(hour))))
	}
	return o
}

func (o *outage) issue(key string, issued time.Time) {
	o.mu.Lock()
	due := issued.Add(time.Duration((0.6 + 0.2*o.rng.Float64()) * float64(hour)))
	o.expires[key] = issued.Add(hour)
	o.mu.Unlock()
	o.Put(Job{Key: k(key), Host: "host", Issued: issued, Due: due, Expires: issued.Add(hour)})
}

func (o *outage) renew(_ context.Context, key string) Outcome {
	issued := time.Now()
	if o.try(key) {
		return Outcome{Kind: Failed}
	}
	time.Sleep(200 * time.Millisecond)
	o.issue(key, issued)
	return Outcome{Kind: Renewed}
}

// try notes one, and tells whether the server is away.
func (o *outage) try(key string) (down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries++
	if !time.Now().Before(o.expires[key]) {
		o.expired[key] = true
	}
	return o.down
}

func (o *outage) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

func (o *outage) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tries
}
