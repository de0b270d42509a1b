#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Runs each fuzz target of the module for $FUZZTIME (60s), one after the other. Stops at the first that fails.
set -eu

cd "$(dirname "$0")/.."
count=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || :); do
		count=$((count + 1))
		echo "$package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" "$package"
	done
done
[ "$count" -gt 0 ] || { echo "There is no fuzz target." >&2; exit 1; }
echo "$count fuzz targets, ${FUZZTIME:-60s} each: nothing found."
