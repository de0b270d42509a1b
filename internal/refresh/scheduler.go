// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStopped: the scheduler is stopped.
var ErrStopped = errors.New("the scheduler of renewals is stopped")

// Scheduler runs jobs when they are due. Make one with New. Its methods may be
// called at any time by any goroutine, those for jobs before Start, too; after
// Stop they do nothing.
type Scheduler struct {
	o    *Options
	time *timeline

	ctx    context.Context // of all that runs: ended by Stop
	cancel context.CancelFunc
	wake   chan struct{} // asks the loop for a turn
	ended  chan struct{} // closed when Stop was called and nothing runs any more

	entries sync.Map // key to *entry; changed under mu, read without
	beat    atomic.Pointer[time.Time]

	mu      sync.Mutex // guards what follows; never held during a call of Run or Fill
	parked  heap[*entry]
	hosts   map[string]*host
	turns   []*host     // with work, in the order of their turns
	wakes   heap[*host] // with work, and an open breaker
	slots   slots       // ordinary ones
	reserve slots       // for the foreground
	count   [states]int // of the entries
	idle    int
	filled  bool
	panics  int
	started bool
	stopped bool
	active  int // goroutines
}

// New returns a Scheduler. Nothing runs before Start.
func New(o Options) *Scheduler {
	options := o.withDefaults()
	s := &Scheduler{
		o:       options,
		time:    newTimeline(),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
		hosts:   map[string]*host{},
		slots:   slots{size: options.Cap},
		reserve: slots{size: options.Reserve},
		filled:  o.Fill == nil,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.parked = heap[*entry]{
		less:  func(a, b *entry) bool { return a.at < b.at },
		index: func(e *entry) *int { return &e.index },
	}
	s.wakes = heap[*host]{
		less:  func(a, b *host) bool { return a.wakeAt < b.wakeAt },
		index: func(h *host) *int { return &h.index },
	}
	return s
}

// Start begins to run jobs, and to fill. It waits for nothing. A second call
// does nothing.
func (s *Scheduler) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.stopped {
		return
	}
	s.started = true
	s.active++
	go s.loop()
	if s.o.Fill != nil {
		s.active++
		go s.fill()
	}
}

// Stop ends all that runs, and waits for it: until StopLimit or the end of ctx,
// whichever comes first. It returns nil if nothing runs any more.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.halt()
	limit := time.NewTimer(s.o.StopLimit)
	defer limit.Stop()
	select {
	case <-s.ended:
		return nil
	case <-limit.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Scheduler) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.stopped = true
	s.cancel()
	for _, h := range s.hosts {
		h.dismiss(ErrStopped)
	}
	if s.active == 0 {
		close(s.ended)
	}
}

// exit is the last thing that a goroutine of the scheduler does.
func (s *Scheduler) exit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	if s.stopped && s.active == 0 {
		close(s.ended)
	}
}

// Nudge has the scheduler look at its clock now. It waits for nothing.
func (s *Scheduler) Nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Scheduler) loop() {
	defer s.exit()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		timer.Reset(s.turn())
	}
}

// turn starts what is due and returns how long the loop may rest. It rests for
// Recheck at most, since nothing reports that the wall clock was set or that the
// machine slept.
func (s *Scheduler) turn() (rest time.Duration) {
	defer s.recovered(Key{}, func() { rest = time.Second })
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time.now()
	s.beat.Store(&now.wall)
	more := s.fallDue(now)
	for s.wakes.len() > 0 && s.wakes.first().wakeAt <= now.at {
		h := s.wakes.first()
		s.unwake(h)
		s.enqueue(h)
	}
	s.dispatch(now.at)
	if more {
		return 0
	}
	rest = s.o.Recheck
	if s.parked.len() > 0 {
		rest = min(rest, s.parked.first().at-now.at)
	}
	if s.wakes.len() > 0 {
		rest = min(rest, s.wakes.first().wakeAt-now.at)
	}
	return max(0, rest)
}

// batch bounds how much falls due under one hold of the lock.
const batch = 1024

// fallDue moves what is due to its host, and tells whether more is.
func (s *Scheduler) fallDue(now moment) (more bool) {
	for n := 0; s.parked.len() > 0 && s.parked.first().at <= now.at; n++ {
		if n == batch {
			return true
		}
		e := s.parked.pop()
		switch {
		case e.at <= s.time.leap: // a clock's leap has made many entries due at once
			s.park(e, now.at+s.spread())
		case !e.letGo && s.o.Idle(e.policy, e.life, now.mono-e.lastRead()) && e.useBy > now.at:
			s.letGo(e)
		default:
			s.enter(e, ready)
			e.host.push(e, now.at)
			s.enqueue(e.host)
		}
	}
	return false
}

// spread is a random part of the span over which a burst is spread; never
// nothing, or a leap would spread the same entry again.
func (s *Scheduler) spread() time.Duration {
	return 1 + time.Duration(rand.Float64()*float64(s.o.Spread))
}
