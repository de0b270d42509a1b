// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var deep = flag.Bool("deep", false, "explore interleavings with more faults at a time: minutes and gigabytes")

// policies are the servers: without rotation, and with every combination of
// grace, of what comes of a used token within it, and of what comes of one past it.
func policies() []policy {
	all := []policy{{name: "no rotation"}}
	for _, grace := range []time.Duration{0, 5 * time.Second, time.Minute} {
		for _, kills := range []bool{false, true} {
			for _, same := range []bool{false, true} {
				if grace == 0 && same {
					continue
				}
				name := fmt.Sprintf("grace %v, kills %v, same successor %v", grace, kills, same)
				all = append(all, policy{name: name, rotates: true, grace: grace, kills: kills, same: same})
			}
		}
	}
	return all
}

// explorer walks through every interleaving. Worlds are remembered, so that what
// two paths have in common is walked once and counted twice.
type explorer struct {
	setting
	t    *testing.T
	seen map[string]*tally
}

func (e *explorer) walk(w world) tally {
	key := e.key(w)
	if known := e.seen[key]; known != nil {
		return *known
	}
	var sum tally
	if w.quiet() {
		sum.add(e.end(w))
	}
	for _, next := range e.moves(w) {
		sum.add(e.walk(next))
	}
	if sum.paths == 0 {
		e.fail(w, "nothing can move, and nothing has ended")
	}
	e.seen[key] = &sum
	return sum
}

// quiet tells whether nobody is in the middle of anything: a path may end here.
func (w *world) quiet() bool {
	for _, n := range w.nodes {
		if n.life == running || n.sent {
			return false
		}
	}
	return true
}

func (e *explorer) fail(w world, what string) {
	e.t.Helper()
	e.t.Fatalf("%s: credentials %v, frozen %v: %s\nnow %v stored %#v\nserver %+v\nflags: late intent %v, late save %v, parallel %v, lost %v",
		e.name, e.credentials, e.frozen, what, w.now, w.stored, w.server, w.lateIntent, w.lateSave, w.parallel, w.lost)
}

// TestInterleavings walks through every order of the steps of two nodes and
// their server, with a crash at each, a write that fails or only seems to, an
// answer that gets lost, and late writes of a leader that is none any more.
func TestInterleavings(t *testing.T) {
	budgets := []budget{{crashes: 1, stale: 1}}
	if !testing.Short() {
		budgets = []budget{{crashes: 2}, {crashes: 1, writes: 1, answers: 1}, {crashes: 1, answers: 1, stale: 1}}
	}
	if *deep {
		budgets = []budget{{crashes: 2, writes: 1, answers: 1, stale: 2}}
	}
	var total tally
	var worlds int
	for _, p := range policies() {
		for _, b := range budgets {
			for _, credentials := range []bool{false, true} {
				for _, frozen := range []bool{false, true} {
					e := explorer{
						setting: setting{policy: p, credentials: credentials, frozen: frozen, budget: b}, t: t,
						seen: map[string]*tally{},
					}
					sum := e.walk(e.world())
					if b.stale == 0 && sum.parallel+sum.reauthByFence+sum.overwritten > 0 {
						t.Fatalf("%s: a fence broke without a late write: %+v", p.name, sum)
					}
					t.Logf("%s, %+v, credentials %v, frozen %v: %d worlds, %+v", p.name, b, credentials, frozen, len(e.seen), sum)
					total.add(sum)
					worlds += len(e.seen)
				}
			}
		}
	}
	t.Logf("interleavings: %+v (%d worlds)", total, worlds)
}
