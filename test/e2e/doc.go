// SPDX-License-Identifier: MPL-2.0

// Package e2e holds stories: scripts that use the engine as an operator and an application would, in a real Vault and against
// authorization servers that were not written with it. README.md says how to run them and lists their commands.
package e2e
