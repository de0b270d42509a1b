// SPDX-License-Identifier: MPL-2.0

package refresh

// host is one server: what waits for it, and what it can take. Its scheduler's
// mu guards it.
type host struct {
	name  string
	jobs  int          // entries that name it
	fresh heap[*entry] // due, and not expired when last looked at: by expiry
	late  heap[*entry] // due and expired: the most recently read first

	readers  []*ticket // waiting, first come first served; they go before both
	inFlight int       // in ordinary slots
	reserved int       // foreground exchanges in the reserve

	limit   limit
	breaker breaker
	code    string // of the last failure; "" since the last success
	queued  bool   // in the scheduler's turns
	index   int    // in the scheduler's wakes; -1 when it is not there
	wakeAt  instant
}

func newHost(name string, o *Options) *host {
	h := &host{name: name, index: -1, limit: limit{now: o.FirstLimit}}
	place := func(e *entry) *int { return &e.index }
	h.fresh = heap[*entry]{index: place, less: func(a, b *entry) bool { return a.expires < b.expires }}
	h.late = heap[*entry]{index: place, less: func(a, b *entry) bool { return a.lastRead() > b.lastRead() }}
	return h
}

func (h *host) backlog() int { return h.fresh.len() + h.late.len() }

func (h *host) hasWork() bool { return h.backlog() > 0 || len(h.readers) > 0 }

// unused tells whether no job names the host and no exchange with it runs or waits.
func (h *host) unused() bool {
	return h.jobs == 0 && h.inFlight == 0 && h.reserved == 0 && !h.hasWork()
}

func (h *host) push(e *entry, now instant) {
	e.expired = e.expires <= now
	if e.expired {
		h.late.push(e)
	} else {
		h.fresh.push(e)
	}
	e.watchReads()
}

func (h *host) remove(e *entry) {
	if e.expired {
		h.late.remove(e.index)
	} else {
		h.fresh.remove(e.index)
	}
	e.expired = false
	e.watchReads()
}

// pop takes the next job. Tokens that have not expired come first, in the order of
// their expiry. Expired ones come after them, since their readers have renewed by
// themselves. The host must have a job.
func (h *host) pop(now instant) *entry {
	for h.fresh.len() > 0 && h.fresh.first().expires <= now {
		h.push(h.fresh.pop(), now)
	}
	from := &h.fresh
	if from.len() == 0 {
		from = &h.late
	}
	e := from.first()
	h.remove(e)
	return e
}

// record updates the limit and the breaker after an exchange. epoch and probe are
// the grant's: they were taken when the exchange began.
func (h *host) record(outcome Outcome, epoch int, probe bool, now instant, o *Options) {
	switch {
	case outcome.Kind == Throttled:
		h.limit.throttled(epoch)
	case outcome.Kind == Renewed:
		h.limit.succeeded(h.hasWork(), o)
	}
	if h.breaker.end(outcome.Kind, probe, now, o) {
		h.limit.restart()
	}
	switch {
	case outcome.Kind == Renewed:
		h.code = ""
	case outcome.Kind.down() || outcome.Kind.alive():
		h.code = outcome.Code
	}
}
