// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// obtain waits for flights until one has an answer for this reader. Each round ends
// when a flight ends. A flight that this reader started nearly always has an answer
// for it. The reader's patience bounds the rounds in which it waits for other flights.
func (c *Cache[R]) obtain(ctx context.Context, o order[R]) (Answer[R], error) {
	patience := time.NewTimer(cmp.Or(o.need.Patience, c.patience))
	defer patience.Stop()
	for {
		s := c.inMemory(o.key)
		if state := o.state(s); state != Expired {
			return c.answer(o.key, s, state, o.need), nil
		}
		if !o.renews() {
			if a, ok, err := c.fromFailure(o.key, o.need); ok {
				return a, err
			}
		}
		if err := ctx.Err(); err != nil {
			return Answer[R]{}, err
		}
		f, place, err := c.join(ctx, o)
		if err != nil {
			return fallback(c.inMemory(o.key), o.need, err)
		}
		if a, ok, err := c.await(ctx, patience.C, f, place, o); ok {
			return a, err
		}
	}
}

// await waits until the flight ends, the reader leaves, or its patience ends. false
// means that the reader must try again.
func (c *Cache[R]) await(ctx context.Context, patience <-chan time.Time, f *flight[R], place place, o order[R]) (Answer[R], bool, error) {
	var looked chan struct{}
	if place == joined {
		looked = f.looked
	}
	for {
		select {
		case <-looked:
			// The record that the starter wants to replace may satisfy this reader.
			s := c.heldBy(f)
			if state := o.state(s); state != Expired {
				return c.answer(o.key, s, state, o.need), true, nil
			}
			looked = nil
		case <-f.done:
			return c.answerFrom(f, place, o)
		case <-ctx.Done():
			return Answer[R]{}, true, ctx.Err()
		case <-patience:
			a, err := fallback(cmp.Or(c.heldBy(f), c.inMemory(o.key)), o.need, ErrInProgress)
			return a, true, err
		case <-c.ended:
			a, err := fallback(c.inMemory(o.key), o.need, ErrClosed)
			return a, true, err
		}
	}
}

func (c *Cache[R]) heldBy(f *flight[R]) *slot[R] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f.held
}

// answerFrom answers the reader from the flight's outcome, if that satisfies the
// reader's own need.
func (c *Cache[R]) answerFrom(f *flight[R], place place, o order[R]) (Answer[R], bool, error) {
	out := f.outcome
	switch {
	case place == behind:
		return Answer[R]{}, false, nil
	case out.err != nil:
		return refused(f, place, o)
	case out.kind == minted:
		return accepted(out.slot, place, o)
	case f.forgotten:
		return Answer[R]{}, false, nil
	}
	state := o.state(out.slot)
	return c.answer(o.key, out.slot, state, o.need), state != Expired, nil
}

// refused answers a reader whose flight failed.
func refused[R Record](f *flight[R], place place, o order[R]) (Answer[R], bool, error) {
	out := f.outcome
	if place == joined {
		switch {
		case f.revision != o.need.Revision && (out.kind == minted || out.kind == remembered),
			o.renews() && out.kind == remembered,
			!o.renews() && out.kind == unready && o.state(out.slot) != Expired:
			return Answer[R]{}, false, nil // that failure is not this reader's
		}
	}
	switch {
	case errors.Is(out.err, ErrForgotten):
		return Answer[R]{}, out.kind == minted, out.err
	case out.kind == unready:
		// This error wins over a usable record: another node may obtain a new one.
		return Answer[R]{}, true, out.err
	}
	a, err := fallback(out.slot, o.need, out.err)
	return a, true, err
}

// accepted answers a reader whose flight minted. A record whose whole life is
// shorter than Need.MinTTL is accepted: another mint would bring no other.
func accepted[R Record](s *slot[R], place place, o order[R]) (Answer[R], bool, error) {
	matches := s.record.Matches(o.need.Fingerprint)
	once := s.record.UseOnce()
	a := Answer[R]{Record: s.record, State: Fresh, Minted: true, Unsaved: s.unsaved.Load()}
	switch {
	case place == joined && (once || !matches):
		return Answer[R]{}, false, nil
	case !matches:
		return Answer[R]{}, true, ErrChanged
	case once:
		return a, true, nil
	}
	if a.State = s.record.Life().State(time.Now(), 0); a.State == Expired {
		return Answer[R]{}, true, ErrExpired
	}
	return a, true, nil
}
