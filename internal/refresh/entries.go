// SPDX-License-Identifier: MPL-2.0

package refresh

import "math/rand/v2"

// What follows moves entries between their states. The scheduler's mu must be held.

// enter counts the entry in its new state. It must be in no queue.
func (s *Scheduler) enter(e *entry, next state) {
	s.count[e.state]--
	s.count[next]++
	e.state = next
}

// park has the entry looked at then.
func (s *Scheduler) park(e *entry, at instant) {
	s.enter(e, parked)
	e.at = at
	s.parked.push(e)
	if e.index == 0 {
		s.Nudge()
	}
}

// place parks an entry that has no failures to wait for.
func (s *Scheduler) place(e *entry, notBefore instant) {
	at := s.o.wanted(e)
	if at == never {
		s.enter(e, asleep)
		return
	}
	s.park(e, max(at, notBefore))
}

// unqueue takes the entry out of the queue that it is in, if any.
func (s *Scheduler) unqueue(e *entry) {
	switch e.state {
	case parked:
		s.parked.remove(e.index)
	case ready:
		e.host.remove(e)
	}
}

// letGo ends the renewals of an entry that nobody reads.
func (s *Scheduler) letGo(e *entry) {
	s.setIdle(e, true)
	s.place(e, 0)
}

func (s *Scheduler) setIdle(e *entry, idle bool) {
	if e.letGo == idle {
		return
	}
	e.letGo = idle
	e.watchReads()
	if idle {
		s.idle++
	} else {
		s.idle--
	}
}

// drop forgets an entry that is in no queue.
func (s *Scheduler) drop(e *entry) {
	s.setIdle(e, false)
	s.count[e.state]--
	s.entries.Delete(e.key)
	s.leave(e.host)
}

// hostNamed returns the host, which the caller must make use of or release.
func (s *Scheduler) hostNamed(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = newHost(name, s.o)
		s.hosts[name] = h
	}
	return h
}

// leave is for an entry that no longer names the host.
func (s *Scheduler) leave(h *host) {
	h.jobs--
	s.release(h)
}

// manyHosts bounds those that are remembered for their failures alone.
const manyHosts = 1000

// release forgets a host that is unused. A host with failures is kept, since readers
// would otherwise ask it again as if it had never failed.
func (s *Scheduler) release(h *host) {
	if h.unused() && (h.breaker.failures == 0 || len(s.hosts) > manyHosts) {
		s.unwake(h)
		delete(s.hosts, h.name)
	}
}

// settle moves an entry whose Run has ended to its next state.
func (s *Scheduler) settle(e *entry, outcome Outcome, now instant) {
	replaced := e.replaced
	e.replaced = false
	if e.removed || outcome.Kind == Gone && !replaced {
		s.drop(e)
		return
	}
	renewed := outcome.Kind == Renewed || outcome.Kind == Unneeded
	switch at := s.o.wanted(e); {
	case renewed && at > now:
		e.recover()
		s.place(e, 0)
	case replaced && !renewed: // by something else than this Run: it begins afresh
		e.recover()
		s.place(e, now+s.o.LeastWait)
	case outcome.Kind == Stopped:
		e.fail(outcome, now)
		s.enter(e, stopped)
	default:
		e.fail(outcome, now)
		s.park(e, now+s.o.wait(outcome, e.attempt, e.expires-now, rand.Float64()))
	}
}

func (e *entry) recover() { e.attempt, e.failed, e.code = 0, 0, "" }

func (e *entry) fail(outcome Outcome, now instant) {
	if e.attempt++; e.attempt == 1 {
		e.failed = now
	}
	e.code = outcome.Code
}

// take fills the entry with what a job says.
func (e *entry) take(job Job, now moment) {
	e.generation, e.policy, e.life = job.Generation, job.Policy, 0
	e.due, e.useBy, e.expires = never, never, never
	if !job.Issued.IsZero() && !job.Expires.IsZero() {
		e.life = job.Expires.Round(0).Sub(job.Issued)
		e.expires = now.after(job.Issued, job.Expires)
		if !job.Due.IsZero() {
			e.due = now.after(job.Issued, job.Due)
		}
	}
	if !job.UseBy.IsZero() {
		e.useBy = now.instant(job.UseBy)
		if !job.Issued.IsZero() {
			e.useBy = now.after(job.Issued, job.UseBy)
		}
	}
	if !job.Read.IsZero() {
		e.readAt(now.awake(job.Read))
	}
}
