#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The driver's full matrix: a machine after the other, each with its tests (run.sh); then a line per
# machine and a summary. Takes an hour or two.
# Usage: test/rig/full.sh VMM [PATTERN]   (only machines whose line has PATTERN in it)
set -euf # names of kernels may have a * in them
top=$(cd "$(dirname "$0")/../.." && pwd)
vmm=${1:?usage: full.sh VMM [PATTERN]}
pattern=${2:-}
out=$(mktemp)
trap 'rm -f "$out" "$out.sum"' EXIT

# name | options of run.sh | environment. QEMU 7.2 does not intercept XSETBV, which Linux 5.10 and 7.2 as guests do
# not survive, and its CMPXCHG16B leaves flags now and then that stop a 6.12 kernel. Bochs takes no interrupt while a
# guest spins with interrupts off; only a preemption timer, which Penryn has not, ends that.
matrix() {
	cat <<'END'
AMD-V, 1 CPU | --only programs shadow reload boot coexist
AMD-V, a frame buffer | --cpus 2 --only screen screen_kvm
AMD-V, 2 CPUs | --cpus 2 --only programs shadow reload smp irqchip kill pair coexist
AMD-V without nested paging | --model max,npt=off --only programs boot
AMD-V, shadow paging | --cpus 2 --param nested=0 --only programs boot smp pair coexist
AMD-V, swap, KSM, 1 GiB pages | --cpus 2 --append hugepagesz=1G --append hugepages=1 --only host | RIG_MEMORY=3072
AMD-V, 686-pae guest | --guest linux-6.1-686-pae --only boot
AMD-V, 686-pae guest, shadow paging | --guest linux-6.1-686-pae --param nested=0 --only boot
AMD-V, Linux 5.10 | --kernel linux-image-cloud-amd64:amd64:bullseye --model max,xsave=off --cpus 2 --only programs shadow boot irqchip
AMD-V, Linux 6.12 | --kernel linux-image-cloud-amd64:amd64:trixie --model max,cx16=off --cpus 2 --only programs shadow boot irqchip
AMD-V, Linux 7.2 | --kernel linux-image-7.2.*-cloud-amd64:amd64:trixie-backports --model max,xsave=off,avx=off,avx2=off,pclmulqdq=off --cpus 2 --only programs shadow boot irqchip
AMD-V, i386 host without PAE | --kernel linux-image-686:i386 --only programs shadow
AMD-V, i386 host | --kernel linux-image-686-pae:i386 --only programs shadow
VT-x, Haswell | --engine bochs --only programs shadow reload boot pair kill coexist
VT-x, Haswell, 2 CPUs | --engine bochs --cpus 2 --only programs smp irqchip
VT-x, Haswell, shadow paging | --engine bochs --param nested=0 --only programs boot pair coexist
VT-x, swap and KSM | --engine bochs --only host
VT-x, Haswell, 686-pae guest | --engine bochs --guest linux-6.1-686-pae --only boot
VT-x, Haswell, 686-pae guest, shadow paging | --engine bochs --guest linux-6.1-686-pae --param nested=0 --only boot
VT-x, Linux 5.10 | --engine bochs --kernel linux-image-cloud-amd64:amd64:bullseye --only programs boot
VT-x, Linux 6.12 | --engine bochs --kernel linux-image-cloud-amd64:amd64:trixie --only programs boot
VT-x, Linux 7.2 | --engine bochs --kernel linux-image-7.2.*-cloud-amd64:amd64:trixie-backports --only programs boot
VT-x, i386 host | --engine bochs --kernel linux-image-686-pae:i386 --only programs
VT-x, Skylake-X | --engine bochs --model corei7_skylake_x --only programs shadow boot
VT-x, Penryn | --engine bochs --model core2_penryn_t9600 --match -signal,random,running,start-up --only programs boot
END
}

passed=0 failed=0
matrix >"$out"
while IFS='|' read -r name options setting <&3; do
	case "$name$options" in *"$pattern"*) ;; *) continue ;; esac
	echo "== $name:$options"
	only=${options##*--only }
	only=${only% }
	# shellcheck disable=SC2086
	if env $setting RIG_TIMEOUT="${RIG_TIMEOUT:-1200}" "$top/test/rig/run.sh" ${options%%--only *} --only "$only" "$vmm"; then
		passed=$((passed + 1))
		echo "ok   $name" >>"$out.sum"
	else
		failed=$((failed + 1))
		echo "FAIL $name" >>"$out.sum"
	fi
done 3<"$out"
[ -e "$out.sum" ] || { echo "full.sh: no machine's line has $pattern in it" >&2; exit 2; }
cat "$out.sum"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
