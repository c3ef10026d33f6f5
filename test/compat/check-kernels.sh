#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds guestmode.ko against many kernels: those whose headers Debian has, each with its suite's own
# compiler in an unpacked root (chroot; nothing is installed), or the prepared trees that are named. It must
# compile without a warning, all symbols must resolve, and the probes must say what expected/ has
# written down for that kernel. A line per kernel and a summary.
# Usage: check-kernels.sh [--only PATTERN] [--update] [KDIR...]
#   --update writes what the probes found to expected/ in place of comparing
# The environment: KERNEL_MAKE, variables for the named trees' make, as CC=...
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/packages.sh"
expected=$top/test/compat/expected
only='' update=''
while [ $# -gt 0 ]; do
	case $1 in
	--only) only=$2; shift ;;
	--update) update=1 ;;
	--*) sed -n 's/^# Usage: //p' "$0" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

result() { # "" or what is wrong, name
	if [ -z "$1" ]; then
		echo "ok $2"
		passed=$((passed + 1))
	else
		echo "FAIL $2: $1"
		failed=$((failed + 1))
		grep -E 'warning|rror|undefined|guestmode:' "$work/log" |
			{ [ -z "${named:-}" ] && cat || grep -vE '/include/[^:]*:[0-9:]* warning'; } | head -n 20
	fi
}

# What the probes found, without what differs between builds of one kernel.
config_features() { grep -E 'GM_(HAVE|EXPORTS)_' "$1"; }

# Judges $work/module, just built: status of make, name, name in expected/
judge() {
	wrong=''
	if [ "$1" != 0 ]; then
		wrong='does not build'
	elif grep -qE '(^|/)module/.*warning|undefined!' "$work/log" ||
		{ [ -z "${named:-}" ] && grep -qE 'warning|WARNING' "$work/log"; }; then
		wrong=warnings
	elif [ ! -s "$work/module/guestmode.ko" ]; then
		wrong='no module'
	elif [ -n "$update" ]; then
		mkdir -p "$expected"
		config_features "$work/module/compat_config.h" >"$expected/$3"
	elif [ ! -f "$expected/$3" ]; then
		wrong="nothing is written down in expected/$3"
	elif ! config_features "$work/module/compat_config.h" | diff "$expected/$3" - >"$work/diff"; then
		wrong='the probes find something else than is written down'
		cat "$work/diff" >>"$work/log"
		sed 's/^/    /' "$work/diff"
	fi
	result "$wrong" "$2"
}

fresh() {
	rm -rf "$work/module"
	cp -a "$top/module" "$work/module"
	rm -f "$work/module/compat_config.h"
}

# A row: suite, architecture, series, flavours. The compiler comes with the headers.
debian() {
	suite=$1 arch=$2 series=$3
	shift 3
	for flavour; do
		id=$series-$flavour
		case $id in *$only*) ;; *) continue ;; esac
		pkg=$(pkg_names "^linux-headers-${series}[.0-9]*[-+].*[0-9]-$flavour\$" "$suite" "$arch" | tail -n 1)
		: >"$work/log"
		[ -n "$pkg" ] || { result 'no headers in the archive' "$suite $arch $series $flavour"; continue; }
		root=$(pkg_root "$suite" "$arch" $pkg_build "$pkg") ||
			{ result 'its packages cannot be had' "$pkg ($arch)"; continue; }
		fresh
		pkg_chroot "$root" "$arch" "$work" make -s -C "/usr/src/$pkg" M=/tmp/module \
			CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1
		judge $? "$suite $arch ${pkg#linux-headers-}" "$series-$arch-${flavour%-amd64}"
	done
}

# Features may be older or newer than the version says (distributions carry them back): Debian's 5.10 that
# calls itself 2.6.32 must be probed, and build, as the 5.10 that it is.
renamed() {
	id=5.10-renamed
	case $id in *$only*) ;; *) return ;; esac
	pkg=$(pkg_names '^linux-headers-5.10[.0-9]*-.*[0-9]-cloud-amd64$' bullseye amd64 | tail -n 1)
	root=$(pkg_root bullseye amd64 $pkg_build "$pkg") ||
		{ : >"$work/log"; result 'its packages cannot be had' "$pkg"; return; }
	fresh
	rm -rf "$work/kdir" && cp -a "$root/usr/src/$pkg" "$work/kdir"
	for link in scripts tools; do # they are relative
		ln -sfn "/usr/lib/linux-kbuild-5.10/$link" "$work/kdir/$link"
	done
	find "$work/kdir/include/generated" -name version.h -exec sed -i \
		's/^\(#define LINUX_VERSION_CODE\) .*/\1 132640/' {} +
	echo 2.6.32-renamed >"$work/kdir/include/config/kernel.release"
	echo '#define UTS_RELEASE "2.6.32-renamed"' >"$work/kdir/include/generated/utsrelease.h"
	kept=$update update=
	pkg_chroot "$root" amd64 "$work" make -s -C /tmp/kdir M=/tmp/module modules >"$work/log" 2>&1
	judge $? 'a 5.10 that calls itself 2.6.32' 5.10-amd64-cloud
	update=$kept
}

if [ $# -gt 0 ]; then
	# Old kernels' own headers are full of what a new compiler warns of: only our files count there.
	named=1
	for kdir; do
		fresh
		# One word per variable: the values may have spaces in them.
		eval "make -s -C \"\$kdir\" M=\"\$work/module\" ${KERNEL_MAKE:-} modules" >"$work/log" 2>&1
		judge $? "$kdir" "tree-$(basename "$kdir")"
	done
else
	debian bullseye amd64 5.10 amd64 cloud-amd64 rt-amd64
	debian bullseye i386 5.10 686 686-pae
	debian bookworm amd64 6.1 amd64 cloud-amd64 rt-amd64
	debian bookworm i386 6.1 686 686-pae
	debian trixie amd64 6.12 amd64 cloud-amd64 rt-amd64
	debian trixie-backports amd64 7.2 amd64 cloud-amd64 rt-amd64
	debian trixie-backports amd64 7.3 amd64 cloud-amd64 rt-amd64
	renamed
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
