// SPDX-License-Identifier: MPL-2.0

package rotation

// moves returns every world that can come next: each is one move of one node,
// one act of the server, or the clock moving on to the next instant that
// matters to anybody.
func (x setting) moves(w world) (next []world) {
	add := func(change func(w *world)) {
		v := w
		change(&v)
		next = append(next, v)
	}
	for n := range w.nodes {
		x.nodeMoves(w, n, add)
	}
	waiting := len(next) == w.optional() && !w.quiet()
	if !w.handover {
		add(func(w *world) { w.handover, w.before = true, w.stored })
	}
	if w.handover && w.nodes[young].life == absent {
		add(func(w *world) { w.begin(x, young) })
	}
	if w.nodes[young].life == crashed && w.nodes[third].life == absent {
		add(func(w *world) { w.begin(x, third) })
	}
	if then := x.nextInstant(w); then > w.now && (waiting || w.budget.delays > 0) {
		add(func(w *world) {
			w.now = then
			if !waiting {
				w.budget.delays--
			}
			for i := range w.nodes { // nobody waits any longer for what a crashed node has sent
				if n := &w.nodes[i]; n.sent && n.life == crashed && w.now >= n.sentAt+PostLimit {
					n.sent = false
				}
			}
		})
	}
	return next
}

// optional counts the moves that need not happen, however long one waits.
func (w *world) optional() (count int) {
	for _, n := range w.nodes {
		if n.life == running && w.budget.crashes > 0 || n.life == crashed && n.sent {
			count++
		}
	}
	return count
}

func (x setting) nodeMoves(w world, i int, add func(func(*world))) {
	n := w.nodes[i]
	if n.sent && !n.acted {
		add(func(w *world) { w.act(x, i) })
	}
	if n.life != running {
		return
	}
	if w.budget.crashes > 0 {
		add(func(w *world) { w.crash(i) })
	}
	switch {
	case n.sent:
		x.answers(w, i, add)
	case n.saving:
		x.saves(w, i, add)
	default:
		x.steps(w, i, add)
	}
}

func (w *world) act(x setting, i int) {
	n := &w.nodes[i]
	n.heir, n.ok = w.server.exchange(x.policy, n.token, w.now)
	n.acted = true
	if n.life == crashed {
		n.sent, w.lost = false, true
	}
}

func (w *world) crash(i int) {
	n := &w.nodes[i]
	w.budget.crashes--
	w.lost = w.lost || n.sent && n.acted && n.ok || n.saving
	sent := node{life: crashed, sent: n.sent && !n.acted, sentAt: n.sentAt, token: n.token}
	if !sent.sent {
		sent = node{life: crashed}
	}
	*n = sent
}

// answers are the ends of a POST.
func (x setting) answers(w world, i int, add func(func(*world))) {
	n := w.nodes[i]
	end := func(tell func(w *world, n *node)) {
		add(func(w *world) {
			m := &w.nodes[i]
			m.sent = false
			tell(w, m)
			m.token, m.sentAt, m.acted, m.heir, m.ok = 0, 0, false, 0, false
		})
	}
	switch {
	case n.acted && n.ok:
		end(func(w *world, m *node) {
			answer := Answer{}
			if n.heir >= 0 {
				answer.RefreshToken = tokenText(n.heir)
			}
			m.attempt.Answered(answer, w.at())
			x.settleStep(w, i)
		})
	case n.acted:
		end(func(w *world, m *node) { m.attempt.Refused(w.at()) })
	default:
		if w.budget.answers > 0 { // 503, or a reset before anything was sent
			end(func(w *world, m *node) {
				w.budget.answers--
				m.attempt.Failed()
				x.settleStep(w, i)
			})
		}
	}
	if w.budget.answers > 0 { // a reset, or the timeout
		end(func(w *world, m *node) {
			w.budget.answers--
			w.lost = w.lost || n.acted && n.ok
			m.attempt.Unanswered(w.at())
			x.settleStep(w, i)
		})
	}
}

// lands calls back with each outcome of a write: did it land, and what is said.
func (w *world) lands(i int, add func(func(*world)), outcome func(w *world, landed, ok bool)) {
	leads := w.leads(i)
	if leads || w.budget.stale > 0 {
		add(func(w *world) {
			if !leads {
				w.budget.stale--
			}
			outcome(w, true, true)
		})
	}
	if !leads {
		add(func(w *world) { outcome(w, false, false) })
	}
	if leads && w.budget.writes > 0 {
		add(func(w *world) { w.budget.writes--; outcome(w, false, false) })
		add(func(w *world) { w.budget.writes--; outcome(w, true, false) })
	}
}

// steps are what the attempt asks for.
func (x setting) steps(w world, i int, add func(func(*world))) {
	step := w.nodes[i].attempt.Next(w.at())
	if step.Kind >= Renewed { // at its beginning, or too late too often
		add(func(w *world) { x.settleStep(w, i) })
		return
	}
	switch step.Kind {
	case Write:
		w.lands(i, add, func(w *world, landed, ok bool) {
			a := &w.nodes[i].attempt
			if landed {
				w.write(i, a.State(), a.doing == Write && !a.dirty)
			}
			a.Wrote(ok)
			x.settleStep(w, i)
		})
	case Read:
		add(func(w *world) {
			stored := w.read(x, i)
			w.nodes[i].attempt.Found(&stored, w.at())
			x.settleStep(w, i)
		})
	case Post:
		add(func(w *world) {
			n := &w.nodes[i]
			n.sent, n.sentAt, n.token = true, w.now, tokenNumber(step.Token)
			w.parallel = w.parallel || w.busy() > 1
		})
	}
}

// settleStep follows an attempt that is over.
func (x setting) settleStep(w *world, i int) {
	n := &w.nodes[i]
	switch kind := n.attempt.Next(w.at()).Kind; {
	case kind == Renewed, kind == LogIn:
		n.kind, n.saving, n.result = kind, true, n.attempt.State()
		if kind == LogIn {
			n.result = n.result.Granted(Grant{RefreshToken: tokenText(w.server.login()), Issued: w.at()})
		}
		n.attempt = Attempt{}
	case kind >= Renewed:
		*n = node{life: ended, kind: kind}
	}
}
