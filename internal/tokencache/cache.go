// SPDX-License-Identifier: MPL-2.0

// Package tokencache knows which token is current, and sees to it that one key
// is minted once, whatever the number of its readers. It knows neither where a
// token comes from nor where it is kept: a Source does.
//
// The cache answers with a usable record in memory at once. Everything else that
// concerns a key happens in the key's flight. A key has at most one flight; the
// flight outlives the readers that wait for it, and only the flight calls the
// key's Source. Readers of other keys never wait for it, since no lock that keys
// share is held during a call.
package tokencache

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Record is one key's token as its owner stores it. Its methods are pure, and
// called from several goroutines at a time.
type Record interface {
	Life() Life
	// Matches tells whether the record is shaped by the definition that the
	// fingerprint stands for. If not, it must not be served.
	Matches(fingerprint string) bool
	// UseOnce marks a record good only for the reader whose mint produced it:
	// it is stored (its refresh token matters) but never served again.
	UseOnce() bool
}

// Need is what one reader accepts.
type Need struct {
	// Fingerprint is passed to Record.Matches.
	Fingerprint string
	// Revision names the state of everything that a mint depends on. A failure is
	// remembered for one revision only: a change of it lets the next reader mint.
	Revision string
	// MinTTL is the least remaining life. 0 means DefaultMinTTL of the record's life.
	MinTTL time.Duration
	// CallerMinTTL raises that least remaining life for one call. It raises it to no
	// more than nine tenths of the record's life: a caller who wants more than the
	// server ever gives would otherwise cost an exchange with each read.
	CallerMinTTL time.Duration
	// Patience is how long the reader waits for a mint. 0 means Options.Patience.
	Patience time.Duration
}

// MinTTLFor is the least remaining life that satisfies the reader, of a record
// that lives life in all.
func (n Need) MinTTLFor(life time.Duration) time.Duration {
	minTTL := n.MinTTL
	if minTTL <= 0 {
		minTTL = DefaultMinTTL(life)
	}
	if n.CallerMinTTL > 0 {
		minTTL = min(max(minTTL, n.CallerMinTTL), max(0, life-life/10))
	}
	return minTTL
}

// Source reaches one key's stored record and its server. Its functions are called
// by one goroutine at a time per key, and may be called after the reader has left;
// the context they get carries the reader's values but not its cancellation.
type Source[R Record] struct {
	// Load returns the stored record, if there is one.
	Load func(ctx context.Context) (R, bool, error)
	// Mint obtains a new record. held is the last one, usable or not: its
	// refresh token matters. keep stores what must be in storage before anything
	// is sent; see Fenced.
	Mint func(ctx context.Context, held R, has bool, fenced Fenced) (R, error)
	// Save stores the record. Until it succeeds, it is called again in the background.
	// It returns ErrForgotten, wrapped or not, if what the key belongs to was
	// deleted, and ErrSuperseded if storage holds a later record: the record is
	// then dropped and nobody gets it.
	Save func(ctx context.Context, r R) error
	// Ready is asked before Mint, before anything is sent. Its error reaches the
	// reader as it is and is not remembered. Nil: always ready.
	Ready func() error
	// Remember tells how long a failed Mint is remembered; 0 is not at all.
	// attempt counts consecutive failures from 1. Nil: never.
	Remember func(err error, attempt int) time.Duration
}

// Fenced runs a write of the key's stored record while nobody can delete that. It
// returns ErrForgotten, and runs nothing, if somebody has; else what write returned.
type Fenced func(write func(ctx context.Context) error) error

// Answer is what a reader gets.
type Answer[R Record] struct {
	Record R
	// State of the record: Fresh or Due. Less than Need.MinTTL may be left where
	// Stale is set, and right after a mint; something always is, but of a
	// record to be used once.
	State State
	// Minted: the record comes from a mint that this reader started or waited for.
	Minted bool
	// Stale is why the replacement of a still usable record failed; nil when all is well.
	Stale error
	// Unsaved: the record could not be stored yet.
	Unsaved bool
}

// Options bound a Cache. A zero field means its default.
type Options struct {
	Hot      int           // records in memory, and failures remembered; 10,000
	Patience time.Duration // the longest that a reader waits; 15 s
	Limit    time.Duration // the longest that one Load, Mint or Save takes; 30 s
}

const (
	defaultHot      = 10_000
	defaultPatience = 15 * time.Second
	defaultLimit    = 30 * time.Second
)

// Cache holds the current record of each key. Make one with New.
type Cache[R Record] struct {
	patience, limit time.Duration

	hot      *lru.Cache[string, *slot[R]] // what is stored, as last seen; changed under mu, read without
	failures *lru.Cache[string, *failure] // likewise

	closing chan struct{} // closed when Close begins
	idle    chan struct{} // closed when Close has begun and nothing runs any more
	ended   chan struct{} // closed when Close ends

	mu      sync.Mutex // guards what follows; never held during a call to a Source or a Record
	flights map[string]*flight[R]
	unsaved map[string]*unsaved[R]
	running int // goroutines
	closed  bool
	over    bool
}

// slot is a record in memory. Its identity tells one record from the next.
type slot[R Record] struct {
	record  R
	unsaved atomic.Bool
}

// New returns an empty Cache. Close it.
func New[R Record](o Options) *Cache[R] {
	size := cmp.Or(max(o.Hot, 0), defaultHot)
	// lru.New fails for sizes below one only.
	hot, _ := lru.New[string, *slot[R]](size)
	failures, _ := lru.New[string, *failure](size)
	return &Cache[R]{
		patience: cmp.Or(max(o.Patience, 0), defaultPatience),
		limit:    cmp.Or(max(o.Limit, 0), defaultLimit),
		hot:      hot,
		failures: failures,
		closing:  make(chan struct{}),
		idle:     make(chan struct{}),
		ended:    make(chan struct{}),
		flights:  map[string]*flight[R]{},
		unsaved:  map[string]*unsaved[R]{},
	}
}

// Get returns a record that satisfies need: from memory where it can, else from
// storage, else minted and saved before anybody is answered.
//
// Errors: ErrEmptyKey; ctx.Err(); ErrInProgress; ErrClosed; ErrForgotten;
// ErrChanged; ErrExpired; ErrPanic; *RememberedError; what Ready, Load or Mint returned.
func (c *Cache[R]) Get(ctx context.Context, key string, need Need, src Source[R]) (Answer[R], error) {
	if key == "" {
		return Answer[R]{}, ErrEmptyKey
	}
	if answer, ok := c.fromMemory(key, need); ok {
		return answer, nil
	}
	return c.obtain(ctx, order[R]{key: key, need: need, src: src})
}

// Renew replaces the key's record now, even a fresh one, and clears the
// remembered failure first. wanted is asked with the current record, if that is
// usable, and asked again whenever a newer one may be there: false means that
// somebody has replaced it already, and it is the answer. So a storm of reports
// about one rejected token costs one exchange. A nil wanted always wants. If a mint
// is on its way when Renew is called, its record is the replacement.
//
// Errors are those of Get, without *RememberedError.
func (c *Cache[R]) Renew(ctx context.Context, key string, need Need, src Source[R], wanted func(held R) bool) (Answer[R], error) {
	if key == "" {
		return Answer[R]{}, ErrEmptyKey
	}
	if wanted == nil {
		wanted = func(R) bool { return true }
	}
	c.retryNow(key)
	var answer Answer[R]
	err := guarded(func() (err error) { // wanted may panic here as in a flight
		answer, err = c.obtain(ctx, order[R]{key: key, need: need, src: src, wanted: wanted})
		return err
	})
	return answer, err
}

// fromMemory answers with the record in memory if it is usable. It waits on
// nothing and allocates nothing.
func (c *Cache[R]) fromMemory(key string, need Need) (Answer[R], bool) {
	s := c.inMemory(key)
	if s == nil {
		return Answer[R]{}, false
	}
	state := stateFor(s.record, need, time.Now())
	if state == Expired {
		return Answer[R]{}, false
	}
	return c.answer(key, s, state, need), true
}

// inMemory returns the key's record in memory, or nil. One that is not saved
// yet may have been evicted from hot, never from unsaved.
func (c *Cache[R]) inMemory(key string) *slot[R] {
	if s, ok := c.hot.Get(key); ok {
		return s
	}
	s, _ := c.pending(key)
	return s
}

// answer is the ordinary one: a Due record carries the failure of its last renewal.
func (c *Cache[R]) answer(key string, s *slot[R], state State, need Need) Answer[R] {
	a := Answer[R]{Record: s.record, State: state, Unsaved: s.unsaved.Load()}
	if state == Due {
		if m, ok := c.failures.Peek(key); ok && m.revision == need.Revision {
			a.Stale = &m.RememberedError
		}
	}
	return a
}

// stateFor is what a cached record is worth to a reader.
func stateFor[R Record](r R, need Need, now time.Time) State {
	if r.UseOnce() || !r.Matches(need.Fingerprint) {
		return Expired
	}
	life := r.Life()
	return life.State(now, need.MinTTLFor(life.span()))
}
