#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the RPM packages from a tarball of `make dist`. On a machine without an RPM database of its own
# (Debian) build requirements are not looked up there.
# Usage: packaging/build-rpm.sh TARBALL OUTPUT-FOLDER
set -eu
tarball=${1:?usage: build-rpm.sh TARBALL OUTPUT-FOLDER}
out=${2:?usage: build-rpm.sh TARBALL OUTPUT-FOLDER}
top=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$tarball" .tar.gz)
# RPM keeps the spec with the folder's name in it: only builds in the same folder can be equal.
work=/tmp/guestmode-rpmbuild
mkdir -m 700 "$work" || {
	echo "build-rpm: another build runs, or was killed and left $work" >&2
	exit 1
}
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

mkdir -p "$work/SOURCES" "$work/SPECS"
install -m 644 "$tarball" "$work/SOURCES/" # the mode is part of the source package
sed "s/@VERSION@/${name#guestmode-}/" "$top/rpm/guestmode.spec.in" >"$work/SPECS/guestmode.spec"
chmod 644 "$work/SPECS/guestmode.spec"
nodeps=
command -v dnf >/dev/null || command -v zypper >/dev/null || nodeps=--nodeps
# One clock for all files, so that two builds of the same tarball are equal: the caller's or the tarball's.
: "${SOURCE_DATE_EPOCH:=$(TZ=UTC date -d "$(TZ=UTC tar -tzvf "$tarball" --full-time | awk 'NR == 1 {print $4 " " $5}')" +%s)}"
export SOURCE_DATE_EPOCH
LC_ALL=C.UTF-8 rpmbuild $nodeps --define "_topdir $work" --define "_buildhost reproducible" \
	--define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
	-ba "$work/SPECS/guestmode.spec" >"$work/log" 2>&1 || {
	tail -40 "$work/log" >&2
	exit 1
}
mkdir -p "$out"
rm -f "$out"/*.rpm
cp "$work"/RPMS/*/*.rpm "$work"/SRPMS/*.rpm "$out/"
ls "$out"/*.rpm
