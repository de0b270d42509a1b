// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// pluginBuild: plugin-build VERSION FILE
// builds the plugin as another version. A story that begins with it gets a plugin directory of its own, $PLUGIN_DIR, to copy it to.
func pluginBuild(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: plugin-build VERSION FILE")
	}
	c, err := vaulttest.FindCheckout(os.Stderr)
	if err != nil {
		return err
	}
	if s.vault == nil {
		if err := s.ownPlugins(ts); err != nil {
			return err
		}
		ts.Setenv("SCRIPTS", filepath.Join(c.Dir, "scripts"))
	}
	return c.BuildPlugin(context.Background(), ts.MkAbs(args[1]), args[0])
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
