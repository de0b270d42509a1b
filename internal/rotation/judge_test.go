// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"math/bits"
	"time"
)

// tally counts interleavings by how they end, from one world on.
type tally struct {
	paths              uint64
	current            uint64 // the server's current token is stored
	reauth             uint64 // reauth_required, and the grace was exhausted
	loggedIn           uint64
	parallel           uint64 // two POSTs at a time, by a late write of the old leader
	reauthByFence      uint64 // reauth_required which a fence that held would have spared
	overwritten        uint64 // a late save of the old leader's
	rescued            uint64 // storage alone would have ended in reauth_required; memory knew better
	later              uint64 // what was stored was dead, and the next renewal found out
	reauthWithoutCrash uint64
}

func (t *tally) fields() []*uint64 {
	return []*uint64{&t.paths, &t.current, &t.reauth, &t.loggedIn, &t.parallel, &t.reauthByFence, &t.overwritten,
		&t.rescued, &t.later, &t.reauthWithoutCrash}
}

func (t *tally) add(u tally) {
	theirs := u.fields()
	for i, mine := range t.fields() {
		sum, carry := bits.Add64(*mine, *theirs[i], 0)
		if carry != 0 {
			panic("more interleavings than can be counted")
		}
		*mine = sum
	}
}

// end judges a path: what does the next renewal, undisturbed, find?
func (e *explorer) end(w world) tally {
	sum := tally{paths: 1}
	count := func(n *uint64, is bool) {
		if is {
			*n = 1
		}
	}
	broken := w.lateIntent || w.lateSave
	if w.parallel && !broken {
		e.fail(w, "two POSTs at a time, though the fence held")
	}
	if w.server.refusedVoid && !broken {
		e.fail(w, "a token was refused that another POST had made void, though the fence held")
	}
	if w.wentBack && !broken {
		e.fail(w, "storage went back, though the fence held")
	}
	count(&sum.parallel, w.parallel)
	count(&sum.overwritten, w.lateSave)
	healthy := w.stored.Health() != ReauthRequired
	count(&sum.later, healthy && !w.server.takes(e.policy, w.stored.Current))

	alone, _ := e.settle(w, w.stored)
	kind, v := e.settle(w, w.remembered())
	count(&sum.rescued, alone == Reauthorize && kind == Renewed)
	switch kind {
	case Renewed:
		count(&sum.current, true)
		if v.stored.Generation <= w.stored.Generation {
			e.fail(v, "renewed, and yet the generation is the same")
		}
		if !v.server.takes(e.policy, v.stored.Current) || v.stored.Health() != Healthy {
			e.fail(v, "renewed, and yet the server's current token is not what is stored")
		}
	case LogIn:
		count(&sum.loggedIn, e.credentials)
	case Reauthorize:
		e.reauthorize(w, v, broken, &sum)
	default:
		e.fail(v, "the next renewal ended with "+kind.String())
	}
	if sum.current+sum.reauth+sum.reauthByFence+sum.loggedIn != 1 {
		e.fail(v, "an end of no sort")
	}
	return sum
}

// reauthorize is the end that must have a reason.
func (e *explorer) reauthorize(w, v world, broken bool, sum *tally) {
	switch {
	case e.credentials:
		e.fail(v, "reauth_required, though there are credentials")
	case !e.rotates:
		e.fail(v, "reauth_required of a server that takes every token")
	case v.stored.Health() != ReauthRequired || !v.stored.Current.IsSet():
		e.fail(v, "reauth_required that is not stored, or without the token")
	case v.server.takes(e.policy, v.stored.Current) || v.server.takes(e.policy, v.stored.Previous):
		e.fail(v, "reauth_required, though a stored token is good")
	case broken:
		sum.reauthByFence = 1
		return
	case !w.lost:
		e.fail(v, "reauth_required, though no answer was lost")
	case e.grace == time.Minute && e.budget.delays == w.budget.delays:
		e.fail(v, "reauth_required, though everybody acted as soon as the order allows, within the server's grace")
	case e.grace > 0 && w.budget == (budget{crashes: e.budget.crashes, writes: e.budget.writes, stale: e.budget.stale, delays: e.budget.delays}) && !w.handover:
		e.fail(v, "reauth_required by one lost answer, though the grace allows a retry")
	}
	sum.reauth = 1
	if w.budget.crashes == e.budget.crashes {
		sum.reauthWithoutCrash = 1
	}
}

// remembered is the newest state that the leader knows.
func (w *world) remembered() State {
	newest := w.stored
	for i, n := range w.nodes {
		if w.leads(i) && n.life == ended && n.result.Newer(newest) {
			newest = n.result
		}
	}
	return newest
}

// settle lets a leader renew once more, with nothing going wrong.
func (e *explorer) settle(w world, held State) (Kind, world) {
	a := Begin(held, e.options(nodeCount), w.at())
	for range 40 {
		switch step := a.Next(w.at()); step.Kind {
		case Write:
			w.stored = a.State()
			a.Wrote(true)
		case Read:
			stored := w.stored
			a.Found(&stored, w.at())
		case Wait:
			w.now = step.Until.Sub(start)
		case Post:
			heir, ok := w.server.exchange(e.policy, tokenNumber(step.Token), w.now)
			switch {
			case !ok:
				a.Refused(w.at())
			case heir < 0:
				a.Answered(Answer{}, w.at())
			default:
				a.Answered(Answer{RefreshToken: tokenText(heir)}, w.at())
			}
		default:
			if step.Kind == Renewed {
				w.stored = a.State()
			}
			return step.Kind, w
		}
	}
	return 0, w
}
