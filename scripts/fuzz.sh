#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Runs each fuzz target of the module for $FUZZTIME (60s), one after the other. Stops at the first that fails.
set -eu

cd "$(dirname "$0")/.."
count=0
packages=$(go list ./...)
for package in $packages; do
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(echo "$listed" | grep '^Fuzz' || :); do
		count=$((count + 1))
		echo "$package $target"
		# Minimising an input that is merely interesting may take most of the time, unless it is told not to.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" -fuzzminimizetime 10x "$package"
	done
done
[ "$count" -gt 0 ] || { echo "There is no fuzz target." >&2; exit 1; }
echo "$count fuzz targets, ${FUZZTIME:-60s} each: nothing found."
