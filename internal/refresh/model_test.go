// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

var modelSeeds = flag.Int("model.seeds", 3, "random worlds of TestModel")

// TestModel lets roles, readers, servers with faults and a wild wall clock loose on a
// scheduler for two days, and checks each Run against what must hold.
func TestModel(t *testing.T) {
	seeds, roles, span := *modelSeeds, 10_000, 48*hour
	if testing.Short() {
		seeds, roles, span = 1, 1000, 30*hour
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) { newModel(t, uint64(seed), roles, span).live() })
		})
	}
}

// What befalls a server, by the hours since the start.
type fault struct {
	from, to float64
	kind     faultKind
}

type faultKind int

const (
	healthy  faultKind = iota
	refusing           // connections
	hanging            // until the caller gives up
	storming           // 429 with Retry-After
	slow
)

type modelServer struct {
	name   string
	faults []fault
	tries  map[fault]int // in each fault
	busy   int
	most   int // busy at once
}

type modelRole struct {
	key       string
	server    *modelServer
	life      time.Duration
	policy    Policy
	read      time.Time // real, as is all below
	readers   bool      // somebody reads it, always
	issued    time.Time
	due       time.Time // by real time, whatever the wall clock says
	put       time.Time // when the job was last put
	asked     time.Time // when the server last sent a Retry-After
	notBefore time.Time // what it asked for
	refused   bool      // for good
	tries     int
	ok        int
}

type model struct {
	*world
	rng     *rand.Rand // guarded by world.mu, as is all below
	began   time.Time
	span    time.Duration
	servers []*modelServer
	roles   map[string]*modelRole
	order   []*modelRole
	busy    int
	stepped time.Time // when the wall clock last leapt
}

func newModel(t *testing.T, seed uint64, roles int, span time.Duration) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 1)), began: time.Now(), span: span, roles: map[string]*modelRole{}}
	for i, faults := range [][]fault{
		nil, nil, nil,
		{{2, 2.0 + 1.0/6, refusing}, {10, 12, refusing}},
		{{3, 5, hanging}, {20, 20.5, hanging}},
		{{4, 4.5, storming}, {15, 16, storming}},
		{{6, 8, slow}, {10, 12, refusing}},
		{{0, 48, slow}},
	} {
		m.servers = append(m.servers, &modelServer{name: fmt.Sprint("server", i), faults: faults, tries: map[fault]int{}})
	}
	m.world = newWorld(t, Options{Fill: m.load, Panicked: func(Key, string, []byte) {}})
	m.does(m.renew)
	lives := []time.Duration{20 * time.Second, hour, 4 * hour, 8 * hour, 12 * hour, 24 * hour}
	for i := range roles {
		r := &modelRole{
			key: fmt.Sprint("role", i), server: m.servers[i%len(m.servers)], life: lives[m.rng.IntN(len(lives))],
			policy: []Policy{Auto, Auto, Auto, OnDemand, KeepWarm}[m.rng.IntN(5)], readers: m.rng.IntN(4) > 0,
			issued: m.began.Add(-time.Duration(m.rng.Float64() * float64(hour))), read: m.began,
		}
		m.roles[r.key] = r
		m.order = append(m.order, r)
	}
	return m
}

// load is what a node finds in storage.
func (m *model) load(_ context.Context, put func(Job)) error {
	for _, r := range m.order {
		put(m.jobFor(r, r.issued))
	}
	return nil
}

// jobFor stores a token that was issued then, by real time.
func (m *model) jobFor(r *modelRole, issued time.Time) Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.issued, r.put = issued, time.Now()
	r.due = issued.Add(time.Duration((0.6 + 0.2*m.rng.Float64()) * float64(r.life)))
	wall := func(at time.Time) time.Time { return at.Add(time.Duration(m.shift.Load())).Round(0) }
	return Job{Key: k(r.key), Host: r.server.name, Issued: wall(issued), Due: wall(r.due), Expires: wall(issued.Add(r.life)), Policy: r.policy}
}

// live is two days.
func (m *model) live() {
	m.Start()
	steps := map[int]time.Duration{25 * 12: hour, 26 * 12: -hour, 28 * 12: -10 * year, 30 * 12: 10 * year, 36 * 12: 24 * hour, 40 * 12: -24 * hour, 44 * 12: 10 * year}
	for tick := 1; time.Since(m.began) < m.span; tick++ {
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if tick%12 == 0 {
			m.readAll()
			m.inspect()
			m.fix()
		}
		if by, is := steps[tick]; is {
			m.step(by)
			m.mu.Lock()
			m.stepped = time.Now()
			m.mu.Unlock()
		}
	}
	m.account()
	began := time.Now()
	if err := m.Stop(context.Background()); err != nil || time.Since(began) > 2*time.Second {
		m.t.Errorf("Stop after %v: %v", time.Since(began), err)
	}
}

func (m *model) readAll() {
	for _, r := range m.order {
		if r.readers {
			m.mu.Lock()
			r.read = time.Now()
			m.mu.Unlock()
			m.Touch(k(r.key))
		}
	}
}

// fix is an operator who fixes some of the keys that were refused for good.
func (m *model) fix() {
	for _, r := range m.order {
		m.mu.Lock()
		isFixed := r.refused && m.rng.IntN(3) == 0
		if isFixed {
			r.refused, r.notBefore = false, time.Time{}
		}
		issued := r.issued
		m.mu.Unlock()
		if isFixed {
			m.Put(m.jobFor(r, issued))
		}
	}
}

func (s *modelServer) fault(since time.Duration) (fault, bool) {
	for _, f := range s.faults {
		if since.Hours() >= f.from && since.Hours() < f.to {
			return f, true
		}
	}
	return fault{}, false
}

// well tells whether nothing has befallen the server lately.
func (s *modelServer) well(since time.Duration) bool {
	for _, f := range s.faults {
		if since.Hours() >= f.from && since.Hours() < f.to+1 {
			return false
		}
	}
	return true
}
