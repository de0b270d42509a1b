// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"sync"
)

// Locks holds one lock a name, for as long as somebody wants it. Striped
// locks would let a role wait for a stranger.
type Locks struct {
	mu   sync.Mutex // guards held
	held map[string]*nameLock
}

type nameLock struct {
	turn   chan struct{} // holds one value while somebody has the lock
	wanted int           // holders and waiters; guarded by Locks.mu
}

// Lock waits for the name until ctx ends, and returns its release, or ctx.Err().
// The holder of an entry's name makes no request to anything but storage
// meanwhile. The holder of an account's name logs in: one login at a time.
func (l *Locks) Lock(ctx context.Context, name string) (unlock func(), err error) {
	one := l.want(name)
	select {
	case one.turn <- struct{}{}:
		return func() {
			<-one.turn
			l.leave(name, one)
		}, nil
	case <-ctx.Done():
		l.leave(name, one)
		return nil, ctx.Err()
	}
}

// Len is the number of names that somebody has or waits for.
func (l *Locks) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

func (l *Locks) want(name string) *nameLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[string]*nameLock)
	}
	one := l.held[name]
	if one == nil {
		one = &nameLock{turn: make(chan struct{}, 1)}
		l.held[name] = one
	}
	one.wanted++
	return one
}

func (l *Locks) leave(name string, one *nameLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.wanted--; one.wanted == 0 {
		delete(l.held, name)
	}
}
