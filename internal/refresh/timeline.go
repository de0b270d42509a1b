// SPDX-License-Identifier: MPL-2.0

package refresh

import (
	"math"
	"sync/atomic"
	"time"
)

// instant is a point of a timeline: the time since it began.
type instant = time.Duration

const (
	never = instant(math.MaxInt64)
	// leapAt is the difference between the clocks that counts as a leap.
	leapAt = time.Minute
	// farthest keeps sums of instants from overflowing.
	farthest = 40 * 365 * 24 * time.Hour
	// maxLeap is how far leaps may advance a timeline. Beyond it the timeline
	// follows the monotonic clock only.
	maxLeap = 4 * farthest
)

// timeline is the scheduler's own time. It never goes backwards, and advances
// with the faster of two clocks: the monotonic one, which a wrong wall clock
// does not touch, and the wall clock, which counts while a machine sleeps and
// by which tokens expire. A wall clock set forward makes due what is due by it;
// one set back postpones nothing.
type timeline struct {
	read func() (wall time.Time, mono time.Duration) // tests step the wall clock here, which synctest cannot
	last atomic.Pointer[moment]
	leap instant // what was due then or before is due because of a leap; guarded by the scheduler's mu
}

// moment is one instant on all clocks. It is immutable.
type moment struct {
	wall time.Time // without a monotonic reading
	mono time.Duration
	at   instant
}

func newTimeline() *timeline {
	began := time.Now()
	t := &timeline{leap: -1, read: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began)
	}}
	t.last.Store(&moment{wall: began.Round(0)})
	return t
}

// now reads the clocks and remembers what they show. The scheduler's mu must be held.
func (t *timeline) now() moment {
	next, leapt := t.last.Load().next(t.read())
	if leapt {
		t.leap = next.at
	}
	t.last.Store(&next)
	return next
}

// peek reads the clocks and remembers nothing. It needs no lock.
func (t *timeline) peek() moment {
	next, _ := t.last.Load().next(t.read())
	return next
}

// next tells also whether the wall clock leapt ahead of the monotonic one.
func (m moment) next(wall time.Time, mono time.Duration) (_ moment, leapt bool) {
	steady := max(0, mono-m.mono)
	passed := min(wall.Sub(m.wall), farthest)
	if m.at > maxLeap {
		passed = steady
	}
	return moment{wall: wall, mono: max(mono, m.mono), at: m.at + max(steady, passed)}, passed > steady+leapAt
}

// instant is where a wall-clock instant lies on the timeline.
func (m moment) instant(wall time.Time) instant {
	return m.at + max(-farthest, min(wall.Round(0).Sub(m.wall), farthest))
}

// after is instant for what was computed at issue. It is no later than if the
// token had been issued now: a token from the future was issued by a wrong clock.
func (m moment) after(issued, wall time.Time) instant {
	return min(m.instant(wall), m.at+max(0, min(wall.Sub(issued.Round(0)), farthest)))
}

// awake is where a wall-clock instant in the past lies on the monotonic clock.
// Reads are kept by it: what a clock leaps over, or a machine sleeps through,
// is no time in which somebody could have read and did not.
func (m moment) awake(wall time.Time) time.Duration {
	return m.mono + max(-farthest, min(wall.Round(0).Sub(m.wall), 0))
}

// whenAwake is the inverse.
func (m moment) whenAwake(mono time.Duration) time.Time { return m.wall.Add(mono - m.mono) }

// when is the wall-clock instant; zero for never.
func (m moment) when(at instant) time.Time {
	if at == never {
		return time.Time{}
	}
	return m.wall.Add(at - m.at)
}
