// SPDX-License-Identifier: MPL-2.0

package tokencache

import "context"

// Forget drops the key from memory: record, failure, and what is not saved yet.
// A mint on its way is cancelled; it neither saves nor publishes its result any
// more, and its readers get ErrForgotten. A Save that runs already cannot be
// stopped. Whoever deletes a stored record uses Change; whoever deletes those of
// many keys makes Save return ErrForgotten, then calls ForgetIf and Settle, then deletes.
func (c *Cache[R]) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(key)
}

// Change is how a stored record is deleted or replaced from outside: it forgets
// the key and runs change while nothing else of the key runs. So no flight puts
// back what was deleted, and whoever reads afterwards sees what storage says then.
// change must not read the key through the cache: it would wait for itself. If it
// fails, a record that was not saved yet is in memory again: it may be all there is.
//
// Errors: ErrEmptyKey; ErrClosed; ctx.Err(), if the key was not free before; ErrPanic;
// what change returned.
func (c *Cache[R]) Change(ctx context.Context, key string, change func(ctx context.Context) error) error {
	if key == "" {
		return ErrEmptyKey
	}
	f, before, err := c.queue(ctx, key)
	if err != nil {
		return err
	}
	leave := func() {
		c.release(key, f)
		c.exit()
	}
	select {
	case <-before:
		defer leave()
		if err = guarded(func() error { return change(ctx) }); err != nil {
			c.restore(key, f)
		}
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.ended:
		err = ErrClosed
	}
	c.restore(key, f)
	go func() { // the turn passes on when it comes
		<-before
		leave()
	}()
	return err
}

// queue forgets the key and takes it, or the turn after the flights that have it
// or wait for it already; before is closed when the turn has come.
func (c *Cache[R]) queue(ctx context.Context, key string) (f *flight[R], before chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, ErrClosed
	}
	unsavedBefore := c.unsaved[key]
	c.forget(key)
	f = newFlight[R](ctx)
	f.unsavedBefore = unsavedBefore
	f.private = true
	c.running++
	last := c.flights[key]
	if last == nil {
		c.flights[key] = f
		free := make(chan struct{})
		close(free)
		return f, free, nil
	}
	for last.next != nil {
		last = last.next
	}
	last.next = f
	return f, last.done, nil
}

// restore keeps a record again that storage does not have, unless there is
// another one by now. The Change that has failed must still be running.
func (c *Cache[R]) restore(key string, f *flight[R]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := f.unsavedBefore
	if u == nil || c.unsaved[key] != nil || c.over {
		return
	}
	c.keep(key, &unsaved[R]{slot: u.slot, save: u.save, ctx: u.ctx, gone: make(chan struct{})})
	c.hot.Add(key, u.slot)
}

// Quiet waits until no mint of the key is under way, or ctx ends.
func (c *Cache[R]) Quiet(ctx context.Context, key string) {
	c.mu.Lock()
	f := c.flights[key]
	c.mu.Unlock()
	if f == nil {
		return
	}
	select {
	case <-f.done:
	case <-ctx.Done():
	case <-c.ended:
	}
}

// ForgetIf forgets every key that is in memory or on its way, and matches.
func (c *Cache[R]) ForgetIf(match func(key string) bool) {
	for key := range c.keys() {
		if match(key) {
			c.Forget(key)
		}
	}
}

// forget is Forget with mu held.
func (c *Cache[R]) forget(key string) {
	if f := c.flights[key]; f != nil {
		f.forgotten, f.held = true, nil
		f.abandon(ErrForgotten)
	}
	c.supersede(key)
	c.hot.Remove(key)
	c.failures.Remove(key)
}

func (c *Cache[R]) keys() map[string]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]struct{}{}
	for _, key := range c.hot.Keys() {
		all[key] = struct{}{}
	}
	for _, key := range c.failures.Keys() {
		all[key] = struct{}{}
	}
	for key := range c.unsaved {
		all[key] = struct{}{}
	}
	for key := range c.flights {
		all[key] = struct{}{}
	}
	return all
}

// Settle waits until the Saves that run now, of the keys that match, have ended. It
// returns ctx.Err() if the context ends first.
func (c *Cache[R]) Settle(ctx context.Context, match func(key string) bool) error {
	for key, saved := range c.saves() {
		if !match(key) {
			continue
		}
		select {
		case <-saved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c *Cache[R]) saves() map[string]chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]chan struct{}{}
	for key, f := range c.flights {
		if f.saving != nil {
			all[key] = f.saving
		}
	}
	return all
}

// Close ends the cache and returns when nothing of it runs any more, or when ctx
// ends: what is on its way has that long, and is cancelled then. Background saves
// are tried once more. Afterwards memory still answers; all else is ErrClosed.
func (c *Cache[R]) Close(ctx context.Context) {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
		if c.running == 0 {
			close(c.idle)
		}
	}
	c.mu.Unlock()

	select {
	case <-c.idle:
	case <-ctx.Done():
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	close(c.ended)
	for _, f := range c.flights {
		f.cancel(ErrClosed)
	}
}
