// SPDX-License-Identifier: MPL-2.0

// Command vault-plugin-secrets-oauth is the plugin that Vault starts.
package main

import (
	"io"
	"log"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	oauthsecrets "github.com/seed-6323ea89/vault-plugin-secrets-oauth"
)

// version is set when the plugin is built; Vault wants the form v1.2.3.
var version string

func main() {
	// net/http prints bytes that a server sends past its Content-Length with
	// the standard logger, and they may be the tail of a token.
	log.SetOutput(io.Discard)

	logger := hclog.New(&hclog.LoggerOptions{})
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		logger.Error("the arguments cannot be read", "error", err)
		os.Exit(2)
	}
	err := plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: oauthsecrets.Factory(version),
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
		Logger:             logger,
	})
	if err != nil {
		logger.Error("the plugin ends", "error", err)
		os.Exit(1)
	}
}
