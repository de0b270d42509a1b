// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// digest is how tokens are named in all that is written down; the provider names them alike.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])[:16]
}

// The ways to lose a leader.
const (
	stepDown = "step-down"
	crash    = "SIGKILL"
)

// kill is one of the plugin: of its processes alone, or with the leader that they run under.
type kill struct {
	At, Gone  time.Time // the signal, and the end of the process
	Processes int       // 0: there was none, since Vault had not started it again
	Leader    string    // how the leader was lost; empty: it was not
	Aimed     bool      // a refresh token had just been consumed
	Back      time.Time // the first answer to a read that began after Gone; zero: none yet
}

// reading is a read of token/ or creds/, as far as it was answered.
type reading struct {
	Role, Path string
	Start, End time.Time
	Access     string    // digest of the token
	Expires    time.Time // as the answer says, in whole seconds
}

// failure is a read without a token.
type failure struct {
	Role, Path string
	Start, End time.Time
	Status     int // 0: Vault did not answer
	Reason     string
}

// refusal is a token that was served, and whose issuer did not take it.
type refusal struct {
	Role   string
	At     time.Time
	Access string
	Wrong  bool // it is good, and another's
}

// book is what was seen. All of it is recorded while the soak runs, and judged at its end.
type book struct {
	mu        sync.Mutex // guards what follows
	kills     []kill
	exchanges []exchange
	revoked   []exchange
	reads     map[string]int         // by path
	served    map[string]time.Time   // access token -> when it was first served
	good      map[string][]time.Time // role -> when reads of it were answered with a token
	expired   []reading
	failures  []failure
	checks    int
	unchecked int // the provider did not answer
	refusals  []refusal
}

func newBook() *book {
	return &book{reads: map[string]int{}, served: map[string]time.Time{}, good: map[string][]time.Time{}}
}

// answered records a read. Its token had certainly expired if it had when the read began: expire_time is cut to seconds, so the
// second that it names must be over.
func (b *book) answered(r reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads[r.Path]++
	b.good[r.Role] = append(b.good[r.Role], r.End)
	if first, known := b.served[r.Access]; !known || r.End.Before(first) {
		b.served[r.Access] = r.End
	}
	if !r.Start.Before(r.Expires.Add(time.Second)) {
		b.expired = append(b.expired, r)
	}
	for i := len(b.kills) - 1; i >= 0 && b.kills[i].Back.IsZero(); i-- {
		if r.Start.After(b.kills[i].Gone) {
			b.kills[i].Back = r.End
		}
	}
}

func (b *book) failed(f failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads[f.Path]++
	b.failures = append(b.failures, f)
}

func (b *book) killed(k kill) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills = append(b.kills, k)
}

// checked records what became of a question to the issuer; refused is nil if all was well.
func (b *book) checked(refused *refusal, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil:
		b.unchecked++
	case refused != nil:
		b.refusals = append(b.refusals, *refused)
		fallthrough
	default:
		b.checks++
	}
}

// heard records a line of the provider's log.
func (b *book) heard(e exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Event {
	case "exchange":
		b.exchanges = append(b.exchanges, e)
	case "revoked":
		b.revoked = append(b.revoked, e)
	}
}

// snapshot puts exchanges and answers into the order of their times, for judge. Nothing may be recorded any more.
func (b *book) snapshot() *book {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &book{
		kills: slices.Clone(b.kills), exchanges: slices.Clone(b.exchanges), revoked: slices.Clone(b.revoked),
		reads: b.reads, served: b.served, good: b.good, expired: b.expired, failures: b.failures,
		checks: b.checks, unchecked: b.unchecked, refusals: b.refusals,
	}
	for _, times := range c.good {
		slices.SortFunc(times, time.Time.Compare)
	}
	slices.SortStableFunc(c.exchanges, func(a, b exchange) int { return int(a.In - b.In) })
	return c
}
