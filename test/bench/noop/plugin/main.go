// SPDX-License-Identifier: MPL-2.0

// Command plugin serves the engine that does nothing, in the way of the real one.
package main

import (
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/bench/noop"
)

func main() {
	logger := hclog.New(&hclog.LoggerOptions{})
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		logger.Error("the arguments cannot be read", "error", err)
		os.Exit(2)
	}
	err := plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: noop.Factory,
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
		Logger:             logger,
	})
	if err != nil {
		logger.Error("the plugin ends", "error", err)
		os.Exit(1)
	}
}
