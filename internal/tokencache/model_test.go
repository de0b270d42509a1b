// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var modelSeeds = flag.Int("model.seeds", 3, "random worlds of TestModel")

// modelSpan is how long faults go on, in simulated time.
const modelSpan = 2 * hour

// TestModel lets readers, renewals, deletions and faults of all kinds loose on
// some keys for hours, and checks each answer and each call against what must hold.
func TestModel(t *testing.T) {
	seeds := *modelSeeds
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, uint64(seed)).run() })
		})
	}
}

// grant is a record whose refresh token is single use: presenting any but the
// latest one is the loss that must never happen.
type grant struct {
	token
	refresh int
	epoch   int // deletions of the key before its mint began
}

type model struct {
	t      *testing.T
	c      *Cache[*grant]
	keys   []*modelKey
	faulty func() bool
}

type modelKey struct {
	name string
	life time.Duration
	once bool

	mu         sync.Mutex // guards what follows
	rng        *rand.Rand
	version    int    // of the definition
	stored     *grant // storage
	refresh    int    // server: the one good refresh token, 0 if there is none
	refreshOf  int    // epoch in which that was issued
	epoch      int
	ids        int
	busy       int
	servedOnce map[int]bool
	served     int
	last       *grant // the last one served: what an application reports as rejected
}

func newModel(t *testing.T, seed uint64) *model {
	began := time.Now()
	m := &model{
		t: t, c: New[*grant](Options{Hot: 5}),
		faulty: func() bool { return time.Since(began) < modelSpan },
	}
	for i := range 12 {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		m.keys = append(m.keys, &modelKey{
			name: fmt.Sprint("key", i), rng: rng, servedOnce: map[int]bool{},
			life: []time.Duration{time.Second, 20 * time.Second, 5 * time.Minute, hour}[i%4],
			once: i%6 == 5,
		})
	}
	return m
}

func (m *model) run() {
	var wg sync.WaitGroup
	for _, k := range m.keys {
		for range 3 {
			wg.Go(func() { m.live(k) })
		}
	}
	wg.Wait()
	m.healed()
	for _, k := range m.keys {
		if k.served == 0 {
			m.t.Errorf("%s: the model served nothing", k.name)
		}
	}
	m.c.Close(m.t.Context())
}

// live is one application at one key.
func (m *model) live(k *modelKey) {
	end := time.Now().Add(modelSpan)
	for time.Now().Before(end) {
		time.Sleep(time.Duration(k.roll(60_000)) * time.Millisecond)
		switch roll := k.roll(1000); {
		case roll < 5:
			m.delete(k)
		case roll < 17:
			k.lock(func() { k.version++ })
		case roll < 97:
			m.read(k, true)
		default:
			m.read(k, false)
		}
	}
}

func (m *model) read(k *modelKey, renew bool) {
	var need Need
	var version, epoch int
	var seen *grant
	k.lock(func() {
		version, epoch, seen = k.version, k.epoch, k.last
		need = Need{Fingerprint: fmt.Sprint(version), Revision: fmt.Sprint(version)}
	})
	if k.roll(4) == 0 {
		need.MinTTL = time.Duration(1+k.roll(600)) * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+k.roll(40))*time.Second)
	defer cancel()
	began := time.Now()
	var a Answer[*grant]
	var err error
	if renew {
		a, err = m.c.Renew(ctx, k.name, need, m.source(k, need), func(held *grant) bool { return held == seen })
	} else {
		a, err = m.c.Get(ctx, k.name, need, m.source(k, need))
	}
	if waited := time.Since(began); waited > 15*time.Second {
		m.t.Errorf("%s: answered after %v", k.name, waited)
	}
	if err != nil {
		m.checkError(k, err)
		return
	}
	m.checkAnswer(k, need, epoch, a)
}

// checkAnswer is what the package promises to readers.
func (m *model) checkAnswer(k *modelKey, need Need, epoch int, a Answer[*grant]) {
	r := a.Record
	if !r.Matches(need.Fingerprint) {
		m.t.Errorf("%s: definition %s served, %s wanted", k.name, r.fp, need.Fingerprint)
	}
	if r.epoch < epoch {
		m.t.Errorf("%s: token %d was deleted, and then served", k.name, r.id)
	}
	if a.State == Expired {
		m.t.Errorf("%s: served as expired", k.name)
	}
	k.lock(func() {
		k.served++
		k.last = r
		if r.once && k.servedOnce[r.id] {
			m.t.Errorf("%s: token %d served twice", k.name, r.id)
		}
		k.servedOnce[r.id] = true
	})
	if r.once {
		return
	}
	minTTL := need.MinTTL
	if minTTL == 0 {
		minTTL = DefaultMinTTL(r.life.Expires.Sub(r.life.Issued))
	}
	remaining := time.Until(r.life.Expires)
	switch {
	case remaining <= 0:
		m.t.Errorf("%s: served %v after its expiry", k.name, -remaining)
	case remaining < minTTL && a.Stale == nil && !a.Minted:
		m.t.Errorf("%s: %v remains, %v needed, and no reason given: %+v", k.name, remaining, minTTL, a)
	}
}

func (m *model) checkError(k *modelKey, err error) {
	for _, known := range []error{
		errDown, errStorage, errReadOnly, ErrInProgress, ErrForgotten, ErrPanic, ErrExpired,
		context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	m.t.Errorf("%s: unexpected error %v", k.name, err)
}

// delete is what an operator does to a token.
func (m *model) delete(k *modelKey) {
	err := m.c.Change(context.Background(), k.name, func(context.Context) error {
		defer k.enter(m)()
		k.lock(func() { k.stored, k.epoch = nil, k.epoch+1 })
		return nil
	})
	if err != nil {
		m.t.Errorf("%s: delete: %v", k.name, err)
	}
}

func (m *model) source(k *modelKey, need Need) Source[*grant] {
	return Source[*grant]{
		Load: func(ctx context.Context) (stored *grant, has bool, err error) {
			defer k.enter(m)()
			if m.fault(k, 50) {
				return nil, false, errStorage
			}
			k.lock(func() { stored = k.stored })
			return stored, stored != nil, nil
		},
		Mint: func(ctx context.Context, held *grant, has bool, _ Fenced) (*grant, error) {
			defer k.enter(m)()
			return m.exchange(ctx, k, need, held, has)
		},
		Save: func(ctx context.Context, r *grant) error {
			defer k.enter(m)()
			time.Sleep(time.Duration(k.roll(200)) * time.Millisecond)
			if m.fault(k, 200) {
				return errStorage
			}
			k.lock(func() { k.stored = r })
			return nil
		},
		Ready: func() error {
			defer k.enter(m)()
			if m.fault(k, 30) {
				return errReadOnly
			}
			return nil
		},
		Remember: func(_ error, attempt int) time.Duration {
			defer k.enter(m)()
			return min(time.Duration(attempt)*15*time.Second, 5*time.Minute)
		},
	}
}

// exchange is the server: slow at times, down at times, and strict.
func (m *model) exchange(ctx context.Context, k *modelKey, need Need, held *grant, has bool) (*grant, error) {
	var epoch int
	k.lock(func() { epoch = k.epoch })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	issued := time.Now().Round(0)
	wait := time.Duration(k.roll(500)) * time.Millisecond
	if m.fault(k, 50) {
		wait = time.Duration(k.roll(40)) * time.Second
	}
	if m.fault(k, 300) { // deaf to cancellation
		time.Sleep(wait)
	} else {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if m.fault(k, 200) {
		return nil, errDown
	}
	if m.fault(k, 20) {
		panic("a secret")
	}
	var r *grant
	k.lock(func() {
		switch {
		case has && held.refresh != k.refresh:
			m.t.Errorf("%s: refresh token %d presented, %d is the good one", k.name, held.refresh, k.refresh)
		case !has && k.refresh != 0 && k.refreshOf == k.epoch:
			m.t.Errorf("%s: refresh token %d was lost", k.name, k.refresh)
		}
		k.ids++
		k.refresh, k.refreshOf = k.ids, epoch
		r = &grant{refresh: k.ids, epoch: epoch}
		r.token = token{id: k.ids, fp: need.Fingerprint, once: k.once}
		r.life = Life{Issued: issued, Expires: issued.Add(k.life), RenewAt: RenewAt(issued, issued.Add(k.life), k.rng.Float64())}
	})
	return r, nil
}

// healed: with all faults over, everybody is served, and what the server
// issued last is what storage has.
func (m *model) healed() {
	time.Sleep(2 * time.Minute)
	for _, k := range m.keys {
		k.lock(func() {
			if k.stored == nil && k.refresh != 0 && k.refreshOf == k.epoch {
				m.t.Errorf("%s: storage lost refresh token %d", k.name, k.refresh)
			}
			if k.stored != nil && k.stored.refresh != k.refresh {
				m.t.Errorf("%s: stored refresh token %d, the good one is %d", k.name, k.stored.refresh, k.refresh)
			}
			k.version++
		})
		need := Need{Fingerprint: fmt.Sprint(k.version), Revision: fmt.Sprint(k.version)}
		a, err := m.c.Get(m.t.Context(), k.name, need, m.source(k, need))
		if err != nil {
			m.t.Errorf("%s: %v", k.name, err)
			continue
		}
		m.checkAnswer(k, need, k.epoch, a)
	}
}

func (m *model) fault(k *modelKey, perMille int) bool {
	return m.faulty() && k.roll(1000) < perMille
}

func (k *modelKey) lock(act func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	act()
}

func (k *modelKey) roll(n int) (r int) {
	k.lock(func() { r = k.rng.IntN(n) })
	return r
}

// enter checks that one goroutine at a time uses the key's Source.
func (k *modelKey) enter(m *model) (leave func()) {
	k.lock(func() {
		if k.busy++; k.busy > 1 {
			m.t.Errorf("%s: two calls of its Source at a time", k.name)
		}
	})
	return func() { k.lock(func() { k.busy-- }) }
}
