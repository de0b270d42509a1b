// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// pluginBuild: plugin-build VERSION FILE
// builds the plugin as another version. A story that begins with it gets a plugin directory of its own, $PLUGIN_DIR, to copy it to.
func pluginBuild(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: plugin-build VERSION FILE")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	if s.vault == nil {
		if err := s.ownPlugins(ts); err != nil {
			return err
		}
		ts.Setenv("SCRIPTS", filepath.Join(root, "scripts"))
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-X main.version="+args[0], "-o", ts.MkAbs(args[1]), "./cmd/"+pluginName)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return cmd.Run()
}

// ownPlugins gives the story a plugin directory that no other story sees, with a link to the plugin that Vault starts with.
func (s *story) ownPlugins(ts *testscript.TestScript) error {
	dir, err := filepath.EvalSymlinks(s.dir) // as in buildVault
	if err != nil {
		return err
	}
	own := *s.parts
	own.pluginDir = filepath.Join(dir, "plugins")
	if err := os.MkdirAll(own.pluginDir, 0o700); err != nil {
		return err
	}
	err = os.Link(filepath.Join(s.parts.pluginDir, pluginName), filepath.Join(own.pluginDir, pluginName))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	s.parts = &own
	ts.Setenv("PLUGIN_DIR", own.pluginDir)
	return nil
}
