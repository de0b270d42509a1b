// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import "sync"

// nameLocks holds one lock a name, for as long as somebody wants it. Striped
// locks would let a role wait for a stranger.
type nameLocks struct {
	mu   sync.Mutex // guards held
	held map[string]*nameLock
}

type nameLock struct {
	sync.Mutex
	wanted int // holders and waiters; guarded by nameLocks.mu
}

// lock waits for the name and returns its release. It must not be held over a
// request to anything but storage.
func (l *nameLocks) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[string]*nameLock)
	}
	one := l.held[name]
	if one == nil {
		one = new(nameLock)
		l.held[name] = one
	}
	one.wanted++
	l.mu.Unlock()

	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.wanted--; one.wanted == 0 {
			delete(l.held, name)
		}
	}
}
