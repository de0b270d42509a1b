// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// key packs a world into what is worth remembering of it: two worlds with one
// key have one future. What nothing will look at any more is left out.
type key []byte

func (k *key) flags(flags ...bool) {
	var bits byte
	for i, f := range flags {
		if f {
			bits |= 1 << i
		}
	}
	*k = append(*k, bits)
}

func (k *key) numbers(numbers ...int8) {
	for _, n := range numbers {
		*k = append(*k, byte(n))
	}
}

// duration packs whole seconds; the model has no others but one nanosecond.
func (k *key) duration(d time.Duration) {
	if d%time.Second != 0 && d != time.Nanosecond || d > 30000*time.Second || d < -time.Second {
		panic("an instant that the key cannot hold: " + d.String())
	}
	n := d / time.Second
	if d == time.Nanosecond {
		n = -2
	}
	*k = append(*k, byte(n), byte(n>>8))
}

func (k *key) instant(t time.Time) {
	if t.IsZero() {
		*k = append(*k, 0xff, 0x7f)
		return
	}
	k.duration(t.Sub(start))
}

func (k *key) state(s State) {
	if s.Token != (Limit{}) || s.Session != (Limit{}) {
		panic("the key leaves limits out")
	}
	text := func(t string) {
		if t += "\x00"; len(t) > 1 {
			t = t[:1]
		}
		*k = append(*k, t...)
	}
	*k = append(*k, byte(s.Generation), byte(s.Turn))
	text(s.Current.Reveal())
	text(s.Previous.Reveal())
	text(s.Intent.By)
	text(string(s.Lost.Reason))
	k.instant(s.Intent.PostBefore)
	k.instant(s.Suspect.Since)
	k.instant(s.Lost.Since)
	k.flags(s.Intent.Other, s.Suspect.OtherTried)
}

func (k *key) attempt(a Attempt) {
	k.state(a.state)
	k.numbers(int8(a.doing), int8(a.late), int8(a.unanswered))
	k.flags(a.dirty)
	for _, t := range []time.Time{a.clear, a.firstTime, a.retryAt, a.refusedAt} {
		k.instant(t)
	}
	switch a.doing {
	case Write:
		k.state(a.before)
		k.instant(a.intended)
	case Post:
		k.instant(a.intended)
	case Wait:
		k.instant(a.until)
	}
}

func (k *key) node(n node) {
	k.numbers(int8(n.life), int8(n.kind), n.token, n.heir, n.tries)
	k.flags(n.sent, n.acted, n.ok, n.saving, n.looked, n.unsaved)
	if n.life == absent {
		return
	}
	k.duration(n.sentAt)
	k.duration(n.saveAt)
	if n.life == running && !n.saving {
		k.attempt(n.attempt)
	}
	if n.saving || n.kind != 0 {
		k.state(n.result)
		k.state(n.merged)
	}
}

func (x setting) key(w world) string {
	k := make(key, 0, 400)
	k.duration(w.now)
	k.state(w.stored)
	s := w.server
	k.numbers(s.current, s.next)
	k.flags(s.dead, s.refusedVoid, w.handover, w.lateIntent, w.lateSave, w.parallel, w.wentBack, w.lost)
	for i := range s.next + 1 {
		k.duration(s.used[i])
		k.numbers(s.heir[i])
		k.flags(s.void[i])
	}
	for _, n := range w.nodes {
		k.node(n)
	}
	if x.frozen {
		k.state(w.before)
	}
	k.numbers(w.budget.crashes, w.budget.writes, w.budget.answers, w.budget.stale, w.budget.delays)
	return string(k)
}

// TestKeyIsComplete fails when a field appears that the key does not know of.
func TestKeyIsComplete(t *testing.T) {
	for value, fields := range map[any]int{
		State{}: 9, Intent{}: 3, Suspect{}: 2, Lost{}: 2, Attempt{}: 13, Options{}: 3,
		node{}: 16, server{}: 7, world{}: 12, budget{}: 5,
	} {
		require.Equal(t, fields, reflect.TypeOf(value).NumField(), "%T", value)
	}
}
