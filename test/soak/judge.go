// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// verdict is all that is made of a book.
type verdict struct {
	summary
	losses  []loss
	reuses  []reuse
	endings []ending
	leaks   []string
	reasons map[string]int // of reads that failed and should not have
}

// judge makes a verdict of what was seen. It changes nothing.
func judge(b *book, endings []ending, leaks []string, l limits) *verdict {
	v := &verdict{losses: b.losses(l), reuses: b.reuses(l), endings: endings, leaks: leaks, reasons: map[string]int{}}
	v.Exchanges, v.Refused = map[string]int{}, map[string]int{}
	for _, e := range b.exchanges {
		v.Exchanges[e.GrantType]++
		if e.Status != 200 {
			v.Refused[e.GrantType]++
		}
	}
	for _, n := range b.reads {
		v.Reads += n
	}
	v.Expired, v.Checked, v.Unchecked, v.Leaks = len(b.expired), b.checks, b.unchecked, len(leaks)
	v.judgeKills(b, l)
	v.judgeEndings()
	v.judgeFailures(b, l)
	v.judgeRefusals(b, l)
	v.count()
	v.accuse(l)
	return v
}

func (v *verdict) judgeKills(b *book, l limits) {
	var back, elected []float64
	for _, k := range b.kills {
		if k.Processes == 0 {
			continue
		}
		if k.Leader != "" {
			v.judgeLeader(k)
		} else {
			v.Kills++
		}
		if k.Aimed && k.Leader == "" {
			v.Aimed++
		}
		switch {
		case k.Back.IsZero():
		case k.Leader != "":
			elected = append(elected, k.Back.Sub(k.Gone).Seconds())
		default:
			back = append(back, k.Back.Sub(k.Gone).Seconds())
		}
	}
	v.Back, v.LeaderBack = spanOf(back), spanOf(elected)
	for _, same := range b.uses(l) {
		for _, u := range same {
			if u.good && u.cut != nil && !u.stored {
				v.CutOff++
			}
		}
	}
}

// judgeEndings adds the losses that the provider does not know of: the grant is alive, and the engine has given it up.
func (v *verdict) judgeEndings() {
	for _, e := range v.endings {
		v.Roles++
		if e.Healthy {
			v.Healthy++
		} else if e.Flow == refreshTokens && v.lossOf(e.Role, time.Time{}) == nil {
			v.losses = append(v.losses, loss{Role: e.Role, Why: "the role has no token at the end, and the provider still has the grant: " + e.Why})
		}
	}
}

// lossOf returns the role's last loss up to an instant, which is the end if it is zero.
func (v *verdict) lossOf(role string, until time.Time) *loss {
	for i := len(v.losses) - 1; i >= 0; i-- {
		if l := &v.losses[i]; l.Role == role && (until.IsZero() || !l.At.After(until)) {
			return l
		}
	}
	return nil
}

// excused tells whether a loss explains what was seen of a role between two instants: for ever where somebody has to consent
// again, for a while where the engine logs in again.
func (v *verdict) excused(role string, start, end time.Time, l limits) bool {
	lost := v.lossOf(role, end)
	again := slices.ContainsFunc(v.endings, func(e ending) bool { return e.Role == role && e.Flow == passwords })
	return lost != nil && (!again || start.Before(lost.At.Add(l.recovery)))
}

func (v *verdict) judgeFailures(b *book, l limits) {
	cut := map[string][]kill{} // by role
	for _, same := range b.uses(l) {
		for _, u := range same {
			if u.cut != nil && !u.stored {
				cut[u.Account] = append(cut[u.Account], *u.cut)
			}
		}
	}
	for _, f := range b.failures {
		switch {
		case (f.Status >= 500 || f.Status == 0) && f.near(b.leaders(), l.election):
			v.MetLoss++
		case f.Status >= 500 && f.near(b.kills, l.outage):
			v.MetKill++
		case f.Status >= 500 && (f.near(cut[f.Role], l.recovery) || v.refreshes(f.Role) && f.near(b.firstKill(f), l.recovery)):
			v.Waiting++
		case f.Status > 0 && v.excused(f.Role, f.Start, f.End, l):
			v.OfLost++
		default:
			v.Failed++
			v.reasons[fmt.Sprintf("%s/%s: %d %s", f.Path, f.Role, f.Status, f.Reason)]++
		}
	}
}

// refreshes tells whether the role has refresh tokens.
func (v *verdict) refreshes(role string) bool {
	return slices.ContainsFunc(v.endings, func(e ending) bool {
		return e.Role == role && (e.Flow == refreshTokens || e.Flow == passwords)
	})
}

// firstKill is the first one since the role was last read with success. A kill between the engine's word that it is about to send
// a refresh token and its POST has the engine wait as well, and the provider knows nothing of it.
func (b *book) firstKill(f failure) []kill {
	var last time.Time
	for _, good := range b.good[f.Role] {
		if good.Before(f.End) {
			last = good
		}
	}
	for i, k := range b.kills {
		if k.Processes > 0 && !k.Gone.Before(last) {
			return b.kills[i : i+1]
		}
	}
	return nil
}

// near tells whether one of the kills lies within the read, or not longer than limit before it.
func (f failure) near(kills []kill, limit time.Duration) bool {
	return slices.ContainsFunc(kills, func(k kill) bool {
		return !k.At.After(f.End) && !f.Start.After(k.Gone.Add(limit))
	})
}

func (v *verdict) judgeRefusals(b *book, l limits) {
	for _, r := range b.refusals {
		switch {
		case r.Wrong:
			v.OfAnother++
		case v.excused(r.Role, r.At, r.At, l):
			v.OfRevoked++
		default:
			v.NotAccepted++
		}
	}
}

func (v *verdict) count() {
	v.Lost, v.Reuses = len(v.losses), len(v.reuses)
	for _, l := range v.losses {
		switch {
		case !l.Explained:
			v.Unexplained++
		case l.Avoidable:
			v.Avoidable++
		default:
			v.Explained++
		}
	}
	for _, r := range v.reuses {
		if !r.Explained {
			v.OddReuses++
		}
	}
}

// accuse lists what must not be.
func (v *verdict) accuse(l limits) {
	v.Violations = []string{}
	none := func(n int, what string) {
		if n > 0 {
			v.Violations = append(v.Violations, fmt.Sprintf("%d %s", n, what))
		}
	}
	none(v.Expired, "expired tokens served")
	none(v.NotAccepted, "tokens served that their issuer does not accept")
	none(v.OfAnother, "tokens served that belong to another role")
	none(v.Unexplained, "refresh grants lost without a kill that explains it")
	none(v.OddReuses, "refresh tokens used twice without a kill that explains it")
	none(v.Failed, "reads failed that no kill and no loss explains")
	none(v.Leaks, "secrets found in logs")
	if l.strict {
		none(v.Avoidable, "refresh grants lost though the plugin was back within the grace (-strict=false allows them)")
	}
	sick := 0
	for _, e := range v.endings {
		if !e.Healthy && v.lossOf(e.Role, time.Time{}) == nil {
			sick++
		}
	}
	none(sick, "roles without a token at the end, for no loss")
	if l.deposing && v.StepDowns+v.Crashes == 0 {
		v.Violations = append(v.Violations, "nothing was proved: no leader was lost")
	}
	if v.Reads == 0 || v.Checked == 0 || v.Kills == 0 && l.killing {
		v.Violations = append(v.Violations, "nothing was proved: no reads, no tokens checked or no kills")
	}
}
