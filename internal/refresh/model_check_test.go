// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"context"
	"time"
)

// renew is Run: the server's answer, and what must hold whenever it is asked.
func (m *model) renew(ctx context.Context, key string) Outcome {
	began := time.Now()
	m.mu.Lock()
	r := m.roles[key]
	m.check(r, began)
	f, _ := r.server.fault(began.Sub(m.began))
	r.server.tries[f]++
	r.tries++
	m.busy++
	r.server.busy++
	r.server.most = max(r.server.most, r.server.busy)
	latency := time.Duration(50+m.rng.IntN(300)) * time.Millisecond
	luck := m.rng.IntN(10_000)
	retryAfter := time.Duration(m.rng.IntN(120)) * time.Second
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.busy--
		r.server.busy--
	}()

	switch f.kind {
	case refusing:
		return Outcome{Kind: Failed, Code: "unreachable"}
	case hanging:
		nap(ctx, 10*time.Second)
		return Outcome{Kind: Throttled, Code: "timeout"}
	case storming:
		nap(ctx, latency)
		m.mu.Lock()
		defer m.mu.Unlock()
		r.asked = time.Now()
		r.notBefore = r.asked.Add(retryAfter)
		return Outcome{Kind: Throttled, Code: "429", RetryAfter: retryAfter}
	case slow:
		latency += 2 * time.Second
	}
	if !nap(ctx, latency) {
		return Outcome{Kind: Failed}
	}
	switch {
	case luck < 10:
		panic("a secret")
	case luck < 40:
		m.mu.Lock()
		defer m.mu.Unlock()
		r.refused = true
		return Outcome{Kind: Stopped, Code: "invalid_grant"}
	case luck < 60:
		return Outcome{Kind: Refused, Code: "invalid_client"}
	}
	m.Put(m.jobFor(r, began))
	m.mu.Lock()
	defer m.mu.Unlock()
	r.ok++
	r.notBefore = time.Time{}
	return Outcome{Kind: Renewed}
}

// check is what must hold when a Run begins. (world.once sees that it is the
// key's only one.)
func (m *model) check(r *modelRole, now time.Time) {
	if m.busy >= 256 || r.server.busy >= 64 {
		m.t.Errorf("%s: begun beside %d, %d of them of its host", r.key, m.busy, r.server.busy)
	}
	if r.refused {
		m.t.Errorf("%s: asked though refused for good", r.key)
	}
	if r.policy == OnDemand || r.life < 45*time.Second {
		m.t.Errorf("%s: renewed, life %v, policy %v", r.key, r.life, r.policy)
	}
	if r.policy == Auto && now.Sub(r.read) > max(24*hour, 3*r.life)+time.Minute {
		m.t.Errorf("%s: renewed though nobody has read it for %v", r.key, now.Sub(r.read))
	}
	// A wall clock set forward brings forward what was waiting then.
	if r.put.After(m.stepped) && now.Before(r.due) {
		m.t.Errorf("%s: renewed %v ahead of its time", r.key, r.due.Sub(now))
	}
	if r.asked.After(m.stepped) && now.Before(r.notBefore) {
		m.t.Errorf("%s: renewed %v before the server's Retry-After", r.key, r.notBefore.Sub(now))
	}
}

// inspect looks for what should have been tried and was not: each hour, with
// what happens to other servers being no excuse.
func (m *model) inspect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if !m.stepped.IsZero() && now.Sub(m.stepped) < 5*time.Minute {
		return // what a leap has made due is being worked off
	}
	for _, r := range m.order {
		scheduled := r.policy != OnDemand && r.life >= 45*time.Second && (r.readers || r.policy == KeepWarm)
		late := now.Sub(r.due)
		if !scheduled || r.refused || late < 0 || !r.server.well(now.Sub(m.began)) {
			continue
		}
		status, known := m.Look(k(r.key))
		switch {
		case !known:
			m.t.Errorf("%s: lost", r.key)
		case status.Failures > 0: // it has been tried
		case late > time.Minute && r.tries == 0, late > 5*time.Second && now.Sub(m.began) > hour:
			m.t.Errorf("%s at %s: %v overdue and not tried: %+v", r.key, r.server.name, late, status)
		}
	}
}

// account checks sums at the end.
func (m *model) account() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.servers {
		m.t.Logf("%s: %d at once, tries by fault %v", s.name, s.most, s.tries)
		for f, n := range s.tries {
			length := time.Duration((f.to - f.from) * float64(hour))
			// A fault finds up to 64 under way; 20 in a row open the breaker.
			if most := 64 + 20 + int(length/(15*time.Second)) + 1; (f.kind == refusing || f.kind == hanging || f.kind == storming) && n > most {
				m.t.Errorf("%s: %d tries in %v of outage, %d at most", s.name, n, length, most)
			}
		}
		if s.most > 64 {
			m.t.Errorf("%s: %d at once", s.name, s.most)
		}
	}
	for _, r := range m.order {
		scheduled := r.policy != OnDemand && r.life >= 45*time.Second
		if scheduled && r.readers && r.ok == 0 && r.server.well(m.span) && !r.refused && m.span > r.life {
			m.t.Errorf("%s: never renewed in %d tries", r.key, r.tries)
		}
	}
}
