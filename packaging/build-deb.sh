#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the Debian packages from a tarball of `make dist` and the debian/ folder of this checkout.
# Usage: packaging/build-deb.sh TARBALL OUTPUT-FOLDER
set -eu
tarball=${1:?usage: build-deb.sh TARBALL OUTPUT-FOLDER}
out=${2:?usage: build-deb.sh TARBALL OUTPUT-FOLDER}
top=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$tarball" .tar.gz)
version=${name#guestmode-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

changelog=$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version)
[ "${changelog%-*}" = "$version" ] || {
	echo "build-deb: debian/changelog says $changelog, VERSION says $version" >&2
	exit 1
}
cp "$tarball" "$work/guestmode_$version.orig.tar.gz"
tar -xzf "$tarball" -C "$work"
cp -a "$top/debian" "$work/$name/"
(cd "$work/$name" && LC_ALL=C.UTF-8 dpkg-buildpackage -us -uc) >"$work/log" 2>&1 || {
	grep -E '^(FAIL|not ok)|:[EF]:' "$work/log" >&2 || true
	tail -20 "$work/log" >&2
	exit 1
}
mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.dsc "$out"/*.changes "$out"/*.buildinfo
cp "$work"/*.deb "$work"/*.dsc "$work"/*.changes "$work"/*.buildinfo "$work"/*.debian.tar.* "$work"/*.orig.tar.gz "$out/"
ls "$out"/*.deb
