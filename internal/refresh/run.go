// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// mark is the key of the context of a Run; its value is the Scheduler.
type mark struct{}

// run calls Run for one entry. Afterwards the slot and the entry are free,
// whatever Run did.
func (s *Scheduler) run(e *entry, generation uint64, g grant) {
	defer s.exit()
	outcome := Outcome{Kind: panicked, Code: "panic"}
	defer func() { s.finish(e, g, outcome) }()
	defer s.recovered(e.key, func() {})
	ctx, cancel := context.WithTimeout(context.WithValue(s.ctx, mark{}, s), s.o.RunLimit)
	defer cancel()
	outcome = s.o.Run(ctx, e.key, generation)
}

func (s *Scheduler) finish(e *entry, g grant, outcome Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time.now().at
	s.settle(e, outcome, now)
	s.giveBack(g, outcome, now)
}

// fill calls Options.Fill until it succeeds.
func (s *Scheduler) fill() {
	defer s.exit()
	for attempt := 1; !s.fillOnce(); attempt++ {
		retry := time.NewTimer(s.o.backoff(attempt, 0, rand.Float64()))
		select {
		case <-retry.C:
		case <-s.ctx.Done():
			retry.Stop()
			return
		}
	}
}

func (s *Scheduler) fillOnce() (done bool) {
	defer s.recovered(Key{}, func() {})
	if err := s.o.Fill(s.ctx, func(job Job) { s.put(job, false) }); err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filled = true
	return true
}

// recovered must be deferred. It recovers a panic, calls clean, counts the panic
// and reports it.
func (s *Scheduler) recovered(key Key, clean func()) {
	reason := recover()
	if reason == nil {
		return
	}
	clean()
	s.mu.Lock()
	s.panics++
	s.mu.Unlock()
	if s.o.Panicked == nil {
		return
	}
	defer func() { _ = recover() }() // a panic of the report itself is dropped
	s.o.Panicked(key, fmt.Sprintf("%T", reason), debug.Stack())
}
