// SPDX-License-Identifier: MPL-2.0

package refresh

// limit is how many renewals of one host may run at once. It rises while renewals
// succeed and work is waiting. It is halved when the server says that it is too much.
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

// throttled halves the limit. Exchanges that ran at the same time may all be
// throttled; the limit is halved once for all of them. epoch is the value of
// l.epoch when the exchange began.
func (l *limit) throttled(epoch int) {
	if epoch != l.epoch {
		return
	}
	l.now, l.count, l.slow = max(1, l.now/2), 0, false
	l.epoch++
}

// restart begins with one at a time. It is called when a host has come back: all
// its jobs are waiting, and the host may still be weak.
func (l *limit) restart() {
	l.now, l.count, l.slow = 1, 0, true
	l.epoch++
}
