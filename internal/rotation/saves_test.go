// SPDX-License-Identifier: MPL-2.0

package rotation

import "time"

// saves are the writes of an answer: read, compare, write; at 0, 1 and 4 s.
func (x setting) saves(w world, i int, add func(func(*world))) {
	n := w.nodes[i]
	switch {
	case w.now < n.saveAt:
	case !n.looked:
		add(func(w *world) {
			m := &w.nodes[i]
			merged, write := m.result.Over(w.read(x, i))
			if m.looked, m.merged = true, merged; !write {
				*m = node{life: ended, kind: Adopted}
				w.lost = true
			}
		})
	default:
		w.lands(i, add, func(w *world, landed, ok bool) {
			m := &w.nodes[i]
			if landed {
				w.write(i, m.merged, false)
			}
			m.looked, m.tries = false, m.tries+1
			switch {
			case ok:
				*m = node{life: ended, kind: n.kind, result: m.merged}
			case int(m.tries) == len(SaveDelays()):
				*m = node{life: ended, kind: n.kind, result: m.merged, unsaved: true}
				w.lost = true
			default:
				m.merged, m.saveAt = State{}, w.now+SaveDelays()[m.tries]
			}
		})
	}
}

// nextInstant is the first instant after now at which anything changes for
// anybody; it is now if there is none.
func (x setting) nextInstant(w world) time.Duration {
	then := time.Duration(0)
	offer := func(t time.Duration) {
		if t > w.now && (then == 0 || t < then) {
			then = t
		}
	}
	for _, n := range w.nodes {
		switch {
		case n.sent:
			if w.now >= n.sentAt+PostLimit && n.life == running {
				return w.now // the timeout comes first
			}
			offer(n.sentAt + PostLimit)
		case n.life == running && n.saving:
			offer(n.saveAt)
		case n.life == running:
			offer(n.attempt.until.Sub(start))
			before := n.attempt.state.Intent.PostBefore
			offer(before.Add(-time.Second).Sub(start)) // the last POST that is in time
			offer(before.Sub(start))
		}
	}
	if w.stored.Intent.is() {
		offer(w.stored.Intent.PostBefore.Sub(start))
		offer(w.stored.Intent.PostBefore.Add(PostLimit).Sub(start))
	}
	for _, used := range w.server.used {
		if used > time.Nanosecond && x.grace > 0 {
			offer(used + x.grace)
		}
	}
	if then == 0 {
		return w.now
	}
	return then
}
