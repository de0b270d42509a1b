// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// note adds to each ending what the engine says about the role.
func (s *stage) note(ctx context.Context, endings []ending) error {
	all, each, err := s.statuses(ctx)
	if err != nil {
		return err
	}
	for i := range endings {
		data := each[endings[i].Role].Data
		endings[i].Status = fmt.Sprintf("%v, generation %v, renewal %v", data["state"], data["generation"], data["renewal"])
		if failure := data["last_failure"]; failure != "" && failure != nil {
			endings[i].Status += fmt.Sprintf(", last failure: %v", failure)
		}
	}
	text, err := json.MarshalIndent(all.Data, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.vault.dir, "status.json"), append(text, '\n'), 0o600)
}

// write prints the table, what is to be said about single roles, and the JSON line; the same and more goes into files in dir.
func (v *verdict) write(stdout io.Writer, dir string) error {
	line, err := json.Marshal(v.summary)
	if err != nil {
		return err
	}
	for file, lines := range map[string]any{"losses.json": v.losses, "reuses.json": v.reuses, "roles.json": v.endings, "summary.json": v.summary, "leaks.json": v.leaks} {
		text, err := json.MarshalIndent(lines, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "%s%s%s\n", v.table(), v.details(), line)
	return err
}

func (v *verdict) table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(name string, value any, remark string) { fmt.Fprintf(w, "%s\t%v\t%s\n", name, value, remark) }
	row("duration", fmt.Sprintf("%.0f s", v.Duration), fmt.Sprintf("seed %d", v.Seed))
	row("kills", v.Kills, fmt.Sprintf("%d aimed; back after %.1f s, at most %.1f s", v.Aimed, v.Back.Median, v.Back.Max))
	losses := v.StepDowns + v.Crashes
	if losses > 0 {
		row("leaders lost", losses, fmt.Sprintf("%d by step-down, %d by SIGKILL; %d aimed; back after %.1f s, at most %.1f s",
			v.StepDowns, v.Crashes, v.LeaderAimed, v.LeaderBack.Median, v.LeaderBack.Max))
	}
	row("exchanges cut off", v.CutOff, "a kill between POST and stored answer")
	for _, grant := range slices.Sorted(maps.Keys(v.Exchanges)) {
		row("exchanges, "+grant, v.Exchanges[grant], fmt.Sprintf("%d refused", v.Refused[grant]))
	}
	row("reads", v.Reads, "")
	row("  met a kill", v.MetKill, "")
	if losses > 0 {
		row("  met the loss of a leader", v.MetLoss, "")
	}
	row("  waited for a cut-off exchange", v.Waiting, "")
	row("  of a role that lost its grant", v.OfLost, "")
	row("  failed otherwise", v.Failed, "must be 0")
	row("expired tokens served", v.Expired, "must be 0")
	row("tokens checked", v.Checked, fmt.Sprintf("%d more could not be", v.Unchecked))
	row("  not accepted", v.NotAccepted, "must be 0")
	row("  of a grant that was lost", v.OfRevoked, "")
	row("  of another role", v.OfAnother, "must be 0")
	row("refresh tokens used twice", v.Reuses, fmt.Sprintf("%d without a kill that explains it: must be 0", v.OddReuses))
	row("refresh grants lost", v.Lost, "")
	row("  explained", v.Explained, "by a kill, and the plugin was not back within the grace")
	row("  avoidable", v.Avoidable, "by a kill, and the plugin was back within the grace: must be 0")
	row("  unexplained", v.Unexplained, "must be 0")
	row("secrets found in logs", v.Leaks, "must be 0")
	row("roles healthy at the end", fmt.Sprintf("%d of %d", v.Healthy, v.Roles), "")
	w.Flush()
	return text.String()
}

// details says which, as far as there are few.
func (v *verdict) details() string {
	const few = 20
	var text strings.Builder
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&text, "\n%s\n", title)
		}
		for _, line := range lines[:min(few, len(lines))] {
			fmt.Fprintf(&text, "  %s\n", line)
		}
		if len(lines) > few {
			fmt.Fprintf(&text, "  and %d more\n", len(lines)-few)
		}
	}
	var lost, odd, sick []string
	for _, l := range v.losses {
		lost = append(lost, fmt.Sprintf("%s (%s): %s", l.Role, l.class(), l.Why))
	}
	for _, r := range v.reuses {
		if !r.Explained {
			odd = append(odd, fmt.Sprintf("%s, %.1f s after it was consumed: %s", r.Role, r.After, r.Why))
		}
	}
	for _, e := range v.endings {
		if !e.Healthy {
			sick = append(sick, fmt.Sprintf("%s (%s, %s), %d tries: %s [%s]", e.Role, e.Flow, e.Life, e.Tries, e.Why, e.Status))
		}
	}
	section("Refresh grants lost:", lost)
	section("Refresh tokens used twice, unexplained:", odd)
	section("Reads that failed otherwise:", worst(v.reasons, few))
	section("Roles without a token at the end:", sick)
	section("Secrets found:", v.leaks)
	section("Violations:", v.Violations)
	text.WriteByte('\n')
	return text.String()
}

func (lost *loss) class() string {
	switch {
	case !lost.Explained:
		return "UNEXPLAINED"
	case lost.Avoidable:
		return "AVOIDABLE"
	}
	return "explained"
}
