// SPDX-License-Identifier: MPL-2.0

// Package vaulttest starts a Vault as a process, with the plugin built from a checkout: for the stories (test/e2e), the benchmark
// (test/bench) and the soak (test/soak). It returns errors and takes writers, since two of the three are commands.
package vaulttest

import "time"

const (
	// PluginName is the plugin's file and its name in Vault's catalog.
	PluginName = "vault-plugin-secrets-oauth"
	// RootToken is the root token of a Vault in dev mode.
	RootToken = "root"
	// Patience is how long a process may take to start, to answer or to end. It is no assertion about speed: a loaded
	// machine may need most of it.
	Patience = 90 * time.Second
)
