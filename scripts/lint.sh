#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `make lint`: what can be found without running anything. Prints each finding with its file and
# line; the last line is the sum of checks, and the exit status is 1 when one of them failed.
# Usage: scripts/lint.sh C-FILE...
set -u
cd "$(dirname "$0")/.." || exit 1
pass=0 fail=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT

# A check passes when the command prints nothing and succeeds.
check() { # NAME COMMAND...
	name=$1
	shift
	if "$@" >"$list" 2>&1 && [ ! -s "$list" ]; then
		printf 'ok    %s\n' "$name"
		pass=$((pass + 1))
	else
		head -n 200 "$list"
		printf 'FAIL  %s\n' "$name"
		fail=$((fail + 1))
	fi
}

skip() { # NAME TOOL
	printf 'skip  %s: no %s here\n' "$1" "$2"
}

sources() {
	git ls-files -- "$@"
}

# LICENSE is the licence; what has no room for a comment: VERSION, pictures, fuzzing inputs, what the
# probes are compared with, and three files of debian/ whose formats know none.
no_room='LICENSE|VERSION|docs/[^/]*\.png|test/guest/pictures/.*|test/fuzz/corpus/.*|test/compat/expected/.*'
no_room="$no_room|debian/changelog|debian/copyright|debian/source/format|\.gitignore|.*\.md"
spdx() {
	sources | grep -v -E "^($no_room)\$" | while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2\.0-or-later' || echo "$f: no SPDX line"
	done
}

length() {
	sources '*.c' '*.h' '*.S' '*.asl' '*.py' '*.sh' | while read -r f; do
		n=$(wc -l <"$f")
		[ "$n" -le 1000 ] || echo "$f: $n lines, more than 1000"
	done
}

# Lines have 100 columns, with tabs of eight; what reads better in one piece may have a few more,
# and the tables of tests are free.
layout() {
	sources '*.c' '*.h' '*.S' | while read -r f; do
		case $f in test/*) max=1000 ;; *) max=120 ;; esac
		expand "$f" | LC_ALL=C.UTF-8 awk -v f="$f" -v max=$max '
			length($0) > max { print f ":" NR ": " length($0) " columns" }'
		LC_ALL=C awk -v f="$f" '
			/[ \t]$/ { print f ":" NR ": blanks at the end of the line" }
			/^ +\t/ { print f ":" NR ": blanks before a tab" }' "$f"
	done
}

left_over() {
	# Written in two parts each, so that this file is looked through as well.
	sources | xargs grep -nIwE 'TO''DO|FIX''ME|X''XX|HA''CK' -- || true
}

# Formatting as a whole is `make format`; here the count of lines it would touch.
formatting() {
	n=0
	for f in "$@"; do
		n=$((n + $(clang-format "$f" | diff "$f" - | grep -c '^<')))
	done
	printf 'note  clang-format would touch %s lines\n' "$n"
}

cpp_check() {
	# shellcheck disable=SC2046
	cppcheck --quiet --enable=warning,portability,performance --std=c11 --inline-suppr --error-exitcode=1 \
		-j "$(nproc)" --template='{file}:{line}: {id}: {message}' --suppressions-list=scripts/cppcheck.txt \
		-D__x86_64__ -D_GNU_SOURCE --include=scripts/cppcheck.h -I. $(sources 'module/*.c' 'vmm/*.c' 'devices/*.c')
}

# The scripts that others source: their variables are used elsewhere.
shell_check() {
	sources '*.sh' .ci/run scripts/vmm-ifup debian/guestmode-dkms.kernel-hook | xargs shellcheck -s sh -S warning -e SC1090,SC1091,SC2034,SC2154
}

python_check() {
	sources '*.py' | xargs python3 -c '
import ast, sys
for p in sys.argv[1:]:
    with open(p, encoding="utf-8") as f:
        ast.parse(f.read(), p)
'
}

man_page() {
	if command -v mandoc >/dev/null; then
		mandoc -T lint -W warning docs/vmm.1 docs/vmm-ifup.8
	else
		LC_ALL=C.UTF-8 groff -man -Tutf8 -ww -z docs/vmm.1 docs/vmm-ifup.8
	fi
}

check "licence lines" spdx
check "file length" length
check "layout" layout
check "leftovers" left_over
check "freestanding build of module/x86, 32 and 64 bits" make --no-print-directory -s lint-x86
check "python syntax" python_check
if command -v mandoc >/dev/null || command -v groff >/dev/null; then
	check "man page" man_page
else
	skip "man page" groff
fi
if command -v shellcheck >/dev/null; then check "shellcheck" shell_check; else skip shellcheck shellcheck; fi
if command -v cppcheck >/dev/null; then
	check "cppcheck" cpp_check
else
	skip cppcheck cppcheck
fi
if command -v clang-format >/dev/null; then formatting "$@"; else skip formatting clang-format; fi
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ]
