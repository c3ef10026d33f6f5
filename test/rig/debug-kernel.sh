#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds (once, in the cache) Debian's linux-source-6.1 with the checks of debug-kernel.config:
# KASAN, UBSAN, lockdep, kmemleak, sleeping in atomic context. Prints the kernel's build folder, against
# which modules are built; the image is arch/x86/boot/bzImage there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$top/scripts/packages.sh"
sum=$(cat "$here/debug-kernel.config" "$here/debug-kernel.sh" | sha256sum | cut -c1-12)
tree=$CACHE/rig/debug-6.1-$sum
if [ ! -f "$tree/.done" ]; then
	rm -rf "$tree" && mkdir -p "$tree"
	src=$(pkg_dir linux-source-6.1)
	tar -C "$tree" --strip-components=1 -xJf "$src/usr/src/linux-source-6.1.tar.xz"
	{
		make -C "$tree" KCONFIG_ALLCONFIG="$here/debug-kernel.config" allnoconfig
		nice make -C "$tree" -j"${JOBS:-$(nproc)}" KBUILD_BUILD_TIMESTAMP=1970-01-01 bzImage modules
	} >"$tree/build.log" 2>&1 || { tail -20 "$tree/build.log" >&2; exit 1; }
	# What a module's build does not need.
	find "$tree" -name '*.o' ! -path "$tree/scripts/*" ! -path "$tree/tools/*" -delete
	touch "$tree/.done"
fi
echo "$tree"
