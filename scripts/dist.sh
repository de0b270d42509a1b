#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Builds the plugin for every platform into dist/, each with its bill of materials (CycloneDX), and SHA256SUMS over all of
# it. The same commit and the same Go give the same bytes, wherever it runs; for this platform they are those of "make build".
set -eu

cd "$(dirname "$0")/.."
name=vault-plugin-secrets-oauth
version=$(scripts/version.sh)

fail() { printf '%s\n' "$*" >&2; exit 1; }
checksums() { # of the files given: shasum is what macOS has
	if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# All that could tell one machine's build from another's.
unset GOOS GOARCH GOEXPERIMENT
GOFLAGS='-trimpath -buildvcs=false' CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 LC_ALL=C
export GOFLAGS CGO_ENABLED GOAMD64 GOARM64 LC_ALL

rm -rf dist
mkdir dist
echo "Building $version with $(go env GOVERSION), into dist."
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64; do
	os=${platform%/*} arch=${platform#*/} suffix=
	[ "$os" != windows ] || suffix=.exe
	file=dist/${name}_${version}_${os}_$arch$suffix
	echo "  $platform"
	GOOS=$os GOARCH=$arch go build -ldflags "-X main.version=$version" -o "$file" "./cmd/$name"
	settings=$(go version -m "$file")
	for setting in "GOOS=$os" "GOARCH=$arch" CGO_ENABLED=0 -trimpath=true; do
		case $settings in
		*"$setting"*) ;;
		*) fail "$file was not built with $setting. \"go version -m $file\" shows how it was built." ;;
		esac
	done
	# Without a serial number and a time of its own, so that it is as reproducible as the file it describes.
	go tool -modfile=tools/sbom/go.mod cyclonedx-gomod bin -json -std -noserial -notimestamp \
		-version "$version" -output "$file.cdx.json" "$file"
	[ -s "$file.cdx.json" ] || fail "There is no bill of materials for $file."
done
(cd dist && checksums "${name}"_* >SHA256SUMS && checksums -c SHA256SUMS >/dev/null)
echo "Built and checked: dist/SHA256SUMS lists $(grep -c . dist/SHA256SUMS) files."
