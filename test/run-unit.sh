#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs Check programs one after the other and adds up their results.
# Each program's own summary line is "N%: Checks: N, Failures: N, Errors: N".
# Last line: "N passed, N failed". Exit 1 when anything failed or a program died.
# Check's own limit for one test is 4 seconds, which a busy machine can exceed.
export CK_DEFAULT_TIMEOUT=60 CK_TIMEOUT_MULTIPLIER=5
# What failed is printed at the end, where it is looked for.
pass=0 fail=0 failed=
for t in "$@"; do
	out=$(CK_VERBOSITY=normal timeout "${TEST_TIMEOUT:-900}" "$t" 2>&1)
	rc=$?
	line=$(printf '%s\n' "$out" | grep -oE '[0-9]+%: Checks: .*' | tail -n 1)
	n=$(printf '%s\n' "$line" | sed -n 's/.*Checks: \([0-9]*\),.*/\1/p')
	f=$(printf '%s\n' "$line" | sed -n 's/.*Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2/p' | awk '{print $1+$2}')
	if [ -z "$n" ] || { [ "$rc" -ne 0 ] && [ "$f" = 0 ]; }; then
		failed="$failed$t: died with status $rc
$out
"
		fail=$((fail + 1))
		continue
	fi
	[ "$f" -eq 0 ] || failed="$failed$out
"
	printf '%-40s %s checks, %s failed\n' "${t##*/}" "$n" "$f"
	pass=$((pass + n - f)) fail=$((fail + f))
done
printf '%s' "$failed"
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ]
