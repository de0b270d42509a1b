// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"math"
	"time"
)

// Put adds a job or replaces the key's. Something has changed, it says: a stop,
// a backoff and the count of failures end. A job that is due runs at once; while
// the key runs, the new job counts from the end of that. So Put belongs after
// each token that was stored and each change of what shapes one, and must not
// follow a failure. It is no read, unless Job.Read says so.
func (s *Scheduler) Put(job Job) { s.put(job, true) }

// put, without replace, is for a burst of jobs that may be outdated: it spreads
// what is due, and leaves alone what is known.
func (s *Scheduler) put(job Job, replace bool) {
	if job.Key == "" {
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

// Retry ends the stop or the backoff of the keys that match, since something has
// changed that may have been the reason, and has their hosts probed; host, unless
// empty, is the one that they ask from now on. It looks at all keys.
func (s *Scheduler) Retry(host string, match func(key string) bool) {
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

// again has an entry begin anew.
func (s *Scheduler) again(e *entry, host string, moves bool, now instant) {
	s.unqueue(e)
	if moves {
		s.assign(e, host)
	}
	if e.state == running { // and may fail as it did before
		e.replaced = true
		return
	}
	e.recover()
	s.place(e, now)
}

// Probe has the next exchange with the host tried at once, if its breaker is
// open: somebody has reason to think that it works again.
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

// Exercise has the key run then, if it does not sooner, as Job.Exercise would. It
// ends no backoff. It is forgotten with the next Put.
func (s *Scheduler) Exercise(key string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.entry(key)
	if !known || s.stopped {
		return
	}
	e.exercise = min(e.exercise, s.time.now().instant(at))
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
func (s *Scheduler) Remove(key string) {
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

// Touch notes that the key's token was read. It allocates nothing, and takes no
// lock but to bring back what was let go or to reorder what has expired.
func (s *Scheduler) Touch(key string) {
	e, known := s.entry(key)
	if !known {
		return
	}
	now := s.time.glance()
	if !e.listen.Load() {
		e.readAt(now.mono)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOf(e, now)
}

// readOf is a read that may move the entry. What comes back waits a moment, since the
// reader that brought it may be renewing it: the Put that follows replaces this.
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
func (s *Scheduler) LastRead(key string) (time.Time, bool) {
	e, known := s.entry(key)
	if !known {
		return time.Time{}, false
	}
	return s.time.glance().whenAwake(e.lastRead()), true
}

// entry needs no lock.
func (s *Scheduler) entry(key string) (*entry, bool) {
	e, known := s.entries.Load(key)
	if !known {
		return nil, false
	}
	return e.(*entry), true
}
