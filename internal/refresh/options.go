// SPDX-License-Identifier: MPL-2.0

// Package refresh knows when: which key is renewed next, how many at once, and
// how long to leave alone what failed. It knows keys, hosts and instants; what
// a renewal is, its owner's Run knows.
//
// Jobs wait in a heap by due instant under one timer, so a hundred thousand of
// them cost nothing while nothing is due. A due job waits in its host's queue
// until the host's own limit, its breaker and its share of the slots admit it;
// so a host that is down, slow or strict delays its own jobs only.
package refresh

import (
	"cmp"
	"context"
	"time"
)

// Options join a Scheduler to its owner and bound it. Run is required; a zero
// number means its default.
type Options struct {
	// Run renews one key. It is called by one goroutine at a time per key. If a
	// newer token came of it, or is found, Put must have been called for it
	// before Run returns. The context ends after RunLimit and on Stop.
	// A panic in it is recovered.
	Run func(ctx context.Context, key Key, generation uint64) Outcome
	// Fill gives the jobs known from storage, in the background after Start. A
	// key that is known already is left as it is: what is in memory is newer.
	// After an error it is called again, with backoff. Nil: nothing to fill.
	Fill func(ctx context.Context, put func(Job)) error
	// Panicked hears of a recovered panic: the key (zero outside of Run), the type
	// of the panic's value, and the stack; the value may hold a secret. May be nil.
	Panicked func(key Key, kind string, stack []byte)

	FirstLimit int // renewals at once of a host that nothing is known about; 8
	Growth     int // successes under a backlog that raise a host's limit by one; 50
	MostLimit  int // the highest limit of a host; 64
	Cap        int // renewals at once of all hosts; 256
	Reserve    int // foreground exchanges at once of all hosts, beside Cap; 64

	FirstBackoff   time.Duration // after one failure; 15 s
	MostBackoff    time.Duration // 5 min
	FirstRefusal   time.Duration // after the first refusal, and the least after any; 5 min
	MostRefusal    time.Duration // 1 h
	LeastWait      time.Duration // the shortest wait of all; 1 s
	MostRetryAfter time.Duration // the longest wait that a server may ask for; 1 h

	BreakerAfter int           // failures in a row of a host that open its breaker; 20
	ProbeEvery   time.Duration // how often an open breaker admits one; 15 s

	IdleAfter time.Duration // nobody has read for so long, and for so many lives: let go; 24 h
	IdleLives int           // 3
	LeastLife time.Duration // shorter lives are renewed on demand only; 45 s

	Recheck   time.Duration // the longest between two looks at the clock; 30 s
	Spread    time.Duration // over which a burst is spread: after a start, a clock's leap, a suspend; 25 s
	RunLimit  time.Duration // the longest that a Run may take; 1 min
	Patience  time.Duration // the longest that Foreground waits; 15 s
	StopLimit time.Duration // the longest that Stop waits; 2 s
}

func (o Options) withDefaults() *Options {
	number := func(value *int, otherwise int) { *value = cmp.Or(max(*value, 0), otherwise) }
	span := func(value *time.Duration, otherwise time.Duration) { *value = cmp.Or(max(*value, 0), otherwise) }
	number(&o.FirstLimit, 8)
	number(&o.Growth, 50)
	number(&o.MostLimit, 64)
	number(&o.Cap, 256)
	number(&o.Reserve, 64)
	span(&o.FirstBackoff, 15*time.Second)
	span(&o.MostBackoff, 5*time.Minute)
	span(&o.FirstRefusal, 5*time.Minute)
	span(&o.MostRefusal, time.Hour)
	span(&o.LeastWait, time.Second)
	span(&o.MostRetryAfter, time.Hour)
	number(&o.BreakerAfter, 20)
	span(&o.ProbeEvery, 15*time.Second)
	span(&o.IdleAfter, 24*time.Hour)
	number(&o.IdleLives, 3)
	span(&o.LeastLife, 45*time.Second)
	span(&o.Recheck, 30*time.Second)
	span(&o.Spread, 25*time.Second)
	span(&o.RunLimit, time.Minute)
	span(&o.Patience, 15*time.Second)
	span(&o.StopLimit, 2*time.Second)
	// A host never gets more than a quarter of the slots: see slots.admit.
	o.MostLimit = max(1, min(o.MostLimit, o.Cap/4))
	o.FirstLimit = min(o.FirstLimit, o.MostLimit)
	return &o
}
