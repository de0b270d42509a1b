// SPDX-License-Identifier: MPL-2.0

//go:build tools

// Package tools pins the Vault that the demo and the end-to-end tests run against.
// scripts/vault.sh builds it.
package tools

import _ "github.com/hashicorp/vault"
