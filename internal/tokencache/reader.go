// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// obtain waits for flights until one has an answer for this reader. Each round
// ends with a flight, and a reader's own flight hardly ever leaves it without an
// answer; patience bounds the rounds in which others are first.
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
		f, seat, err := c.join(ctx, o)
		if err != nil {
			return fallback(c.inMemory(o.key), o.need, err)
		}
		if a, ok, err := c.ride(ctx, patience.C, f, seat, o); ok {
			return a, err
		}
	}
}

// ride waits until the flight ends, or the reader does; false means that the
// reader must try again.
func (c *Cache[R]) ride(ctx context.Context, patience <-chan time.Time, f *flight[R], seat seat, o order[R]) (Answer[R], bool, error) {
	var looked chan struct{}
	if seat == joined {
		looked = f.looked
	}
	for {
		select {
		case <-looked:
			// What the starter finds wanting may do for this reader.
			s := c.heldBy(f)
			if state := o.state(s); state != Expired {
				return c.answer(o.key, s, state, o.need), true, nil
			}
			looked = nil
		case <-f.done:
			return c.judge(f, seat, o)
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

// judge holds a flight's outcome against this reader's own need.
func (c *Cache[R]) judge(f *flight[R], seat seat, o order[R]) (Answer[R], bool, error) {
	out := f.outcome
	switch {
	case seat == behind:
		return Answer[R]{}, false, nil
	case out.err != nil:
		return refused(f, seat, o)
	case out.kind == minted:
		return accepted(out.slot, seat, o)
	case f.forgotten:
		return Answer[R]{}, false, nil
	}
	state := o.state(out.slot)
	return c.answer(o.key, out.slot, state, o.need), state != Expired, nil
}

// refused answers a reader whose flight failed.
func refused[R Record](f *flight[R], seat seat, o order[R]) (Answer[R], bool, error) {
	out := f.outcome
	if seat == joined {
		switch {
		case f.truth != o.need.Truth && (out.kind == minted || out.kind == remembered),
			o.renews() && out.kind == remembered,
			!o.renews() && out.kind == unready && o.state(out.slot) != Expired:
			return Answer[R]{}, false, nil // that failure is not this reader's
		}
	}
	switch {
	case errors.Is(out.err, ErrForgotten):
		return Answer[R]{}, out.kind == minted, out.err
	case out.kind == unready:
		// Before a usable record, as another node may do better.
		return Answer[R]{}, true, out.err
	}
	a, err := fallback(out.slot, o.need, out.err)
	return a, true, err
}

// accepted answers a reader whose flight minted. A record whose whole life is
// shorter than Need.MinTTL is accepted: another mint would bring no other.
func accepted[R Record](s *slot[R], seat seat, o order[R]) (Answer[R], bool, error) {
	matches := s.record.Matches(o.need.Fingerprint)
	once := s.record.UseOnce()
	a := Answer[R]{Record: s.record, State: Fresh, Minted: true, Unsaved: s.unsaved.Load()}
	switch {
	case seat == joined && (once || !matches):
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
