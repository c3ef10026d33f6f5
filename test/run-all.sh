#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `make check`: builds, runs every suite of a usual change, and adds up. Each suite's last line is
# "N passed, N failed"; so is this script's.
MAKE=${MAKE:-make}
jobs=-j$(nproc)
pass=0 fail=0
log=$(mktemp)
bad=$(mktemp)
trap 'rm -f "$log" "$bad"' EXIT

tell() { # NAME TEXT: what failed is repeated at the end, where it is looked for
	printf '== failed: %s\n%s\n' "$1" "$2" | head -n 40 >>"$bad"
}

suite() { # NAME COMMAND...
	name=$1
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	if [ -z "$line" ]; then
		tell "$name: no result" "$(tail -n 30 "$log")"
		fail=$((fail + 1))
		return
	fi
	pass=$((pass + ${line%% passed*}))
	line=${line#*, }
	[ "${line%% failed*}" = 0 ] || tell "$name" "$(grep -iE 'fail|died|never|:[EF]:' "$log" | grep -v ' 0 failed')"
	fail=$((fail + ${line%% failed*}))
}

$MAKE $jobs all unit || { echo "0 passed, 1 failed"; exit 1; }
suite "unit tests" $MAKE --no-print-directory check-unit
if $MAKE $jobs SANITIZE=address,undefined unit; then
	suite "unit tests, sanitized" $MAKE --no-print-directory SANITIZE=address,undefined check-unit
	suite "fuzzing corpus" $MAKE --no-print-directory SANITIZE=address,undefined check-fuzz
else
	tell "unit tests, sanitized" "they do not build"
	fail=$((fail + 1))
fi
suite "command line" test/cli/run.py
suite "guests" test/guest/run.py
suite "kernels" test/compat/check-kernels.sh --only cloud
export RIG_TIMEOUT=${RIG_TIMEOUT:-900}
suite "driver on AMD-V" test/rig/run.sh --only "programs reload boot" build/vmm
suite "driver on VT-x" test/rig/run.sh --engine bochs --only "programs boot" build/vmm
cat "$bad"
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ]
