#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads under the thread sanitizer: the unit tests of test_smp, then Linux on two CPUs from the kernel to the
# shell and off again, and guests that draw for VNC clients and in a window. A report ends vmm with status 66, which
# fails the guest's test.
# usage: test/tsan.sh BUILD-FOLDER (one made by make SANITIZE=thread)
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
passed=0 failed=0
export TSAN_OPTIONS="suppressions=$top/test/tsan.supp exitcode=66"

result() { # NAME STATUS
	if [ "$2" = 0 ]; then
		passed=$((passed + 1)); echo "ok    $1"
	else
		failed=$((failed + 1)); echo "FAIL  $1 (status $2)"
	fi
}

CK_FORK=no "$build/test/test_smp"
result "unit tests of several vCPUs" $?
GUEST_TIMEOUT=${GUEST_TIMEOUT:-5} VMM=$build/vmm "$top/test/guest/run.py" smp-2
result "Linux on two vCPUs" $?
GUEST_TIMEOUT=${GUEST_TIMEOUT:-5} VMM=$build/vmm "$top/test/guest/run.py" vnc-text vnc-menu sdl
result "guests on a screen" $?
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
