// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRefusals(t *testing.T) {
	s := tell(t, two(), Options{}, 0)
	s.write(0)
	s.post(0, "new")
	s.Refused(at(time.Second))
	s.read(time.Second)
	s.write(time.Second)
	s.post(time.Second, "old") // once
	s.Refused(at(2 * time.Second))
	s.read(2 * time.Second)
	s.write(2 * time.Second) // what has been learnt
	require.Equal(t, Suspected, s.stored.Health())
	require.Equal(t, at(61*time.Second), s.next(61*time.Second-ns, Wait).Until)

	s = tell(t, s.stored, Options{}, 60*time.Second) // a restart forgets none of it
	require.Equal(t, at(61*time.Second), s.next(61*time.Second-ns, Wait).Until)
	s.read(61 * time.Second)
	s.write(61 * time.Second)
	s.post(61*time.Second, "new")
	s.Refused(at(61 * time.Second))
	s.read(62 * time.Second)
	s.write(62 * time.Second)
	require.Equal(t, RefusedTwice, s.next(62*time.Second, Reauthorize).Reason)
	require.Equal(t, ReauthRequired, s.stored.Health())
	require.Equal(t, two().Current, s.stored.Current)
	require.Equal(t, two().Previous, s.stored.Previous)

	tell(t, s.stored, Options{}, time.Hour).next(time.Hour, Reauthorize)
	tell(t, s.stored, Options{Credentials: true}, time.Hour).next(time.Hour, LogIn)
	tell(t, s.stored.TryAgain(), Options{}, time.Hour).next(time.Hour, Write)
}

func TestRefusalWithCredentials(t *testing.T) {
	s := tell(t, two(), Options{Credentials: true}, 0)
	s.write(0)
	s.post(0, "new")
	s.Refused(at(0))
	s.read(0)
	s.write(0)
	s.next(0, LogIn)
	tell(t, s.stored, Options{Credentials: true}, time.Minute-ns).next(time.Minute-ns, LogIn)
	tell(t, s.stored, Options{Credentials: true}, time.Minute).next(time.Minute, Write) // if the login failed, too
}

func TestRefusalExplainedByStorage(t *testing.T) {
	s := tell(t, two(), Options{}, 0)
	s.write(0)
	s.Refused(at(0))
	s.stored = State{Generation: 8, Turn: 11, Current: "newest", Previous: "new"}
	s.read(0)
	s.next(0, Adopted)
	require.Equal(t, s.stored, s.State())

	s = tell(t, two(), Options{}, 0)
	s.write(0)
	s.Refused(at(0))
	s.stored.Turn++
	s.stored.Intent.By = "other" // it is asking right now
	s.read(0)
	s.next(13*time.Second-ns, Wait)

	s = tell(t, two(), Options{}, 0)
	s.write(0)
	s.Refused(at(0))
	s.Found(nil, at(0))
	s.next(0, Gone)
}

func TestWhatIsDeclinedIsNotSentAgain(t *testing.T) {
	for credentials, want := range map[bool]Kind{true: LogIn, false: Stop} {
		s := tell(t, two(), Options{Credentials: credentials}, 0)
		s.Declined() // nothing was sent yet
		s.write(0)
		s.Declined()
		s.write(0)
		s.next(0, want)
		require.Equal(t, Healthy, s.State().Health())
	}
}

func TestFailuresChangeNothing(t *testing.T) {
	s := tell(t, two(), Options{}, 0)
	s.write(0)
	s.Failed()
	s.write(0) // nobody has to wait for an answer
	s.next(0, Stop)
	got := s.State()
	got.Turn = 9
	require.Equal(t, two(), got)

	// An earlier POST may have been acted on all the same.
	unanswered := two()
	unanswered.Intent = Intent{PostBefore: at(-time.Minute), By: "another"}
	s = tell(t, unanswered, Options{}, 0)
	s.write(0)
	s.Failed()
	s.write(0)
	require.Equal(t, unanswered.Intent, s.State().Intent)
	s = tell(t, two(), Options{}, 0)
	s.write(0)
	s.Unanswered(at(0))
	s.read(2 * time.Second)
	s.write(2 * time.Second)
	s.Failed()
	s.next(2*time.Second, Stop)
	require.Equal(t, UnansweredPost, s.State().Health())

	s = tell(t, two(), Options{}, 0)
	s.write(0)
	s.Refused(at(0))
	s.Failed() // storage cannot be read, so the refusal proves nothing
	s.next(0, Stop)
	require.False(t, s.State().Suspect.is())
}
