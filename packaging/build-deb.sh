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

cp "$tarball" "$work/guestmode_$version.orig.tar.gz"
tar -xzf "$tarball" -C "$work"
cp -a "$top/debian" "$work/$name/"
# VERSION rules: where debian/changelog does not know it yet, an entry is put before the others.
log=$work/$name/debian/changelog
changelog=$(dpkg-parsechangelog -l "$log" -S Version)
if [ "${changelog%-*}" != "$version" ]; then
	{
		printf 'guestmode (%s-1) unstable; urgency=medium\n\n  * Release %s.\n\n' "$version" "$version"
		printf ' -- %s  %s\n\n' "$(dpkg-parsechangelog -l "$top/debian/changelog" -S Maintainer)" \
			"$(LC_ALL=C date -u -R -r "$work/$name/VERSION")"
		cat "$top/debian/changelog"
	} >"$log"
fi
(cd "$work/$name" && LC_ALL=C.UTF-8 dpkg-buildpackage -us -uc) >"$work/log" 2>&1 || {
	grep -E '^(FAIL|not ok)|:[EF]:' "$work/log" >&2 || true
	tail -20 "$work/log" >&2
	exit 1
}
mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.dsc "$out"/*.changes "$out"/*.buildinfo
cp "$work"/*.deb "$work"/*.dsc "$work"/*.changes "$work"/*.buildinfo "$work"/*.debian.tar.* "$work"/*.orig.tar.gz "$out/"
ls "$out"/*.deb
