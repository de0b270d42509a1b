// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"math"
	"time"
)

// Put adds a job, or replaces the job of the same key. It ends a stop, a backoff
// and the count of failures. A job that is due runs at once. If the key is running,
// the new job takes effect when that run ends. The owner calls Put after it has
// stored a token and after a change of what shapes one, and not after a failure.
// Put does not count as a read, unless Job.Read says so.
func (s *Scheduler) Put(job Job) { s.put(job, true) }

// put does the work of Put. Without replace it is for Fill, whose jobs are many and
// may be outdated: put spreads those that are due and skips keys that are known.
func (s *Scheduler) put(job Job, replace bool) {
	if job.Key == (Key{}) {
		return // nobody could tell it from another's
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	now := s.time.now()
	e, known := s.entry(job.Key)
	switch {
	case !known:
		e = s.newEntry(job, now)
	case !replace && !e.removed:
		return
	}
	s.unqueue(e)
	s.setIdle(e, false)
	s.assign(e, job.Host)
	e.take(job, now)
	if e.state == running {
		e.replaced, e.removed = true, false
		return
	}
	e.recover()
	at := now.at
	if !replace && !job.Urgent {
		at += s.spread()
	}
	s.place(e, at)
}

// Retry ends the stop or the backoff of the keys that match, and probes their hosts:
// the caller has changed something that may have been the cause. If host is not
// empty, the keys ask that host from now on. Retry looks at all keys.
func (s *Scheduler) Retry(host string, match func(key Key) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	now := s.time.now()
	probed := map[string]bool{host: true}
	s.entries.Range(func(_, value any) bool {
		e := value.(*entry)
		if !match(e.key) {
			return true
		}
		moves := host != "" && e.host.name != host
		probed[e.host.name] = probed[e.host.name] || !moves
		if e.attempt > 0 || moves || e.state == running {
			s.again(e, host, moves, now.at)
		}
		return true
	})
	for name := range probed {
		s.probe(name, now.at)
	}
}

// again clears an entry's failures and schedules it anew.
func (s *Scheduler) again(e *entry, host string, moves bool, now instant) {
	s.unqueue(e)
	if moves {
		s.assign(e, host)
	}
	if e.state == running { // this run may still fail for the old reason
		e.replaced = true
		return
	}
	e.recover()
	s.place(e, now)
}

// Probe lets the next exchange with the host through at once if its breaker is
// open: the caller has reason to think that the host works again.
func (s *Scheduler) Probe(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.probe(host, s.time.now().at)
	}
}

func (s *Scheduler) probe(name string, now instant) {
	h, known := s.hosts[name]
	if !known || !h.breaker.open || h.breaker.probing {
		return
	}
	h.breaker.probeAt = min(h.breaker.probeAt, now)
	s.unwake(h)
	s.enqueue(h)
	s.Nudge()
}

// UseBy sets Job.UseBy of a known key, unless an earlier one is set. It ends no
// backoff. The next Put replaces it.
func (s *Scheduler) UseBy(key Key, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.entry(key)
	if !known || s.stopped {
		return
	}
	e.useBy = min(e.useBy, s.time.now().instant(at))
	if e.state == asleep || e.state == parked && e.attempt == 0 {
		s.unqueue(e)
		s.place(e, 0)
	}
}

func (s *Scheduler) newEntry(job Job, now moment) *entry {
	e := &entry{key: job.Key}
	e.read.Store(math.MinInt64 / 2)
	if job.Read.IsZero() {
		e.read.Store(int64(now.mono))
	}
	s.count[e.state]++
	s.entries.Store(e.key, e)
	return e
}

// assign moves the entry, which is in no queue, to its host.
func (s *Scheduler) assign(e *entry, name string) {
	last := e.host
	e.host = s.hostNamed(name)
	e.host.jobs++
	if last != nil {
		s.leave(last)
	}
}

// Remove forgets the key. A Run of it that is under way goes on.
func (s *Scheduler) Remove(key Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.entry(key)
	switch {
	case !known:
	case e.state == running:
		e.removed = true
	default:
		s.unqueue(e)
		s.drop(e)
	}
}

// Touch records that the key's token was read. It allocates nothing. It takes the
// lock only if the key was let go or its token has expired, see watchReads.
func (s *Scheduler) Touch(key Key) {
	e, known := s.entry(key)
	if !known {
		return
	}
	now := s.time.peek()
	if !e.watched.Load() {
		e.readAt(now.mono)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOf(e, now)
}

// readOf records a read that may move the entry. An entry that was let go is
// scheduled again, but only after a while: the reader may be renewing the token
// itself, and the Put that follows would make this run superfluous.
func (s *Scheduler) readOf(e *entry, now moment) {
	e.read.Store(int64(max(e.lastRead(), now.mono)))
	switch {
	case e.letGo && (e.state == asleep || e.state == parked):
		s.unqueue(e)
		s.setIdle(e, false)
		s.place(e, now.at+s.spread())
	case e.letGo:
		s.setIdle(e, false)
	case e.state == ready && e.expired:
		e.host.late.fix(e.index)
	}
}

// LastRead is when the key's token was last read, by the wall clock and to about
// a second, as far as is known here.
func (s *Scheduler) LastRead(key Key) (time.Time, bool) {
	e, known := s.entry(key)
	if !known {
		return time.Time{}, false
	}
	return s.time.peek().whenAwake(e.lastRead()), true
}

// entry needs no lock.
func (s *Scheduler) entry(key Key) (*entry, bool) {
	e, known := s.entries.Load(key)
	if !known {
		return nil, false
	}
	return e.(*entry), true
}
