// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"time"
)

// order is what a reader asks a flight for. wanted is nil for Get: any record
// that satisfies the need will do.
type order[R Record] struct {
	key    string
	need   Need
	src    Source[R]
	wanted func(held R) bool
}

func (o order[R]) renews() bool { return o.wanted != nil }

// state is what a record is worth without a mint: Expired, if it is nil or is
// the one to replace.
func (o order[R]) state(s *slot[R]) State {
	if s == nil {
		return Expired
	}
	state := stateFor(s.record, o.need, time.Now())
	if state != Expired && o.renews() && o.wanted(s.record) {
		return Expired
	}
	return state
}

// flight is the one goroutine that may call a key's Source.
type flight[R Record] struct {
	looked   chan struct{} // closed when the current record is known: held
	done     chan struct{} // closed when the key is free again
	revision string        // of the reader that started it
	private  bool          // a background save, or Change: nothing for readers

	ctx     context.Context // of Save: ended by Close
	cancel  context.CancelCauseFunc
	mintCtx context.Context // of Load and Mint: ended by Forget, too
	abandon context.CancelCauseFunc

	outcome outcome[R] // written before done is closed, read after

	// The cache's mu guards what follows.
	forgotten     bool
	held          *slot[R]      // the record that the flight is about to replace
	saving        chan struct{} // while Save runs; closed at its end
	next          *flight[R]    // has the key after this one
	unsavedBefore *unsaved[R]   // of a Change: the record that was not saved before; kept again if the Change fails
}

// outcome of a flight. Without err, slot is the answer; with it, slot is the
// record that could not be replaced, if there is one.
type outcome[R Record] struct {
	slot *slot[R]
	kind kind
	err  error
}

type kind int

const (
	found      kind = iota // in memory or in storage; err is Load's, or the flight was cut
	remembered             // err is that of an earlier mint
	unready                // err is Ready's
	minted                 // err is Mint's, or of what came after it
)

func newFlight[R Record](ctx context.Context) *flight[R] {
	f := &flight[R]{looked: make(chan struct{}), done: make(chan struct{})}
	f.outcome.err = ErrPanic // what remains if a Source ends the goroutine
	f.ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	f.mintCtx, f.abandon = context.WithCancelCause(f.ctx)
	return f
}

// cut tells why the cache itself ended the flight: ErrForgotten, ErrClosed or nil.
// An error that follows says nothing about the server.
func (f *flight[R]) cut() error { return context.Cause(f.mintCtx) }

// place is a reader's place on a flight.
type place int

const (
	starter place = iota // the flight was started for this reader
	joined               // it was on its way already; its outcome may satisfy this reader
	behind               // its outcome is for nobody: wait until the key is free
)

// join gives the reader a place on the key's flight, and starts one if there is none.
func (c *Cache[R]) join(ctx context.Context, o order[R]) (*flight[R], place, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[o.key]; f != nil {
		if f.forgotten || f.private {
			return f, behind, nil
		}
		return f, joined, nil
	}
	if c.closed {
		return nil, starter, ErrClosed
	}
	f := newFlight[R](ctx)
	f.revision = o.need.Revision
	c.flights[o.key] = f
	c.running++
	go c.fly(f, o)
	return f, starter, nil
}

// fly is the flight's goroutine. When it returns, the key is free, also after a panic.
func (c *Cache[R]) fly(f *flight[R], o order[R]) {
	defer c.exit()
	defer c.release(o.key, f)
	defer func() {
		if recover() != nil {
			f.outcome = outcome[R]{kind: minted, err: ErrPanic}
		}
	}()
	f.outcome = c.replace(f, o)
}

// release frees the key, then wakes the readers.
func (c *Cache[R]) release(key string, f *flight[R]) {
	c.mu.Lock()
	if f.next != nil {
		c.flights[key] = f.next
	} else {
		delete(c.flights, key)
	}
	f.saveEnds()
	c.mu.Unlock()
	f.abandon(nil)
	f.cancel(nil)
	close(f.done)
}

// exit is the last thing that a goroutine of the cache does.
func (c *Cache[R]) exit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.closed && c.running == 0 {
		close(c.idle)
	}
}

// replace looks again whether the work is still needed, and does it.
func (c *Cache[R]) replace(f *flight[R], o order[R]) outcome[R] {
	held, err := c.look(f, o)
	if cause := f.cut(); cause != nil { // nothing was sent yet
		return outcome[R]{slot: held, err: cause}
	}
	if err != nil || o.state(held) != Expired {
		return outcome[R]{slot: held, err: err}
	}
	if !o.renews() {
		if m := c.remembered(o.key, o.need.Revision); m != nil {
			return outcome[R]{slot: held, kind: remembered, err: &m.RememberedError}
		}
	}
	if err := o.src.ready(); err != nil {
		return outcome[R]{slot: held, kind: unready, err: err}
	}
	return c.mint(f, o, held)
}

// mint calls Mint, then Save, then lets memory know; or remembers the failure.
func (c *Cache[R]) mint(f *flight[R], o order[R], held *slot[R]) outcome[R] {
	var last, record R
	var life Life
	var once bool
	if held != nil {
		last = held.record
	}
	err := guarded(func() (err error) {
		ctx, cancel := context.WithTimeout(f.mintCtx, c.limit)
		defer cancel()
		if record, err = o.src.Mint(ctx, last, held != nil, c.fenced(f)); err == nil {
			life, once = record.Life(), record.UseOnce() // not later: a nil record must not be saved
		}
		return err
	})
	if err != nil {
		if cause := f.cut(); cause != nil {
			err = cause
		} else if !errors.Is(err, ErrForgotten) { // which is for this reader to look again
			c.failed(f, o, held == nil, err)
		}
		return outcome[R]{slot: held, kind: minted, err: err}
	}
	s, err := c.save(o.key, f, o.src, record)
	if err == nil && !once && life.Remaining(time.Now()) <= 0 {
		// It is stored all the same: its refresh token may be a new one.
		err = ErrExpired
		c.failed(f, o, false, err)
	}
	return outcome[R]{slot: s, kind: minted, err: err}
}
