// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"sync/atomic"
	"time"
)

// Policy is what a role says about renewal ahead of expiry.
type Policy int

const (
	Auto     Policy = iota // as long as somebody reads it
	OnDemand               // never: a read renews
	KeepWarm               // always, read or not
)

// Key names a token that is renewed. The scheduler only compares it.
type Key struct {
	Role  string // by its name
	Token string // where it is stored
}

// Job is one key and the instants of its current token, by the wall clock.
type Job struct {
	Key        Key
	Generation uint64 // of the token, for Run: it may have been replaced since
	Host       string // that its renewal asks; shares limit, breaker and backlog
	// Issued and Expires bound the token's life. Without both the key is not scheduled.
	Issued, Expires time.Time
	// Due is when to renew. Zero: on demand only.
	Due time.Time
	// UseBy, if not zero, is when the refresh token must be used at the latest. The
	// key is renewed then even if nobody reads it, and whatever the policy is.
	UseBy time.Time
	// Read is when somebody last read the token. Zero: as far as is known here;
	// for a new key that is now. A later instant known here wins.
	Read   time.Time
	Policy Policy
	// Urgent: if it is due when it is filled in, it runs at once, not some time
	// in Options.Spread.
	Urgent bool
}

// Scheduled tells whether a token of that life is renewed ahead of its expiry at all.
func (o *Options) Scheduled(policy Policy, life time.Duration) bool {
	return policy != OnDemand && life >= o.LeastLife
}

// Idle tells whether a token of that life that nobody has read for so long is let
// go: it is no longer renewed ahead of its expiry.
func (o *Options) Idle(policy Policy, life, unread time.Duration) bool {
	return policy != KeepWarm && unread > max(o.IdleAfter, time.Duration(o.IdleLives)*min(life, farthest))
}

// state is where an entry is. Each has exactly one.
type state int

const (
	asleep  state = iota // in no queue: on demand, or let go, and no UseBy
	parked               // in the heap of due instants
	ready                // due, in its host's queue
	running              // its Run is being called
	stopped              // refused for good; in no queue
	states  int   = iota
)

func (s state) String() string {
	return [states]string{"asleep", "waiting", "due", "running", "stopped"}[s]
}

// entry is a job as the scheduler holds it. The scheduler's mu guards its fields,
// apart from the atomic ones.
type entry struct {
	key        Key
	generation uint64 // of the token
	host       *host
	policy     Policy
	life       time.Duration
	due        instant // never: on demand
	expires    instant
	useBy      instant // never: none

	state   state
	at      instant // parked: when it is next looked at; ready and running: when it became due
	index   int     // in the heap that holds it
	expired bool    // ready, and in its host's late heap
	letGo   bool    // nobody reads it

	attempt  int     // failures in a row
	failed   instant // the first of them
	code     string  // of the last
	replaced bool    // running: a Put came meanwhile
	removed  bool    // running: a Remove came meanwhile

	read    atomic.Int64 // the last one, by the monotonic clock: see moment.awake
	watched atomic.Bool  // a read must take the lock: see watchReads
}

// watchReads decides whether a read of the entry must take the scheduler's lock.
// It must if the read changes more than the instant of the last read: a read
// schedules again an entry that was let go, and moves an expired one ahead.
func (e *entry) watchReads() { e.watched.Store(e.letGo || e.expired) }

func (e *entry) lastRead() time.Duration { return time.Duration(e.read.Load()) }

// readAt records a read, unless a later one is known. It is precise to a second:
// the many readers of one key would otherwise contend for its cache line.
func (e *entry) readAt(mono time.Duration) {
	for {
		last := e.read.Load()
		if time.Duration(last)+time.Second > mono || e.read.CompareAndSwap(last, int64(mono)) {
			return
		}
	}
}

// wanted is the instant at which the entry is to run if no failure delays it, or never.
func (o *Options) wanted(e *entry) instant {
	if e.letGo || !o.Scheduled(e.policy, e.life) {
		return e.useBy
	}
	return min(e.due, e.useBy)
}
