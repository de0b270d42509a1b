// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"slices"
	"strings"
	"time"
)

// Status is the scheduler at one instant. It holds no secret.
type Status struct {
	Heartbeat     time.Time     // when it last looked for work; zero: never yet
	Filled        bool          // all jobs known from storage are in
	Jobs          int           // all of them
	Waiting       int           // not due
	Due           int           // due, and not begun
	Running       int           // renewals under way
	Failing       int           // of all, those whose last try failed
	Stopped       int           // refused for good
	Asleep        int           // on demand, or let go, and no UseBy
	Idle          int           // let go, as nobody reads them; Asleep or, if there is a UseBy, not
	OldestOverdue time.Duration // how long the longest of Due has waited
	Foreground    int           // exchanges under way that a reader waits for, in the reserve
	Panics        int           // recovered, since the start
	Hosts         []HostStatus  // by name
}

// HostStatus is one host.
type HostStatus struct {
	Host       string
	Jobs       int
	Due        int
	Readers    int // waiting for a slot
	InFlight   int // in slots under the limit
	Foreground int // in the reserve
	Limit      int
	Breaker    string    // closed, open, probing
	NextProbe  time.Time // zero while the breaker is closed
	Failures   int       // in a row
	Code       string    // of the last failure; "" after a success
}

// JobStatus is one key.
type JobStatus struct {
	State    string    // asleep, waiting, due, running, stopped
	Next     time.Time // the next try, if it waits for one; when it became due, if it is due or running
	Idle     bool      // let go, as nobody reads it
	Failures int       // in a row
	Since    time.Time // the first of these; zero if there are none
	Code     string    // of the last of these
	LastRead time.Time
}

// Snapshot returns the status. It looks at what is due, but not at what is not.
func (s *Scheduler) Snapshot() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.time.peek()
	status := Status{
		Filled: s.filled, Waiting: s.count[parked], Due: s.count[ready], Running: s.count[running],
		Stopped: s.count[stopped], Asleep: s.count[asleep], Idle: s.idle,
		Foreground: s.reserve.used, Panics: s.panics,
	}
	if beat := s.beat.Load(); beat != nil {
		status.Heartbeat = *beat
	}
	for _, n := range s.count {
		status.Jobs += n
	}
	s.entries.Range(func(_, value any) bool {
		if value.(*entry).attempt > 0 {
			status.Failing++
		}
		return true
	})
	for _, h := range s.hosts {
		status.Hosts = append(status.Hosts, h.status(now))
		status.OldestOverdue = max(status.OldestOverdue, h.overdue(now.at))
	}
	slices.SortFunc(status.Hosts, func(a, b HostStatus) int { return strings.Compare(a.Host, b.Host) })
	return status
}

func (h *host) status(now moment) HostStatus {
	status := HostStatus{
		Host: h.name, Jobs: h.jobs, Due: h.backlog(), Readers: len(h.readers), InFlight: h.inFlight,
		Foreground: h.reserved, Limit: h.limit.now, Breaker: h.breaker.String(), Failures: h.breaker.failures, Code: h.code,
	}
	if h.breaker.open {
		status.NextProbe = now.when(h.breaker.probeAt)
	}
	return status
}

func (h *host) overdue(now instant) (longest time.Duration) {
	for _, heap := range []heap[*entry]{h.fresh, h.late} {
		for _, e := range heap.items {
			longest = max(longest, now-e.at)
		}
	}
	return longest
}

// Look returns the status of one key, if it is known.
func (s *Scheduler) Look(key Key) (JobStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.entry(key)
	if !known || e.removed {
		return JobStatus{}, false
	}
	now := s.time.peek()
	status := JobStatus{
		State: e.state.String(), Idle: e.letGo, Failures: e.attempt, Code: e.code, LastRead: now.whenAwake(e.lastRead()),
	}
	if e.state == parked || e.state == ready || e.state == running {
		status.Next = now.when(e.at)
	}
	if e.attempt > 0 {
		status.Since = now.when(e.failed)
	}
	return status, true
}
