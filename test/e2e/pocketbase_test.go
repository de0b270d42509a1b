// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

const pocketbaseURL = "POCKETBASE" // tools/pocketbase

// pocketbaseStart: pocketbase-start [flags of tools/pocketbase]
func pocketbaseStart(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	args = append(args, "-data", filepath.Join(s.dir, "pocketbase"), "-record", s.record())
	return s.serve(ts, pocketbaseURL, exec.Command(s.pocketbase, args...))
}

// pocketbaseCount: pocketbase-count N [auth-with-password|auth-refresh]
func pocketbaseCount(s *story, _ *testscript.TestScript, _ bool, args []string) error {
	return s.servers[pocketbaseURL].expect(args)
}
