// SPDX-License-Identifier: MPL-2.0

package refresh

// What follows hands out slots. The scheduler's mu must be held.

// grant is a slot that somebody holds.
type grant struct {
	host    *host
	epoch   int // of the host's limit when it began
	probe   bool
	reserve bool // it is one of the foreground's own
}

// enqueue gives the host a turn if it has work.
func (s *Scheduler) enqueue(h *host) {
	if !h.queued && h.hasWork() {
		h.queued = true
		s.turns = append(s.turns, h)
	}
}

// wakeLater gives the host a turn when its breaker admits the next probe.
func (s *Scheduler) wakeLater(h *host) {
	s.unwake(h)
	h.wakeAt = h.breaker.probeAt
	s.wakes.push(h)
	if h.index == 0 {
		s.Nudge()
	}
}

// unwake forgets that the host waits for its breaker.
func (s *Scheduler) unwake(h *host) {
	if h.index >= 0 {
		s.wakes.remove(h.index)
		h.index = -1
	}
}

// verdict is what became of a host's turn.
type verdict int

const (
	served  verdict = iota // something of it was started
	blocked                // it must wait for slots of other hosts
	away                   // it must wait for itself, or has no work
)

// dispatch gives each host with work one slot a turn, until nobody can have another.
func (s *Scheduler) dispatch(now instant) {
	for skipped := 0; skipped < len(s.turns) && !s.stopped; {
		h := s.turns[0]
		s.turns[0] = nil
		s.turns = s.turns[1:]
		h.queued = false
		switch s.serve(h, now) {
		case served:
			skipped = 0
			s.enqueue(h)
		case blocked:
			skipped++
			s.enqueue(h)
		}
	}
}

// serve is one turn of a host. A host that is away gets its next turn from giveBack
// or when its breaker wakes it.
func (s *Scheduler) serve(h *host, now instant) verdict {
	waiting := len(h.readers) > 0
	switch {
	case !h.hasWork():
		return away
	case !h.breaker.admits(now):
		if waiting {
			h.dismiss(h.unavailable(s.time.peek()))
		}
		if !h.breaker.probing && h.hasWork() {
			s.wakeLater(h)
		}
		return away
	case waiting && s.reserve.admit(h.reserved):
		h.admit(s.take(h, true))
	case h.inFlight >= h.limit.now && !waiting:
		return away
	case h.inFlight >= h.limit.now || !s.slots.admit(h.inFlight):
		return blocked
	case waiting:
		h.admit(s.take(h, false))
	default:
		e := h.pop(now)
		s.enter(e, running)
		s.active++
		go s.run(e, e.generation, s.take(h, false))
	}
	return served
}

func (s *Scheduler) take(h *host, reserve bool) grant {
	if reserve {
		h.reserved++
		s.reserve.used++
	} else {
		h.inFlight++
		s.slots.used++
	}
	return grant{host: h, epoch: h.limit.epoch, probe: h.breaker.begin(), reserve: reserve}
}

// giveBack frees a slot, records the outcome of its exchange, and dispatches again.
func (s *Scheduler) giveBack(g grant, outcome Outcome, now instant) {
	h := g.host
	if g.reserve {
		h.reserved--
		s.reserve.used--
	} else {
		h.inFlight--
		s.slots.used--
	}
	if outcome.Silent {
		outcome = Outcome{Kind: Unneeded}
	}
	h.record(outcome, g.epoch, g.probe, now, s.o)
	s.enqueue(h)
	s.dispatch(now)
	s.release(h)
}
