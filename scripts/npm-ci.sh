#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# npm-ci.sh DIR: installs what DIR/package-lock.json pins into DIR/node_modules, unless it is there already.
set -eu

cd "$1"
installed=node_modules/.installed-lock.json
cmp -s package-lock.json "$installed" && exit
echo "Installing the packages of $(basename "$1") (npm ci)." >&2
npm ci --no-audit --no-fund --loglevel=error >&2
cp package-lock.json "$installed"
