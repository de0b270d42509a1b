// SPDX-License-Identifier: MPL-2.0

package rotation

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func tokenOf(text string) secret.String { return secret.String(text) }

const hour = time.Hour

func TestSessionEndsWithALogInAheadOfIt(t *testing.T) {
	for roll, due := range map[float64]time.Duration{0: 36 * hour, 0.5: 38*hour + 15*time.Minute, 1: 40*hour + 30*time.Minute, math.NaN(): 36 * hour, -1: 36 * hour, 2: 40*hour + 30*time.Minute} {
		s := State{Generation: 3}.Granted(Grant{RefreshToken: "a", Issued: at(0), SessionEnds: at(45 * hour), Roll: roll})
		require.Equal(t, uint64(4), s.Generation)
		require.Equal(t, at(due), s.RenewBy(true))
		tell(t, s, Options{Credentials: true}, due-ns).next(due-ns, Write)
		tell(t, s, Options{Credentials: true}, due).next(due, LogIn)
		for _, now := range []time.Duration{due - ns, due, 45 * hour, 450 * hour} { // the clock alone takes nothing away
			tell(t, s, Options{}, now).next(now, Write)
			ends, soon := s.EndsSoon(at(now))
			require.Equal(t, at(45*hour), ends)
			require.Equal(t, now >= due, soon)
		}
	}
}

// A refresh token that dies twelve hours after the login, whatever is done with
// it: the server says so with every answer, or only with the first.
func TestFixedEnd(t *testing.T) {
	for _, again := range []time.Time{{}, at(12 * hour), at(12*hour + time.Second)} {
		s := State{}.Granted(Grant{RefreshToken: "a", Issued: at(0), Ends: at(12 * hour), Roll: 0})
		for now := hour; now < 9*hour; now += hour {
			a := tell(t, s, Options{Credentials: true, Roll: 0.9}, now)
			a.write(now)
			a.Answered(Answer{Ends: again}, at(now))
			s = a.State()
			require.True(t, s.Token.Fixed)
			require.Zero(t, s.RenewBy(false))
		}
		due := 9*hour + 36*time.Minute
		require.Equal(t, at(due), s.RenewBy(true))
		tell(t, s, Options{Credentials: true}, due-ns).next(due-ns, Write)
		tell(t, s, Options{Credentials: true}, due).next(due, LogIn)
	}
}

func TestSlidingEnd(t *testing.T) {
	s := State{}.Granted(Grant{RefreshToken: "a", Issued: at(0), Ends: at(12 * hour)})
	due := 9*hour + 36*time.Minute
	require.Equal(t, at(due), s.RenewBy(false))
	a := tell(t, s, Options{Credentials: true}, 11*hour) // exercised, although a login is possible
	a.write(11 * hour)
	a.Answered(Answer{RefreshToken: "b", Ends: at(23 * hour)}, at(11*hour))
	require.Equal(t, Limit{From: at(11 * hour), Ends: at(23 * hour), Due: at(11*hour + due)}, a.State().Token)
	tell(t, s, Options{Credentials: true}, 12*hour-ns).next(12*hour-ns, Write)
	tell(t, s, Options{Credentials: true}, 12*hour).next(12*hour, LogIn)
}

func TestRefusedAfterItsEnd(t *testing.T) {
	s := State{}.Granted(Grant{RefreshToken: "a", Issued: at(0), Ends: at(hour)})
	s.Suspect.Since = at(2 * hour)
	a := tell(t, s, Options{}, 3*hour)
	a.write(3 * hour)
	a.Refused(at(3 * hour))
	a.read(3 * hour)
	a.write(3 * hour)
	require.Equal(t, Ended, a.next(3*hour, Reauthorize).Reason)
}

func TestWithoutAToken(t *testing.T) {
	require.Equal(t, NoRefreshToken, tell(t, State{}, Options{}, 0).next(0, Reauthorize).Reason)
	tell(t, State{}, Options{Credentials: true}, 0).next(0, LogIn)
	require.Equal(t, None, State{}.Health())
	require.Zero(t, State{}.RenewBy(false))
}

func TestOver(t *testing.T) {
	mine := State{Generation: 5, Turn: 8, Current: "mine", Previous: "base"}
	for _, c := range []struct {
		stored   State
		write    bool
		previous string
	}{
		{State{Generation: 4, Turn: 8, Current: "base"}, true, "base"},   // our own intent
		{State{Generation: 4, Turn: 9, Current: "base"}, true, "base"},   // another's, not answered yet
		{State{Generation: 5, Turn: 7, Current: "theirs"}, true, "base"}, // asked before us
		{State{Generation: 5, Turn: 9, Current: "theirs"}, false, ""},    // after us: their token is the later one
		{State{Generation: 6, Turn: 1, Current: "theirs"}, false, ""},
		{mine, true, "base"},
		{State{Generation: 5, Turn: 8, Current: "theirs"}, true, "theirs"},
	} {
		got, write := mine.Over(c.stored)
		require.Equal(t, c.write, write, "%+v", c.stored)
		if !write {
			require.Equal(t, c.stored, got)
			continue
		}
		require.Equal(t, mine.Current, got.Current)
		require.Equal(t, tokenOf(c.previous), got.Previous)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("a", "b", uint64(1), int64(5), true)
	f.Add("", "", uint64(0), int64(0), false)
	f.Add("\x00<&\u2028", "é", uint64(math.MaxUint64), int64(-1), true)
	f.Fuzz(func(t *testing.T, current, previous string, n uint64, nanos int64, flag bool) {
		s := State{
			Generation: n, Turn: n / 2, Current: validUTF8(current), Previous: validUTF8(previous),
			Token:   Limit{From: at(0), Ends: at(time.Duration(nanos % 1e18)), Due: at(1), Fixed: flag},
			Intent:  Intent{PostBefore: at(time.Duration(nanos % 1e18)), By: "me", Other: flag},
			Suspect: Suspect{Since: at(2), OtherTried: flag}, Lost: Lost{Since: at(3), Reason: Ended},
		}
		raw, err := json.Marshal(s.Stored())
		require.NoError(t, err)
		var got State
		require.NoError(t, json.Unmarshal(raw, &got))
		require.Equal(t, s, got)
		plain, err := json.Marshal(s)
		require.NoError(t, err)
		if len(current) > 12 {
			require.NotContains(t, string(plain), current)
		}
	})
}

func validUTF8(text string) secret.String { return tokenOf(string([]rune(text))) }

func TestJSONOfTheEmptyStateIsShort(t *testing.T) {
	raw, err := json.Marshal(State{}.Stored())
	require.NoError(t, err)
	require.JSONEq(t, `{"generation":0,"turn":0}`, string(raw))
}

// FuzzOrder tells an attempt anything at any time. It never panics, the counts
// never go back, and a token is dropped by an answer only.
func FuzzOrder(f *testing.F) {
	f.Add([]byte{0, 3, 0, 5, 2, 0, 5, 9, 70, 2, 0, 5, 2, 0})
	f.Add([]byte{0, 6, 40, 2, 0, 6, 40, 2, 0, 3})
	f.Fuzz(func(t *testing.T, events []byte) {
		now, answers := at(0), 0
		a := Begin(two(), Options{Instance: "me", Credentials: len(events)%2 == 0}, now)
		for _, e := range events {
			before := a.State()
			posting := a.posted() // also if the POST began in time and it is later now
			var found State
			switch e % 10 {
			case 0:
				a.Wrote(true)
			case 1:
				a.Wrote(false)
			case 2:
				a.Found(&before, now)
			case 3:
				answers++
				a.Answered(Answer{RefreshToken: tokenOf(string(rune('A' + answers)))}, now)
			case 4:
				a.Answered(Answer{}, now)
			case 5:
				a.Refused(now)
			case 6:
				a.Unanswered(now)
			case 7:
				a.Failed()
			case 8:
				found = before
				found.Turn, found.Intent = found.Turn+1, Intent{PostBefore: now.Add(PostWindow), By: "other"}
				a.Found(&found, now)
			default:
				now = now.Add(time.Duration(e) * 500 * time.Millisecond)
			}
			after := a.State()
			require.GreaterOrEqual(t, after.Generation, before.Generation)
			if after.Generation == before.Generation {
				require.Equal(t, before.Current, after.Current)
				require.Equal(t, before.Previous, after.Previous)
				continue
			}
			require.True(t, posting && (e%10 == 3 || e%10 == 4), "only an answer to a POST renews")
			require.Contains(t, []secret.String{after.Current, after.Previous}, before.token(), "what was sent is kept")
		}
	})
}
