// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// policy is how an authorization server treats refresh tokens.
type policy struct {
	name    string
	rotates bool
	grace   time.Duration // a used token is good for so long
	same    bool          // within the grace it gets the same successor; else a new one, and the earlier successor is void
	kills   bool          // a used token, past the grace, ends the whole grant
}

const maxTokens = 16

// server is one authorization server's memory of one grant. It is a value.
type server struct {
	dead    bool
	current int8 // the newest token
	next    int8
	used    [maxTokens]time.Duration // when; 0 is never
	heir    [maxTokens]int8
	void    [maxTokens]bool // superseded without having been used

	refusedVoid bool // it has refused a token that another's POST had made void
}

func tokenNumber(s secret.String) int8 { return int8(s.Reveal()[0] - 'a') }
func tokenText(n int8) secret.String   { return secret.String(rune('a' + n)) }

// exchange is the POST: the new token, or -1 for the one that was sent, or false
// for invalid_grant.
func (s *server) exchange(p policy, n int8, now time.Duration) (int8, bool) {
	switch {
	case !p.rotates:
		return -1, true
	case s.dead:
		return 0, false
	case n == s.current:
		return s.issue(n, now), true
	case s.used[n] > 0 && now-s.used[n] < p.grace && p.same && s.heir[n] == s.current:
		return s.current, true
	case s.used[n] > 0 && now-s.used[n] < p.grace && !p.same:
		s.void[s.current] = true
		return s.issue(n, 0), true
	}
	s.refusedVoid = s.refusedVoid || s.void[n]
	if p.kills {
		s.dead = true
	}
	return 0, false
}

func (s *server) issue(from int8, now time.Duration) int8 {
	if now > 0 {
		s.used[from] = now
	}
	s.next++
	s.current, s.heir[from] = s.next, s.next
	return s.next
}

// login begins a new grant, which the old one's end does not touch.
func (s *server) login() int8 {
	s.next++
	s.dead, s.current = false, s.next
	return s.next
}

// takes tells whether the server would take a token now, as the current one.
func (s *server) takes(p policy, token secret.String) bool {
	return token.IsSet() && (!p.rotates || !s.dead && tokenNumber(token) == s.current)
}

// The three nodes: the old leader, the new one, and the one that follows if the
// new one crashes.
const (
	old = iota
	young
	third
	nodeCount
)

type life int8

const (
	absent life = iota
	running
	ended
	crashed
)

// node is one backend instance in the middle of one renewal. It is a value.
type node struct {
	life    life
	attempt Attempt
	kind    Kind // of the step it ended with

	sent   bool // a POST is on its way, even if the node has crashed since
	sentAt time.Duration
	token  int8
	acted  bool // the server has
	heir   int8
	ok     bool

	saving  bool          // Renewed, or LogIn: result is to be saved
	result  State         // what it remembers
	merged  State         // what it is about to write
	looked  bool          // storage was read before the write
	tries   int8          // of the write
	saveAt  time.Duration // of the next
	unsaved bool          // it has a result that storage does not have
}

// budget is how much may still go wrong: crashes, failed writes of a leader,
// lost answers, writes of the old leader that land all the same, and times that
// the clock moves on to the next instant although somebody could act.
type budget struct{ crashes, writes, answers, stale, delays int8 }

// world is all there is, as a comparable value: two paths to one world have one future.
type world struct {
	now      time.Duration
	stored   State
	server   server
	nodes    [nodeCount]node
	handover bool
	before   State // storage at the handover: what the old leader's cache knows
	budget   budget

	lateIntent bool // fence: an intent of the old leader landed after the new one had read the entry
	lateSave   bool // fence: another write of it did
	parallel   bool // two POSTs of the grant at a time
	wentBack   bool // storage has gone back to an earlier state
	lost       bool // an answer was never stored: its node crashed, lost the lead, or did not get it
}

func (w *world) at() time.Time { return start.Add(w.now) }

// leads tells whether Vault lets the node write.
func (w *world) leads(n int) bool { return (n != old) == w.handover }

// setting is one exploration.
type setting struct {
	policy
	credentials bool
	frozen      bool // the old leader reads its own cache
	budget      budget
}

func (x setting) world() world {
	w := world{now: time.Second, budget: x.budget, server: server{current: 1, next: 1}}
	w.server.used[0], w.server.heir[0] = time.Nanosecond, 1 // "a" was traded for "b" long ago
	w.stored = State{Generation: 1, Turn: 1, Current: tokenText(1), Previous: tokenText(0)}
	w.begin(x, old)
	return w
}

func (w *world) begin(x setting, n int) {
	w.nodes[n] = node{life: running, attempt: *Begin(w.stored, x.options(n), w.at())}
}

func (x setting) options(n int) Options {
	return Options{Instance: []string{"old", "young", "third", "last"}[n], Credentials: x.credentials}
}

// read is what storage tells a node.
func (w *world) read(x setting, n int) State {
	if n == old && w.handover && x.frozen {
		return w.before
	}
	return w.stored
}

// write lands. intent tells what it is.
func (w *world) write(n int, s State, intent bool) {
	if !w.leads(n) && w.nodes[young].life != absent {
		w.lateIntent = w.lateIntent || intent
		w.lateSave = w.lateSave || !intent || s.compare(w.stored) < 0
	}
	w.wentBack = w.wentBack || s.compare(w.stored) < 0
	w.stored = s
	if n == old && w.handover {
		w.before = s // its own cache
	}
}

// busy counts the POSTs that the server may still act on or answer.
func (w *world) busy() (count int) {
	for _, n := range w.nodes {
		if n.sent {
			count++
		}
	}
	return count
}
