// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"sync"
)

// nameLocks holds one lock a name, for as long as somebody wants it. Striped
// locks would let a role wait for a stranger.
type nameLocks struct {
	mu   sync.Mutex // guards held
	held map[string]*nameLock
}

type nameLock struct {
	turn   chan struct{} // holds one value while somebody has the lock
	wanted int           // holders and waiters; guarded by nameLocks.mu
}

// lock waits for the name until ctx ends, and returns its release, or ctx.Err().
// The holder of an entry's name makes no request to anything but storage
// meanwhile. The holder of an account's name logs in: one login at a time.
func (l *nameLocks) lock(ctx context.Context, name string) (unlock func(), err error) {
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

func (l *nameLocks) want(name string) *nameLock {
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

func (l *nameLocks) leave(name string, one *nameLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.wanted--; one.wanted == 0 {
		delete(l.held, name)
	}
}
