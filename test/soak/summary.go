// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
)

// ending is how a role was at the end.
type ending struct {
	Role    string `json:"role"`
	Flow    string `json:"flow"`
	Life    string `json:"life"`
	Healthy bool   `json:"healthy"`
	Tries   int    `json:"tries"`
	Why     string `json:"why,omitempty"`
	Status  string `json:"status,omitempty"` // what status/<role> says, in a few words
}

// summary is the JSON line. Times are seconds.
type summary struct {
	Seed     uint64  `json:"seed"`
	Duration float64 `json:"duration"`
	Kills    int     `json:"kills"`
	Aimed    int     `json:"kills_aimed"`
	CutOff   int     `json:"exchanges_cut_off"` // refreshes with a kill between POST and stored answer
	Back     span    `json:"back_after"`        // from a kill to the first answer to a read that began after it

	StepDowns   int  `json:"leader_step_downs,omitempty"`
	Crashes     int  `json:"leaders_killed,omitempty"`
	LeaderAimed int  `json:"leaders_lost_aimed,omitempty"`
	LeaderBack  span `json:"back_after_a_leader,omitzero"`
	MetLoss     int  `json:"reads_met_the_loss_of_a_leader,omitempty"`

	Reads       int            `json:"reads"`
	Exchanges   map[string]int `json:"exchanges"`
	Refused     map[string]int `json:"exchanges_refused"`
	MetKill     int            `json:"reads_met_a_kill"`
	Waiting     int            `json:"reads_waiting_for_a_cut_off_exchange"`
	OfLost      int            `json:"reads_of_a_lost_role"`
	Failed      int            `json:"reads_failed"`
	Expired     int            `json:"expired_served"`
	Checked     int            `json:"tokens_checked"`
	Unchecked   int            `json:"tokens_not_checked"` // the provider did not answer
	NotAccepted int            `json:"tokens_not_accepted"`
	OfRevoked   int            `json:"tokens_of_a_lost_grant"`
	OfAnother   int            `json:"tokens_of_another"`

	Roles       int `json:"roles"`
	Healthy     int `json:"roles_healthy"`
	Lost        int `json:"grants_lost"`
	Explained   int `json:"grants_lost_explained"` // by a kill that outlasted the grace
	Avoidable   int `json:"grants_lost_avoidable"` // by a kill, and the plugin was back before the grace was over
	Unexplained int `json:"grants_lost_unexplained"`
	Reuses      int `json:"reuses"`
	OddReuses   int `json:"reuses_unexplained"`
	Leaks       int `json:"secrets_found_in_logs"`

	Violations []string `json:"violations"`
}

// span is the middle and the end of a distribution.
type span struct {
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

func spanOf(all []float64) span {
	if len(all) == 0 {
		return span{}
	}
	slices.Sort(all)
	return span{all[len(all)/2], all[len(all)-1]}
}

// worst returns the entries with the highest counts, at most n.
func worst(counts map[string]int, n int) []string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%6d  %s", counts[name], name)
	}
	return names[:min(n, len(names))]
}
