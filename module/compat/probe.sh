#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Finds out what a kernel offers, with that kernel's own build, and writes compat_config.h.
# Called by Kbuild; by hand: probe.sh KDIR OUT [VAR=VALUE...] (variables for the kernel's make).
#
# probes.c is compiled once: each probe stands under a #line of its own name, and a probe that the
# compiler reports an error for is absent. symbols.c is linked once by modpost: a name that modpost
# complains of is not ours to use. In both, controls that must pass and controls that must fail
# stand at the beginning and at the end, so that a broken toolchain is an error here and never reads as
# "absent". Nothing is done when OUT was made for the same kernel, configuration, compiler and probes.
# Needs sh, make, a compiler and the usual small tools (sed, grep, cksum).
set -eu
LC_ALL=C
export LC_ALL

[ $# -ge 2 ] || { echo "usage: probe.sh KDIR OUT [VAR=VALUE...]" >&2; exit 2; }
kdir=$(cd "$1" && pwd)
out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)

die() {
	echo "guestmode: probe.sh: $*" >&2
	exit 1
}

# ---- for whom: kernel, configuration, compiler, probes ----
cc=cc
for v; do
	case $v in CC=*) cc=${v#CC=} ;; esac
done
release=
for f in "$kdir/include/config/kernel.release" "$kdir/.kernelrelease"; do
	[ -n "$release" ] || [ ! -f "$f" ] || release=$(cat "$f")
done
for f in generated/utsrelease.h linux/utsrelease.h linux/version.h; do
	[ -n "$release" ] || [ ! -f "$kdir/include/$f" ] ||
		release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/$f")
done
[ -n "$release" ] || die "$kdir is not a prepared kernel tree (no release name in it)"
config=
for f in include/generated/autoconf.h include/linux/autoconf.h .config; do
	[ -n "$config" ] || [ ! -f "$kdir/$f" ] || config=$kdir/$f
done
[ -n "$config" ] || die "$kdir has no configuration"
[ -f "$kdir/Module.symvers" ] || die "$kdir has no Module.symvers: what the kernel exports is unknown"
key="$release $(cksum <"$config") $(cksum <"$kdir/Module.symvers")"
key="$key $(cat "$here/probe.sh" "$here/probes.c" "$here/symbols.c" | cksum)"
key="$key $($cc --version 2>/dev/null | sed 1q) $*"
key=$(echo "$key" | cksum | tr ' ' '-')
if [ -f "$out" ] && grep -q "^ \* key $key\$" "$out"; then
	exit 0
fi

# ---- one small module, built as any other ----
work=$(mktemp -d "${TMPDIR:-/tmp}/gmprobe.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here/probes.c" "$here/symbols.c" "$work/"
# The include path is the driver's, so that a probe sees what the driver sees.
cat >"$work/Kbuild" <<END
obj-m := symbols.o
always := probes.log
always-y := probes.log
gm-limit := \$(if \$(findstring clang,\$(shell \$(CC) --version 2>/dev/null)),-ferror-limit=0,-fmax-errors=0)
\$(obj)/probes.log: part-of-module := y
\$(obj)/probes.log: \$(src)/probes.c FORCE
	-\$(Q)\$(CC) \$(c_flags) -w \$(gm-limit) -idirafter $here/include -fsyntax-only \\
		\$(src)/probes.c >\$@ 2>&1
END
env -i PATH="$PATH" HOME="${HOME:-/}" LC_ALL=C TMPDIR="${TMPDIR:-/tmp}" \
	make -C "$kdir" M="$work" "$@" modules >"$work/make.log" 2>&1 || true

fail() {
	echo "guestmode: probing the kernel in $kdir failed: $1" >&2
	tail -n 20 "$work/make.log" >&2
	[ ! -f "$work/probes.log" ] || { sed 10q "$work/probes.log" >&2; }
	exit 1
}
[ -f "$work/probes.log" ] || fail "the compiler was not run"
[ -f "$work/symbols.o" ] || fail "no module can be compiled"

# ---- results ----
has() { # 1: no error under this #line, nor in a macro that is used there (which gives a note)
	! grep -qE "^$1:.*(error|note):" "$work/probes.log"
}
may_use() { # 1: modpost finds it and lets us have it
	! grep -E '(ERROR|WARNING|\*\*\*)' "$work/make.log" | grep -qE "(^|[^A-Za-z0-9_])$1([^A-Za-z0-9_]|\$)"
}
names=$(sed -n 's/^#line 1 "\([A-Z0-9_]*\)".*/\1/p' "$here/probes.c")
symbols=$(sed -n 's/^GM_SYMBOL(\([A-Za-z0-9_]*\)).*/\1/p' "$here/symbols.c")
for c in CONTROL_GOOD_FIRST CONTROL_GOOD_LAST; do
	has $c || fail "$c does not compile"
done
for c in CONTROL_BAD_FIRST CONTROL_BAD_LAST; do
	has $c && fail "$c compiles"
done
may_use kfree || fail "kfree is not exported"
may_use gm_no_such_symbol_first && fail "modpost misses an unknown symbol"
may_use gm_no_such_symbol_last && fail "modpost misses an unknown symbol"
{
	echo "/* What this kernel offers; made by probe.sh."
	echo " * kernel $release"
	echo " * key $key"
	echo " */"
	for n in $names; do
		case $n in CONTROL_*) continue ;; esac
		if has "$n"; then echo "#define GM_HAVE_$n 1"; else echo "/* GM_HAVE_$n is not set */"; fi
	done
	for s in $symbols; do
		case $s in kfree | gm_no_such_*) continue ;; esac
		n=$(echo "$s" | tr 'a-z' 'A-Z')
		if may_use "$s"; then echo "#define GM_EXPORTS_$n 1"; else echo "/* GM_EXPORTS_$n is not set */"; fi
	done
} >"$out.new.$$"
mv "$out.new.$$" "$out"
