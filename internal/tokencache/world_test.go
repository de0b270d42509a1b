// SPDX-License-Identifier: MPL-2.0

package tokencache

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// token is the Record of the tests. Its numbers are the server's: each mint has
// an id of its own, so that two tokens can be told apart.
type token struct {
	id   int
	life Life
	fp   string
	once bool
}

func (t *token) Life() Life                      { return t.life }
func (t *token) Matches(fingerprint string) bool { return t.fp == fingerprint }
func (t *token) UseOnce() bool                   { return t.once }

var (
	errDown     = errors.New("server is down")
	errStorage  = errors.New("storage is down")
	errReadOnly = errors.New("read-only")
)

const hour = time.Hour

// world is one key's server and storage, counting what reaches them.
type world struct {
	t  *testing.T
	mu sync.Mutex // guards all of it

	stored              *token
	loads, mints, saves int
	held                []*token // what each Mint was given
	busy                int      // calls of the Source now
	behaviour
}

// behaviour of a world. A function that is set runs before the ordinary call.
type behaviour struct {
	life     time.Duration // of new tokens
	fp       string        // of new tokens
	once     bool
	keep     func(ctx context.Context, held *token) error // what Mint keeps before anything else
	mint     func(ctx context.Context, t *token) error
	load     func(ctx context.Context) error
	save     func(ctx context.Context, t *token) error
	ready    func() error
	remember func(err error, attempt int) time.Duration
}

// change is for what changes while goroutines of the cache may run.
func (w *world) change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func newToken(id int, life time.Duration, fp string) *token {
	now := time.Now().Round(0)
	return &token{id: id, fp: fp, life: Life{Issued: now, RenewAt: RenewAt(now, now.Add(life), 0.5), Expires: now.Add(life)}}
}

// enter checks the promise that one goroutine at a time uses a key's Source.
func (w *world) enter(count *int) (b behaviour, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy++; w.busy > 1 {
		w.t.Error("two calls of one key's Source at a time")
	}
	*count++
	return w.behaviour, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy--
	}
}

func (w *world) source() Source[*token] {
	var others int
	return Source[*token]{
		Load: w.loadToken,
		Mint: w.mintToken,
		Save: w.saveToken,
		Ready: func() error {
			b, leave := w.enter(&others)
			defer leave()
			if b.ready != nil {
				return b.ready()
			}
			return nil
		},
		Remember: func(err error, attempt int) time.Duration {
			b, leave := w.enter(&others)
			defer leave()
			if b.remember != nil {
				return b.remember(err, attempt)
			}
			return 0
		},
	}
}

func (w *world) loadToken(ctx context.Context) (*token, bool, error) {
	b, leave := w.enter(&w.loads)
	defer leave()
	if b.load != nil {
		if err := b.load(ctx); err != nil {
			return nil, false, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored, w.stored != nil, nil
}

func (w *world) mintToken(ctx context.Context, held *token, has bool, fenced Fenced) (*token, error) {
	b, leave := w.enter(&w.mints)
	defer leave()
	if has != (held != nil) {
		w.t.Errorf("Mint got held %v with has %v", held, has)
	}
	w.mu.Lock()
	w.held = append(w.held, held)
	t := newToken(w.mints, b.life, b.fp)
	w.mu.Unlock()
	t.once = b.once
	if b.keep != nil {
		if err := fenced(func(ctx context.Context) error { return b.keep(ctx, held) }); err != nil {
			return nil, err
		}
	}
	if b.mint != nil {
		if err := b.mint(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (w *world) saveToken(ctx context.Context, t *token) error {
	b, leave := w.enter(&w.saves)
	defer leave()
	if b.save != nil {
		if err := b.save(ctx, t); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stored = t
	return nil
}

// counts compares the calls so far.
func (w *world) counts(loads, mints, saves int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loads != loads || w.mints != mints || w.saves != saves {
		w.t.Errorf("loads, mints, saves = %d, %d, %d; want %d, %d, %d", w.loads, w.mints, w.saves, loads, mints, saves)
	}
}

func (w *world) storedID() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stored == nil {
		return 0
	}
	return w.stored.id
}

var v1 = Need{Fingerprint: "v1", Revision: "t1"}

func newWorld(t *testing.T) *world {
	return &world{t: t, behaviour: behaviour{life: hour, fp: "v1"}}
}

// story runs a test in a bubble of its own time, with one key's world. Leaving a
// goroutine behind fails it.
func story(t *testing.T, o Options, tell func(t *testing.T, c *Cache[*token], w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New[*token](o)
		defer c.Close(t.Context())
		tell(t, c, newWorld(t))
	})
}

// later is an answer on its way.
type later struct {
	done   chan struct{}
	answer Answer[*token]
	err    error
	at     time.Time
}

func (l *later) get() (Answer[*token], error) {
	<-l.done
	return l.answer, l.err
}

func async(call func() (Answer[*token], error)) *later {
	l := &later{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.answer, l.err = call()
		l.at = time.Now()
	}()
	return l
}

func get(c *Cache[*token], w *world, need Need) *later {
	return async(func() (Answer[*token], error) { return c.Get(context.Background(), "k", need, w.source()) })
}

func renew(c *Cache[*token], w *world, need Need, wanted func(*token) bool) *later {
	return async(func() (Answer[*token], error) {
		return c.Renew(context.Background(), "k", need, w.source(), wanted)
	})
}

// mustGet expects a token with this id, in good order.
func mustGet(t *testing.T, c *Cache[*token], w *world, need Need, id int) Answer[*token] {
	t.Helper()
	a, err := get(c, w, need).get()
	wantToken(t, a, err, id)
	if a.Stale != nil {
		t.Errorf("Stale = %v", a.Stale)
	}
	return a
}

func wantToken(t *testing.T, a Answer[*token], err error, id int) {
	t.Helper()
	if err != nil {
		t.Fatalf("error %v, want token %d", err, id)
	}
	if a.Record.id != id {
		t.Errorf("token %d, want %d", a.Record.id, id)
	}
}

// memory returns what the cache has of the key, usable or not, without asking its Source.
func memory(c *Cache[*token], key string) (*token, bool) {
	if s := c.inMemory(key); s != nil {
		return s.record, true
	}
	return nil, false
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// gate holds calls until it is opened, or their context ends.
type gate chan struct{}

func (g gate) wait(ctx context.Context, _ *token) error {
	select {
	case <-g:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
