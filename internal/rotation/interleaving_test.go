// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"flag"
	"fmt"
	"sync"
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
	budgets := []budget{{delays: 2}, {crashes: 1, answers: 1}, {crashes: 1, stale: 1}}
	if !testing.Short() {
		budgets = []budget{
			{delays: 3}, {crashes: 2, answers: 1}, {crashes: 1, writes: 1, answers: 1}, {crashes: 1, delays: 1},
			{crashes: 1, stale: 1}, {stale: 1, delays: 1}, {answers: 1, stale: 1},
		}
	}
	if *deep {
		budgets = []budget{
			{crashes: 2, writes: 1, answers: 1}, {crashes: 1, delays: 3}, {crashes: 1, answers: 1, delays: 1},
			{crashes: 1, answers: 1, stale: 1}, {crashes: 1, stale: 1, delays: 1}, {writes: 1, stale: 2},
		}
	}
	var mu sync.Mutex // guards what follows
	var total tally
	var worlds int
	t.Run("servers", func(t *testing.T) {
		for _, p := range policies() {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				for _, b := range budgets {
					for i := range 4 {
						x := setting{policy: p, credentials: i&1 != 0, frozen: i&2 != 0, budget: b}
						sum, seen := explore(t, x)
						mu.Lock()
						total.add(sum)
						worlds += seen
						mu.Unlock()
					}
				}
			})
		}
	})
	fmt.Printf("interleavings: %+v, in %d different worlds\n", total, worlds)
}

// explore walks through one setting.
func explore(t *testing.T, x setting) (sum tally, worlds int) {
	e := explorer{setting: x, t: t, seen: map[string]*tally{}}
	sum = e.walk(e.world())
	if x.budget.stale == 0 && sum.parallel+sum.reauthByFence+sum.overwritten > 0 {
		t.Fatalf("a fence broke without a late write: %+v", sum)
	}
	if x.budget.stale > 0 && sum.parallel == 0 {
		t.Fatalf("late writes broke no fence: the model has lost its teeth: %+v", sum)
	}
	t.Logf("%+v, credentials %v, frozen %v: %d worlds, %+v", x.budget, x.credentials, x.frozen, len(e.seen), sum)
	return sum, len(e.seen)
}
