// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrBusy: no slot became free while the reader was willing to wait.
var ErrBusy = errors.New("too many exchanges with this host are in progress")

// OpenError says that the host has failed so often in a row that only a probe now
// and then is sent to it.
type OpenError struct {
	Host     string
	Failures int       // in a row
	Until    time.Time // when it will be asked next, or was due to be
	Code     string    // of the last failure
}

func (e *OpenError) Error() string {
	text := fmt.Sprintf("%s has failed %d times in a row", e.Host, e.Failures)
	if e.Code != "" {
		text += ", last with " + e.Code
	}
	return text + "; it is asked next at " + e.Until.UTC().Format(time.RFC3339)
}

// ticket is a reader's place in its host's line.
type ticket struct {
	done  chan struct{} // closed when it is decided
	grant grant
	err   error
}

// Foreground admits an exchange that a reader waits for: to a slot in the
// reserve, else ahead of all renewals to one of the host's own. Call release
// once with what came of it, whatever that was. Where the context is that of a
// Run, which holds a slot already, both do nothing.
//
// Errors: *OpenError; ErrBusy after Patience; ErrStopped; ctx.Err().
func (s *Scheduler) Foreground(ctx context.Context, host string) (release func(Outcome), err error) {
	if ctx.Value(mark{}) == any(s) {
		return func(Outcome) {}, nil
	}
	t, h, err := s.line(host)
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(s.o.Patience)
	defer patience.Stop()
	select {
	case <-t.done:
	case <-ctx.Done():
		s.abandon(h, t, ctx.Err())
	case <-patience.C:
		s.abandon(h, t, ErrBusy)
	}
	if t.err != nil {
		return nil, t.err
	}
	var once sync.Once
	return func(outcome Outcome) {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.giveBack(t.grant, outcome, s.time.now().at)
		})
	}, nil
}

// line puts a reader into the host's line, then dispatches.
func (s *Scheduler) line(name string) (*ticket, *host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, nil, ErrStopped
	}
	now := s.time.now()
	h := s.hostNamed(name)
	t := &ticket{done: make(chan struct{})}
	h.readers = append(h.readers, t)
	s.enqueue(h)
	s.dispatch(now.at)
	s.release(h)
	return t, h, nil
}

// abandon takes back a ticket that is not decided yet.
func (s *Scheduler) abandon(h *host, t *ticket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(h.readers, t); i >= 0 {
		h.readers = slices.Delete(h.readers, i, i+1)
		t.decide(err)
		s.release(h)
	}
}

func (t *ticket) decide(err error) {
	t.err = err
	close(t.done)
}

// admit lets the first in line have the slot.
func (h *host) admit(g grant) {
	t := h.readers[0]
	h.readers = slices.Delete(h.readers, 0, 1)
	t.grant = g
	t.decide(nil)
}

// dismiss ends the wait of all in line.
func (h *host) dismiss(err error) {
	for _, t := range h.readers {
		t.decide(err)
	}
	h.readers = nil
}

func (h *host) unavailable(now moment) *OpenError {
	return &OpenError{Host: h.name, Failures: h.breaker.failures, Until: now.when(h.breaker.probeAt), Code: h.code}
}
