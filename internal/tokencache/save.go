// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"time"
)

// unsaved is a record that storage does not have yet. It may hold the only copy
// of a rotated refresh token, so it is outside the bounded memory.
type unsaved[R Record] struct {
	slot *slot[R]
	save func(context.Context, R) error
	ctx  context.Context // carries values only
	gone chan struct{}   // closed when superseded or forgotten
}

// saveDelay is the wait before background save n, counted from 0.
func saveDelay(n int) time.Duration {
	switch n {
	case 0:
		return time.Second
	case 1:
		return 4 * time.Second
	case 2:
		return 15 * time.Second
	default:
		return time.Minute
	}
}

// pending returns the key's unsaved record.
func (c *Cache[R]) pending(key string) (*slot[R], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.unsaved[key]; u != nil {
		return u.slot, true
	}
	return nil, false
}

// save stores a new record and publishes it. If storage refuses, memory keeps it
// and goes on trying. The only error is ErrForgotten: then nothing is kept, and
// the readers look again.
func (c *Cache[R]) save(key string, f *flight[R], src Source[R], record R) (*slot[R], error) {
	if !c.saveBegins(f) {
		c.handOver(f, src, record)
		return nil, ErrForgotten
	}
	err := c.callSave(f, src.Save, record)
	return c.publish(key, f, src, record, err)
}

// saveBegins is the last moment at which Forget can stop a record.
func (c *Cache[R]) saveBegins(f *flight[R]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.forgotten {
		return false
	}
	f.saving = make(chan struct{})
	return true
}

// saveEnds wakes whoever waits for storage to be quiet. mu is held.
func (f *flight[R]) saveEnds() {
	if f.saving != nil {
		close(f.saving)
		f.saving = nil
	}
}

// fenced is the Fenced of a flight.
func (c *Cache[R]) fenced(f *flight[R]) Fenced {
	return func(write func(context.Context) error) error {
		if !c.saveBegins(f) {
			return ErrForgotten
		}
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			f.saveEnds()
		}()
		ctx, cancel := context.WithTimeout(f.ctx, c.limit)
		defer cancel()
		return write(ctx)
	}
}

func (c *Cache[R]) callSave(f *flight[R], save func(context.Context, R) error, record R) error {
	return guarded(func() error {
		ctx, cancel := context.WithTimeout(f.ctx, c.limit)
		defer cancel()
		return save(ctx, record)
	})
}

// publish makes a minted record the current one.
func (c *Cache[R]) publish(key string, f *flight[R], src Source[R], record R, saveErr error) (*slot[R], error) {
	deleted := errors.Is(saveErr, ErrForgotten)
	c.mu.Lock()
	defer c.mu.Unlock()
	f.saveEnds()
	if deleted {
		c.forget(key)
	}
	if f.forgotten {
		if saveErr != nil && !deleted {
			f.handOver(src, record)
		}
		return nil, ErrForgotten
	}
	c.supersede(key)
	if errors.Is(saveErr, ErrSuperseded) {
		c.hot.Remove(key)
		return nil, ErrForgotten
	}
	s := &slot[R]{record: record}
	if saveErr != nil {
		s.unsaved.Store(true)
		c.keep(key, &unsaved[R]{slot: s, save: src.Save, ctx: context.WithoutCancel(f.ctx), gone: make(chan struct{})})
	}
	c.hot.Add(key, s)
	c.failures.Remove(key)
	return s, nil
}

// handOver gives a record that was minted while its key was forgotten to the Change
// that waits for the flight's end. If the Change fails, that record is the only copy.
func (c *Cache[R]) handOver(f *flight[R], src Source[R], record R) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.handOver(src, record)
}

func (f *flight[R]) handOver(src Source[R], record R) {
	if f.next != nil {
		f.next.unsavedBefore = &unsaved[R]{slot: newUnsaved(record), save: src.Save, ctx: context.WithoutCancel(f.ctx)}
	}
}

func newUnsaved[R Record](record R) *slot[R] {
	s := &slot[R]{record: record}
	s.unsaved.Store(true)
	return s
}

// supersede ends the key's background save. mu is held.
func (c *Cache[R]) supersede(key string) {
	if u := c.unsaved[key]; u != nil {
		close(u.gone)
		delete(c.unsaved, key)
	}
}

// keep holds a record until it is saved. mu is held.
func (c *Cache[R]) keep(key string, u *unsaved[R]) {
	c.unsaved[key] = u
	c.running++
	go c.saveLater(key, u)
}

// saveLater tries until the record is saved or nobody needs it any more. When
// the cache closes it tries once more: afterwards the record is lost.
func (c *Cache[R]) saveLater(key string, u *unsaved[R]) {
	defer c.exit()
	for n := 0; ; n++ {
		var last bool
		timer := time.NewTimer(saveDelay(n))
		select {
		case <-timer.C:
		case <-u.gone:
		case <-c.closing:
			last = true
		}
		timer.Stop()
		if c.saveAgain(key, u) || last {
			return
		}
	}
}

// saveAgain tries once and tells whether no further try is needed. It occupies the
// key meanwhile: otherwise an old record could be written after its successor.
func (c *Cache[R]) saveAgain(key string, u *unsaved[R]) bool {
	f := c.occupy(key, u)
	if f == nil {
		return true
	}
	defer c.release(key, f)
	err := c.callSave(f, u.save, u.slot.record)
	deleted := errors.Is(err, ErrForgotten)

	c.mu.Lock()
	defer c.mu.Unlock()
	f.saveEnds()
	switch {
	case deleted:
		c.forget(key)
	case errors.Is(err, ErrSuperseded):
		c.supersede(key)
		c.hot.Remove(key)
	case err != nil:
		return false
	default:
		u.slot.unsaved.Store(false)
		c.supersede(key)
	}
	return true
}

// occupy waits until the key is free and takes it; nil means that the record
// needs no saving any more, or that the cache has ended.
func (c *Cache[R]) occupy(key string, u *unsaved[R]) *flight[R] {
	for {
		f, mine := c.take(key, u)
		if f == nil || mine {
			return f
		}
		select {
		case <-f.done:
		case <-u.gone:
		case <-c.ended:
			return nil
		}
	}
}

// take returns the key's flight, and whether it is a new one of ours.
func (c *Cache[R]) take(key string, u *unsaved[R]) (f *flight[R], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsaved[key] != u || c.over {
		return nil, false
	}
	if f := c.flights[key]; f != nil {
		return f, false
	}
	f = newFlight[R](u.ctx)
	f.private = true
	f.saving = make(chan struct{})
	c.flights[key] = f
	return f, true
}
