// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrEmptyKey: a key must never be empty, or strangers would share a token.
	ErrEmptyKey = errors.New("empty cache key")
	// ErrInProgress: the reader's patience ended; the exchange goes on.
	ErrInProgress = errors.New("the exchange is still in progress")
	// ErrClosed: the cache is closed and the record is not in memory.
	ErrClosed = errors.New("the token cache is closed")
	// ErrForgotten: the key was forgotten while its token was being obtained.
	// Look the definition up again, then read again.
	ErrForgotten = errors.New("the token was deleted while it was being obtained")
	// ErrSuperseded: storage holds a later record. Only Save returns it.
	ErrSuperseded = errors.New("storage holds a later token")
	// ErrChanged: the definition changed while the token was being obtained.
	// Look it up again, then read again.
	ErrChanged = errors.New("the definition changed while the token was being obtained")
	// ErrExpired: the new token had no life left when it could have been handed out.
	ErrExpired = errors.New("the new token had expired before it could be handed out")
	// ErrPanic: a Source or a Record panicked. The panic's value is not kept, as
	// it may hold a secret.
	ErrPanic = errors.New("internal error while obtaining the token (recovered panic)")
)

// RememberedError answers readers while a failed mint is remembered. It is
// shared between them: do not change it.
type RememberedError struct {
	Err     error     // what Mint returned
	Until   time.Time // the next try is no earlier; not after Since: not remembered
	Since   time.Time // when the first of the consecutive failures happened
	Attempt int       // consecutive failures, from 1
}

func (e *RememberedError) Error() string {
	return fmt.Sprintf("%v (failures in a row: %d; next try at %s)", e.Err, e.Attempt, e.Until.UTC().Format(time.RFC3339))
}

func (e *RememberedError) Unwrap() error { return e.Err }

// failure is immutable; a change replaces it.
type failure struct {
	RememberedError
	revision string
	none     bool // there was no stored record: readers need not look for one
}

// Failure returns the key's last failure if no mint has succeeded since.
func (c *Cache[R]) Failure(key string) (*RememberedError, bool) {
	m, ok := c.failures.Peek(key)
	if !ok {
		return nil, false
	}
	return &m.RememberedError, true
}

// Waiting returns the failure that keeps a reader of this revision from a mint now.
func (c *Cache[R]) Waiting(key, revision string) (*RememberedError, bool) {
	m := c.remembered(key, revision)
	if m == nil {
		return nil, false
	}
	return &m.RememberedError, true
}

// remembered returns the failure that stands between this reader and a mint, or nil.
func (c *Cache[R]) remembered(key, revision string) *failure {
	m, ok := c.failures.Get(key)
	if !ok || m.revision != revision || !time.Now().Before(m.Until) {
		return nil
	}
	return m
}

// fromFailure answers at once while a failure is remembered: with the usable
// record if there is one, else with the failure. Where storage may know more
// than memory, a flight must look first.
func (c *Cache[R]) fromFailure(key string, need Need) (Answer[R], bool, error) {
	m := c.remembered(key, need.Revision)
	if m == nil {
		return Answer[R]{}, false, nil
	}
	s := c.inMemory(key)
	if s == nil && !m.none {
		return Answer[R]{}, false, nil
	}
	a, err := fallback(s, need, &m.RememberedError)
	return a, true, err
}

// fallback answers a reader for whom no new record could be obtained. The record in
// memory is served as long as anything of its life remains.
func fallback[R Record](s *slot[R], need Need, cause error) (Answer[R], error) {
	if s != nil && !s.record.UseOnce() && s.record.Matches(need.Fingerprint) {
		if state := s.record.Life().State(time.Now(), 0); state != Expired {
			return Answer[R]{Record: s.record, State: state, Stale: cause, Unsaved: s.unsaved.Load()}, nil
		}
	}
	return Answer[R]{}, cause
}

// failed notes a failed mint.
func (c *Cache[R]) failed(f *flight[R], o order[R], none bool, err error) {
	now := time.Now()
	m := &failure{revision: o.need.Revision, none: none}
	m.Err, m.Since, m.Attempt = err, now, 1
	if last, ok := c.failures.Peek(o.key); ok && last.revision == m.revision {
		m.Since, m.Attempt = last.Since, last.Attempt+1
	}
	m.Until = now.Add(o.src.remember(err, m.Attempt))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.forgotten {
		c.failures.Add(o.key, m)
	}
}

// retryNow ends the waiting for a key's next try; the count of failures stays.
func (c *Cache[R]) retryNow(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.failures.Peek(key); ok {
		again := *m
		again.Until = time.Time{}
		c.failures.Add(key, &again)
	}
}

// remember calls Source.Remember. If that panics, the failure is noted all the same,
// with no time to wait.
func (s Source[R]) remember(err error, attempt int) (d time.Duration) {
	if s.Remember == nil {
		return 0
	}
	_ = guarded(func() error {
		d = max(0, s.Remember(err, attempt))
		return nil
	})
	return d
}

func (s Source[R]) ready() error {
	if s.Ready == nil {
		return nil
	}
	return guarded(s.Ready)
}

// guarded turns a panic into an error with a constant text.
func guarded(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = ErrPanic
		}
	}()
	return call()
}
