#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds guestmode.ko against Debian's kernel headers, boots that kernel on an emulated machine with
# AMD-V (QEMU) or VT-x (Bochs) and runs the driver's tests there (init.sh). Prints a line per test and a summary.
set -eu
usage() {
	cat <<'END'
usage: test/rig/run.sh [OPTION...] VMM
  --engine qemu|bochs   the emulator (qemu)
  --model NAME          its CPU model (max; corei7_haswell_4770)
  --cpus N              CPUs of the host (1)
  --kernel PACKAGE[:ARCH[:SUITE]]   the host's kernel (linux-image-cloud-amd64); debug: a kernel with checks, built once
  --guest NAME         kernel that vmm boots, of scripts/guest.sh, as linux-6.1-686-pae (the host's)
  --fuzz SECONDS        for the test fuzz (60)
  --seed N              for the test fuzz (a new one each time)
  --param TEXT          module parameters, may be given several times
  --append TEXT         more for the host's kernel command line
  --only "TEST..."      of init.sh (programs reload boot smp irqchip clock kill coexist; shadow pair host screen fuzz)
  --match TEXT          only the guest programs whose name has TEXT in it; -WORD,...: without these
  --keep FOLDER         work there and leave everything in it
The environment: RIG_TIMEOUT, seconds for the whole machine.
END
}
top=$(cd "$(dirname "$0")/../.." && pwd)
engine=qemu model='' cpus=1 kernel=linux-image-cloud-amd64 params='' append='' only='' match='' work='' fuzz=60 seed=$$ guest=''
while [ $# -gt 1 ]; do
	case $1 in
	--engine) engine=$2 ;;
	--model) model=$2 ;;
	--cpus) cpus=$2 ;;
	--kernel) kernel=$2 ;;
	--guest) guest=$2 ;;
	--param) params="$params $2" ;;
	--append) append="$append $2" ;;
	--only) only=$2 ;;
	--match) match=$2 ;;
	--fuzz) fuzz=$2 ;;
	--seed) seed=$2 ;;
	--keep) work=$2 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift 2
done
case ${1:-} in '' | -*) usage >&2; exit 2 ;; esac
vmm=$1
case $engine in
qemu) model=${model:-max} ;;
bochs) model=${model:-corei7_haswell_4770} ;;
*) usage >&2; exit 2 ;;
esac
if [ -n "$work" ]; then
	rm -rf "$work" && mkdir -p "$work"
	work=$(cd "$work" && pwd)
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
# Bochs takes no interrupt while a guest spins with interrupts off, and in-tree KVM sets no timer against that.
kvm_match=$match
[ "$engine" != bochs ] || kvm_match=${match:--signal,running,behind}
. "$top/test/rig/lib.sh"

rig_kernel "$kernel"
rig_module || exit 1
rig_host "$vmm" "$guest"
cat >"$work/host/rig.conf" <<END
PARAMS="$params"
ONLY="$only"
MATCH="$match"
KVM_MATCH="$kvm_match"
FUZZ="$fuzz"
SEED="$seed"
END
rig_pack "$work/host" "$work/initrd"
echo "rig: $engine $model, $cpus CPU, $release$params${guest:+, guest $guest}"
boot_$engine "$model" "$cpus" "$work/initrd" "console=ttyS0 quiet panic=-1 nokaslr no_timer_check$append" "$work/console"
rig_report "$work/console"
