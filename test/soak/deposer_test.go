// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lose records the loss of a leader at ms, whose plugin is gone 500 ms later.
func (b *book) lose(how string, ms, back int64) *book {
	b.kills = append(b.kills, kill{At: instant(ms), Gone: instant(ms + 500), Processes: 1, Leader: how})
	if back > 0 {
		b.kills[len(b.kills)-1].Back = instant(back)
	}
	return b
}

func ofThree() limits {
	l := usual
	l.election, l.deposing = 20*time.Second, true
	return l
}

func TestLostLeadersAreCountedByThemselves(t *testing.T) {
	b := quiet().lose(stepDown, 2000, 4500).lose(crash, 9000, 21_500)
	v := judge(b.snapshot(), well, nil, ofThree())
	require.Empty(t, v.Violations)
	require.Equal(t, [...]int{1, 1, 1}, [...]int{v.Kills, v.StepDowns, v.Crashes})
	require.Equal(t, span{12, 12}, v.LeaderBack)
	require.InDelta(t, 0.298, v.Back.Max, 0.0001, "the plugin's kills have their own")
	require.Contains(t, v.table(), "1 by step-down, 1 by SIGKILL")
	require.Equal(t, []string{"nothing was proved: no leader was lost"}, judge(quiet().snapshot(), well, nil, ofThree()).Violations)
}

// One node says what it always said.
func TestOneNodeHasNoLeader(t *testing.T) {
	v := judge(quiet().snapshot(), well, nil, usual)
	require.NotContains(t, v.table(), "leader")
	line, err := json.Marshal(v.summary)
	require.NoError(t, err)
	require.NotContains(t, string(line), "leader")
}

// Nobody answers, or a standby says that it cannot: for as long as an election takes. A refusal is none of these.
func TestWhatALostLeaderExcuses(t *testing.T) {
	for _, how := range []string{stepDown, crash} {
		b := quiet().lose(how, 2000, 0)
		at := func(start int64, status int) {
			b.failed(failure{Role: "other", Path: "token", Start: instant(start), End: instant(start + 100), Status: status, Reason: "x"})
		}
		at(1950, 500)   // during it
		at(22_400, 0)   // within 20 s of its end
		at(22_400, 503) // the same
		at(22_600, 0)   // too late
		at(22_600, 503) // too late
		at(3000, 400)   // Vault answers, and refuses
		at(1000, 0)     // before
		v := judge(b.snapshot(), well, nil, ofThree())
		require.Equal(t, [...]int{3, 0, 4}, [...]int{v.MetLoss, v.MetKill, v.Failed}, how)
	}
	b := quiet()
	b.failed(failure{Role: "app", Path: "token", Start: instant(900), End: instant(1000), Reason: "connection refused"})
	require.Equal(t, 1, judge(b.snapshot(), well, nil, ofThree()).Failed, "the kill of a plugin leaves Vault there")
}

func TestALossOfTheLeaderExplainsALostGrant(t *testing.T) {
	chain := []exchange{refresh(1000, "1", "fresh", "2"), refresh(9000, "1", "late", "").again(1000)}
	for name, test := range map[string]struct {
		book                 *book
		explained, avoidable bool
	}{
		"while the provider answers":        {newBook().lose(crash, 1020, 7000), true, false},
		"and back within the grace":         {newBook().lose(crash, 1020, 3000), true, true},
		"its plugin goes during the POST":   {newBook().lose(stepDown, 700, 7000), true, false},
		"its plugin was gone":               {newBook().lose(stepDown, 400, 7000), false, false},
		"when the answer must be stored":    {newBook().lose(crash, 3200, 7000), false, false},
		"before the answer can be stored":   {newBook().lose(stepDown, 1400, 7000), true, false},
		"and a reader has its answer's one": {newBook().read(1100, "access of 2").lose(stepDown, 1400, 7000), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			losses := test.book.exchange(chain...).losses(ofThree())
			require.Len(t, losses, 1)
			require.Equal(t, test.explained, losses[0].Explained, losses[0].Why)
			require.Equal(t, test.avoidable, losses[0].Avoidable, losses[0].Why)
		})
	}
}

func TestParseNodes(t *testing.T) {
	o, err := parse([]string{"-stepdown", "5s"})
	require.NoError(t, err)
	require.False(t, o.deposing, "one node has nobody to take over")
	o, err = parse([]string{"-nodes", "3"})
	require.NoError(t, err)
	require.True(t, o.deposing)
	for _, bad := range [][]string{{"-nodes", "2"}, {"-nodes", "0"}, {"-stepdown", "-1s"}, {"-election", "-1s"}} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}
