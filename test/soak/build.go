// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// built is what a run needs.
type built struct {
	vault   string // the vault binary
	plugins string // directory with the plugin in it and nothing else
	logins  string // the binary of tools/demo
}

// build makes it all in dir. It belongs into the repository's directory.
func build(ctx context.Context, o *options, dir string, progress io.Writer) (*built, error) {
	b := &built{plugins: filepath.Join(dir, "plugins"), logins: filepath.Join(dir, "authserver")}
	if err := os.Mkdir(b.plugins, 0o700); err != nil {
		return nil, err
	}
	plugin := filepath.Join(b.plugins, pluginName)
	if o.plugin != "" {
		if err := copyFile(plugin, o.plugin); err != nil {
			return nil, err
		}
	} else if _, err := output(ctx, progress, "go", "build", "-trimpath", "-o", plugin, "./cmd/"+pluginName); err != nil {
		return nil, err
	}
	if _, err := output(ctx, progress, "go", "build", "-C", filepath.Join("tools", "demo"), "-trimpath", "-o", b.logins, "."); err != nil {
		return nil, err
	}
	if _, err := output(ctx, progress, filepath.Join("scripts", "npm-ci.sh"), filepath.Join("test", "e2e", "oidc")); err != nil {
		return nil, err
	}
	vault, err := output(ctx, progress, filepath.Join("scripts", "vault.sh"))
	b.vault = strings.TrimSpace(vault)
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
