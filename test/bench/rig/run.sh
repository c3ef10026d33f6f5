#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What an exit costs with the in-tree driver and with ours: one emulated host with AMD-V whose time
# counts instructions (QEMU -icount), the same programs on both device files. Prints tables.
# Usage: test/bench/rig/run.sh VMM [KERNEL-PACKAGE]
set -eu
vmm=${1:?usage: run.sh VMM [KERNEL-PACKAGE]}
top=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d) only=''
trap 'rm -rf "$work"' EXIT
. "$top/test/rig/lib.sh"

rig_kernel "${2:-linux-image-cloud-amd64}"
rig_module || exit 1
rig_host "$vmm"
${CC:-gcc} -O2 -Wall -Wextra -Werror -static -I"$top" -o "$work/host/exits" "$top/test/bench/rig/exits.c" \
	"$top/test/rig/guest.c"
cp "$top/test/bench/rig/init.sh" "$work/host/init"
rig_pack "$work/host" "$work/initrd"
export RIG_QEMU="-icount shift=0,sleep=off"
RIG_TIMEOUT=${RIG_TIMEOUT:-1200}
boot_qemu max 1 "$work/initrd" "console=ttyS0 quiet panic=-1 nokaslr tsc=reliable" "$work/console"
echo "host: $release, QEMU TCG with AMD-V, one CPU; one unit is one instruction"
tr -d '\r' <"$work/console" | sed -n 's/^table: //p'
grep -aq '^rig: end' "$work/console" || { tail -20 "$work/console"; exit 1; }
