// SPDX-License-Identifier: MPL-2.0

package tokencache

import "context"

// look finds the current record, or nil. It takes the one in memory if that is
// usable or not saved yet: an unsaved record is newer than any stored one. Otherwise
// it loads the stored one, which may be newer than memory's.
func (c *Cache[R]) look(f *flight[R], o order[R]) (*slot[R], error) {
	s := c.inMemory(o.key)
	if s != nil && (s.unsaved.Load() || o.state(s) != Expired) {
		c.holds(f, s)
		return s, nil
	}
	var record R
	var has bool
	err := guarded(func() (err error) {
		ctx, cancel := context.WithTimeout(f.mintCtx, c.limit)
		defer cancel()
		if record, has, err = o.src.Load(ctx); err == nil && has {
			_ = record.Life() // a nil record must not get into memory
		}
		return err
	})
	switch {
	case err != nil:
		return s, err
	case has:
		s = &slot[R]{record: record}
	default:
		s = nil
	}
	c.loaded(o.key, f, s)
	return s, nil
}

// loaded puts what storage says into memory, unless that may be outdated already.
func (c *Cache[R]) loaded(key string, f *flight[R], s *slot[R]) {
	c.mu.Lock()
	switch {
	case s == nil:
		c.hot.Remove(key)
	case !f.forgotten:
		c.hot.Add(key, s)
	}
	c.mu.Unlock()
	c.holds(f, s)
}

// holds shows the readers what the flight is about to replace.
func (c *Cache[R]) holds(f *flight[R], s *slot[R]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.forgotten {
		f.held = s
	}
	close(f.looked)
}
