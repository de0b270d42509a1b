// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// built is what a run needs.
type built struct {
	vault   string // the vault binary
	plugins string // directory with the plugin in it and nothing else
	logins  string // the binary of tools/demo
}

// build makes it all in dir.
func build(ctx context.Context, o *options, dir string, progress io.Writer) (*built, error) {
	c, err := vaulttest.FindCheckout(progress)
	if err != nil {
		return nil, err
	}
	b := &built{plugins: filepath.Join(dir, "plugins"), logins: filepath.Join(dir, "authserver")}
	if err := os.Mkdir(b.plugins, 0o700); err != nil {
		return nil, err
	}
	plugin := filepath.Join(b.plugins, vaulttest.PluginName)
	if o.plugin != "" {
		err = copyFile(plugin, o.plugin)
	} else {
		err = c.BuildPlugin(ctx, plugin, "")
	}
	if err != nil {
		return nil, err
	}
	if err := c.Build(ctx, b.logins, "tools/demo"); err != nil {
		return nil, err
	}
	if err := c.InstallNPM(ctx, "test/e2e/oidc"); err != nil {
		return nil, err
	}
	b.vault, err = c.Vault(ctx)
	return b, err
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
