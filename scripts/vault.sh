#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Prints the path of a vault binary for the demo and the end-to-end tests: $VAULT_BIN, else vault from PATH
# (1.15 or later), else one built from the version pinned in tools/vault and kept in the user's cache directory.
set -eu

say() { printf '%s\n' "$*" >&2; }

# recent_enough BINARY: its version is 1.15 or later. "vault version" prints "Vault v1.21.2 (commit), built ...".
recent_enough() {
	v=$("$1" version 2>/dev/null | sed -n 's/^Vault v\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	[ -n "$v" ] || return 1
	[ "${v% *}" -gt 1 ] || { [ "${v% *}" -eq 1 ] && [ "${v#* }" -ge 15 ]; }
}

if [ -n "${VAULT_BIN:-}" ]; then
	recent_enough "$VAULT_BIN" || { say "VAULT_BIN=$VAULT_BIN is not a Vault of 1.15 or later."; exit 1; }
	echo "$VAULT_BIN"
	exit
fi
if found=$(command -v vault) && recent_enough "$found"; then
	echo "$found"
	exit
fi

pin=$(cd "$(dirname "$0")/../tools/vault" && pwd)
version=$(go list -C "$pin" -m -f '{{.Version}}' github.com/hashicorp/vault)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-oauth
binary=$cache/vault-$version
if recent_enough "$binary"; then
	echo "$binary"
	exit
fi

say "There is no vault command of 1.15 or later here: building Vault $version from its Go module."
say "This takes about ten minutes the first time, and no time after that. It is kept as $binary."
mkdir -p "$cache"
part=$binary.$$
go=
trap '[ -z "$go" ] || kill "$go" 2>/dev/null || :; rm -f "$part"' EXIT
trap 'exit 1' HUP INT TERM
# Tag minimal: server, CLI, agent, raft and kv, without the clouds' own engines.
CGO_ENABLED=0 go build -C "$pin" -tags minimal -ldflags '-s -w' -o "$part" github.com/hashicorp/vault >&2 &
go=$!
seconds=0
while kill -0 "$go" 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	[ $((seconds % 30)) -ne 0 ] || say "  still building Vault ($((seconds / 60)) min $((seconds % 60)) s)"
done
wait "$go"
go=
mv "$part" "$binary" # two builds at once each put a whole file there
say "Vault $version is built."
echo "$binary"
