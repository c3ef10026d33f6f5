#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The driver's full matrix: a machine after the other, each with its tests (run.sh); then a line per
# machine and a summary. Takes an hour or two.
# Usage: test/rig/full.sh VMM [PATTERN]   (only machines whose line has PATTERN in it)
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
vmm=${1:?usage: full.sh VMM [PATTERN]}
pattern=${2:-}
out=$(mktemp)
trap 'rm -f "$out" "$out.sum"' EXIT

# name | options of run.sh. Bochs takes no interrupt while a guest spins with interrupts off; only a preemption
# timer, which Penryn has not, ends that.
matrix() {
	cat <<'END'
AMD-V, 1 CPU | --only programs shadow reload boot coexist
AMD-V, 2 CPUs | --cpus 2 --only programs shadow reload boot coexist
AMD-V without nested paging | --model max,npt=off --only programs boot
AMD-V, shadow paging | --param nested=0 --only programs boot coexist
AMD-V, Linux 6.12 | --kernel linux-image-cloud-amd64:amd64:trixie --only programs shadow boot
AMD-V, i386 host | --kernel linux-image-686-pae:i386 --only programs shadow
VT-x, Haswell | --engine bochs --only programs shadow reload boot coexist
VT-x, Haswell, shadow paging | --engine bochs --param nested=0 --only programs boot
VT-x, Skylake-X | --engine bochs --model corei7_skylake_x --only programs shadow boot
VT-x, Penryn | --engine bochs --model core2_penryn_t9600 --match -signal,random --only programs boot
END
}

passed=0 failed=0
matrix >"$out"
while IFS='|' read -r name options <&3; do
	case "$name$options" in *"$pattern"*) ;; *) continue ;; esac
	echo "== $name:$options"
	only=${options##*--only }
	# shellcheck disable=SC2086
	if RIG_TIMEOUT=${RIG_TIMEOUT:-1200} "$top/test/rig/run.sh" ${options%%--only *} --only "$only" "$vmm"; then
		passed=$((passed + 1))
		echo "ok   $name" >>"$out.sum"
	else
		failed=$((failed + 1))
		echo "FAIL $name" >>"$out.sum"
	fi
done 3<"$out"
cat "$out.sum"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
