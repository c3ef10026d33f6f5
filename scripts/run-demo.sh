#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots the demonstration disk. On a terminal it is the user's; without one it boots to the shell,
# shows it on the serial line, powers off, and exits with vmm's status.
# Usage: scripts/run-demo.sh VMM DISK [OPTION...]
set -eu
vmm=$1 disk=$2
shift 2
if [ -t 0 ] && [ -t 1 ]; then
	exec "$vmm" run --disk "$disk,snapshot" "$@"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/in"
"$vmm" run --disk "$disk,snapshot" --display none --serial stdio "$@" <"$dir/in" >"$dir/out" 2>"$dir/err" &
pid=$!
exec 3>"$dir/in"
tail -f -n +1 --pid=$pid "$dir/out" &
n=0
until grep -q 'guestmode# ' "$dir/out"; do
	n=$((n + 1))
	if [ $n -gt "${DEMO_TIMEOUT:-300}" ] || ! kill -0 $pid 2>/dev/null; then
		kill $pid 2>/dev/null || true
		cat "$dir/err" >&2
		echo "run-demo: the shell did not come up" >&2
		exit 1
	fi
	sleep 1
done
printf 'uname -a; cat /proc/uptime; poweroff\n' >&3
status=0
wait $pid || status=$?
sleep 1
cat "$dir/err" >&2
exit $status
