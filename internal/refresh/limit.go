// SPDX-License-Identifier: MPL-2.0

package refresh

// limit is how many renewals a host is given at once. It finds that out: more
// while all is well and work is waiting, half when the server says too much.
type limit struct {
	now   int
	count int  // successes under a backlog since it last changed
	epoch int  // how often it was cut
	slow  bool // the host has just come back: up to first it grows with each success
}

// succeeded counts a success; backlog tells whether work was waiting.
func (l *limit) succeeded(backlog bool, o *Options) {
	if l.slow && l.now < o.FirstLimit {
		l.now++
		return
	}
	l.slow = false
	if !backlog || l.now >= o.MostLimit {
		return
	}
	if l.count++; l.count >= o.Growth {
		l.now, l.count = l.now+1, 0
	}
}

// throttled halves the limit. All that were under way together hear the same
// answer, which counts once: epoch is the limit's when the one that heard it began.
func (l *limit) throttled(epoch int) {
	if epoch != l.epoch {
		return
	}
	l.now, l.count, l.slow = max(1, l.now/2), 0, false
	l.epoch++
}

// restart is for a host that has come back: everybody waits for it, and it
// may not be well yet.
func (l *limit) restart() {
	l.now, l.count, l.slow = 1, 0, true
	l.epoch++
}
