// SPDX-License-Identifier: MPL-2.0

package refresh

// breaker keeps the jobs of a host that is down from asking it one by one.
type breaker struct {
	failures int // in a row
	open     bool
	probing  bool    // one was admitted though it is open, and has not ended
	probeAt  instant // open: when the next one is admitted
}

func (b *breaker) admits(now instant) bool {
	return !b.open || !b.probing && now >= b.probeAt
}

// begin notes that one was admitted, and tells whether it is a probe.
func (b *breaker) begin() (probe bool) {
	b.probing = b.open
	return b.open
}

// end records an outcome and tells whether it closed the breaker. If the outcome of
// a probe says nothing about the host, the next probe may follow at once. After a
// panic it may not, since the panic may have come after the request was sent.
func (b *breaker) end(kind Kind, probe bool, now instant, o *Options) (closed bool) {
	if probe {
		b.probing = false
	}
	switch {
	case kind.alive():
		closed = b.open
		*b = breaker{}
	case kind.down():
		b.failures++
		if probe && b.open || !b.open && b.failures >= o.BreakerAfter {
			b.open, b.probeAt = true, now+o.ProbeEvery
		}
	case probe && kind == panicked:
		b.probeAt = now + o.ProbeEvery
	}
	return closed
}

func (b *breaker) String() string {
	switch {
	case b.probing:
		return "probing"
	case b.open:
		return "open"
	}
	return "closed"
}
