#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Prints the version that the plugin reports to Vault, which accepts a semantic version only: the last tag and what came
# after it, or v0.0.0-dev and the commit where there is no tag.
set -eu

cd "$(dirname "$0")/.."
git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null && exit
commit=$(git rev-parse --short HEAD 2>/dev/null) || commit=
echo "v0.0.0-dev${commit:++$commit}"
