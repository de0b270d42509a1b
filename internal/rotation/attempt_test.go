// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ns = time.Nanosecond

func at(d time.Duration) time.Time { return start.Add(d) }

// story drives one attempt by hand.
type story struct {
	t *testing.T
	*Attempt
	stored State
}

func tell(t *testing.T, s State, o Options, now time.Duration) *story {
	if o.Instance == "" {
		o.Instance = "me"
	}
	return &story{t, Begin(s, o, at(now)), s}
}

func (s *story) next(now time.Duration, want Kind) Step {
	s.t.Helper()
	step := s.Next(at(now))
	require.Equal(s.t, want.String(), step.Kind.String())
	return step
}

// write does what a working storage does.
func (s *story) write(now time.Duration) {
	s.t.Helper()
	s.next(now, Write)
	s.stored = s.State()
	s.Wrote(true)
}

func (s *story) read(now time.Duration) {
	s.t.Helper()
	s.next(now, Read)
	s.Found(&s.stored, at(now))
}

func (s *story) post(now time.Duration, token string) {
	s.t.Helper()
	require.Equal(s.t, token, s.next(now, Post).Token.Reveal())
}

func two() State { return State{Generation: 7, Turn: 9, Current: "new", Previous: "old"} }

func TestPostBeforeToTheNanosecond(t *testing.T) {
	s := tell(t, two(), Options{}, 0)
	s.write(0)
	require.Equal(t, at(3*time.Second), s.stored.Intent.PostBefore)
	require.Equal(t, uint64(10), s.stored.Turn)
	require.Equal(t, uint64(7), s.stored.Generation)
	require.Equal(t, s.stored.Intent.PostBefore, s.next(3*time.Second-ns, Post).Before)
	s.next(3*time.Second, Read)
	s.read(3 * time.Second) // late: a new intent
	s.write(3 * time.Second)
	s.read(6 * time.Second)
	s.write(6 * time.Second)
	s.next(9*time.Second, Stop) // storage is too slow
}

// The wall clock may be set back between intent and POST, and the monotonic one
// may have stood still.
func TestPostBeforeByBothClocks(t *testing.T) {
	now := time.Now()
	a := Begin(two(), Options{Instance: "me"}, now)
	a.Wrote(true)
	require.Equal(t, Post, a.Next(now.Add(PostWindow-ns)).Kind)
	a.state.Intent.PostBefore = wall(now).Add(time.Hour) // as after a step back by an hour
	require.Equal(t, Read, a.Next(now.Add(PostWindow)).Kind)
	a.state.Intent.PostBefore = wall(now).Add(PostWindow)
	require.Equal(t, Read, a.Next(wall(now).Add(time.Hour)).Kind) // as after a sleep
}

func TestNothingIsSentWithoutAnIntent(t *testing.T) {
	s := tell(t, two(), Options{}, 0)
	s.next(0, Write)
	s.Wrote(false)
	s.next(0, Stop)
	require.Equal(t, two(), s.State())
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ answer, current, previous string }{
		{"newer", "newer", "new"}, {"", "new", ""}, {"new", "new", ""},
	} {
		s := tell(t, two(), Options{}, 0)
		s.write(0)
		s.post(0, "new")
		s.Answered(Answer{RefreshToken: tokenOf(c.answer)}, at(0))
		s.next(0, Renewed)
		require.Equal(t, State{Generation: 8, Turn: 10, Current: tokenOf(c.current), Previous: tokenOf(c.previous)}, s.State())
	}
}

func TestUnansweredSendsTheSameAgain(t *testing.T) {
	for _, credentials := range []bool{false, true} {
		s := tell(t, two(), Options{Credentials: credentials}, 0)
		for i, wait := range []time.Duration{2 * time.Second, 8 * time.Second} {
			s.write(time.Duration(i) * 2 * time.Second)
			s.post(time.Duration(i)*2*time.Second, "new")
			s.Unanswered(at(time.Duration(i) * 2 * time.Second))
			require.Equal(t, at(wait), s.next(wait-ns, Wait).Until)
			s.read(wait)
		}
		s.write(8 * time.Second)
		s.post(8*time.Second, "new")
		s.Unanswered(at(9 * time.Second))
		s.next(9*time.Second, map[bool]Kind{false: Stop, true: LogIn}[credentials])
		require.Equal(t, two().Current, s.State().Current)
		require.Equal(t, UnansweredPost, s.State().Health())
	}
}

func TestUnreadable(t *testing.T) {
	for credentials, want := range map[bool]Kind{false: Wait, true: LogIn} {
		s := tell(t, two(), Options{Credentials: credentials}, 0)
		s.write(0)
		s.post(0, "new")
		s.Unreadable(at(0))
		s.next(0, want)
	}
}

func TestAnothersIntent(t *testing.T) {
	held := two()
	held.Intent = Intent{PostBefore: at(3 * time.Second), By: "other"}
	s := tell(t, held, Options{}, time.Second)
	require.Equal(t, at(13*time.Second), s.next(13*time.Second-ns, Wait).Until)
	s.read(13 * time.Second)
	s.write(13 * time.Second)
	s.post(13*time.Second, "new")

	newer := held
	newer.Generation++
	s = tell(t, held, Options{}, 0)
	s.next(13*time.Second, Read)
	s.Found(&newer, at(13*time.Second))
	s.next(13*time.Second, Adopted)
	require.Equal(t, newer, s.State())

	held.Intent.By = "me" // an earlier attempt of ours, which is over
	tell(t, held, Options{}, 0).next(0, Write)

	held.Intent = Intent{PostBefore: at(10 * 365 * 24 * time.Hour), By: "other"} // its clock ran ahead
	s = tell(t, held, Options{}, 0)
	s.write(0)
	require.Equal(t, at(3*time.Second), s.stored.Intent.PostBefore)
	require.Equal(t, at(13*time.Second), s.next(0, Wait).Until)
}

func TestAnothersIntentForThePreviousToken(t *testing.T) {
	held := two()
	held.Intent = Intent{PostBefore: at(0), By: "other", Other: true}
	held.Suspect = Suspect{Since: at(0), OtherTried: true}
	s := tell(t, held, Options{}, 10*time.Second)
	s.write(10 * time.Second)
	s.post(10*time.Second, "old")
	s.Answered(Answer{RefreshToken: "newest"}, at(11*time.Second))
	require.Equal(t, State{Generation: 8, Turn: 10, Current: "newest", Previous: "old"}, s.State())
}

// A suspicion from a clock that ran ahead must not hold up the second try.
func TestSuspicionFromTheFuture(t *testing.T) {
	held := State{Current: "a", Suspect: Suspect{Since: at(time.Hour)}}
	s := tell(t, held, Options{}, 0)
	s.write(0)
	require.Equal(t, at(0), s.stored.Suspect.Since)
	require.Equal(t, at(time.Minute), s.next(0, Wait).Until)
}

func TestNoTokenIsPrinted(t *testing.T) {
	a := Begin(State{Current: "canary", Previous: "canary"}, Options{}, at(0))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, a)+fmt.Sprintf(verb, *a)+fmt.Sprintf(verb, a.State()), "canary")
		require.NotContains(t, fmt.Sprintf(verb, a.State()), "63616e617279")
	}
}
