#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds guestmode.ko against Debian's kernel headers (unpacked, not installed), boots that kernel on
# an emulated AMD-V machine (QEMU TCG), runs the driver's tests there, then boots Linux with
# `vmm run --accel guestmode` inside. Prints a line per test and a summary.
# Usage: test/rig/run.sh VMM [CPUS]
set -eu
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/packages.sh"
vmm=${1:?usage: run.sh VMM [CPUS]}
cpus=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- the kernel and its headers, as one tree that refers to itself ----
kernel=$(pkg_depends linux-image-cloud-amd64 '^linux-image-')
release=${kernel#linux-image-}
kdir=$(pkg_dir "$kernel")
tree=$CACHE/rig/$release
headers=$tree/usr/src/linux-headers-$release
if [ ! -f "$tree/.done" ]; then
	rm -rf "$tree" && mkdir -p "$tree"
	common=$(pkg_depends "linux-headers-$release" '^linux-headers-.*-common$')
	kbuild=$(pkg_depends "linux-headers-$release" '^linux-kbuild-')
	for p in "linux-headers-$release" "$common" "$kbuild"; do
		cp -a "$(pkg_dir "$p")/usr" "$tree/"
	done
	sed -i "s,/usr/src,$tree/usr/src," "$headers/Makefile"
	touch "$tree/.done"
fi

# ---- the module and the test program ----
cp -a "$top/module" "$work/module"
if ! make -C "$headers" M="$work/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1 ||
	grep -q warning: "$work/log"; then
	cat "$work/log" >&2
	echo "FAIL module build against $release"
	echo "0 passed, 1 failed"
	exit 1
fi
${CC:-gcc} -O1 -Wall -Wextra -Werror -static -I"$top" -o "$work/rigtest" "$top"/test/rig/*.c

# ---- the host's RAM disk; in it the guest's ----
guest=$work/guest
mkdir -p "$guest/bin" "$guest/proc" "$guest/dev"
cp /bin/busybox "$guest/bin/"
cat >"$guest/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "guest: $(/bin/busybox uname -r), $(/bin/busybox grep -c ^processor /proc/cpuinfo) CPU"
/bin/busybox poweroff -f
EOF
chmod +x "$guest/init"
pack() { (cd "$1" && find . | cpio -o -H newc --quiet --owner 0:0 | gzip -1); }

host=$work/host
mkdir -p "$host/bin" "$host/proc" "$host/sys" "$host/dev" "$host/tmp" "$host/usr/share/seabios"
cp /bin/busybox "$host/bin/"
cp "$work/module/guestmode.ko" "$work/rigtest" "$vmm" "$host/"
for m in kvm kvm-amd; do
	for f in $(modprobe -d "$kdir" -S "$release" --show-depends $m 2>/dev/null | awk '$1 == "insmod" {print $2}'); do
		cp "$f" "$host/"
	done
done
for lib in $(ldd "$vmm" | grep -o '/[^ ]*'); do
	mkdir -p "$host${lib%/*}" && cp -L "$lib" "$host$lib"
done
cp -L /usr/share/seabios/*.bin "$host/usr/share/seabios/"
cp "$kdir/boot/vmlinuz-$release" "$host/vmlinuz"
pack "$guest" >"$host/guest.img"
cp "$top/test/rig/init.sh" "$host/init"
pack "$host" >"$work/initrd"

# ---- the emulated machine ----
out=$work/console
timeout "${RIG_TIMEOUT:-240}" qemu-system-x86_64 -accel tcg -cpu max -smp "$cpus" -m 1024 -nodefaults \
	-nographic -no-reboot -serial "file:$out" -kernel "$kdir/boot/vmlinuz-$release" \
	-initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 nokaslr" </dev/null || true
tr -d '\r' <"$out" >"$work/text"
grep -E '^(ok|FAIL|    |guest:|result)' "$work/text" || true
passed=$(grep -c '^ok ' "$work/text" || true)
failed=$(grep -c '^FAIL' "$work/text" || true)
if grep -qE 'BUG:|Oops|WARNING:|Call Trace|Kernel panic' "$work/text"; then
	echo "FAIL the kernel complains:"
	grep -nE -A30 'BUG:|Oops|WARNING:|Kernel panic' "$work/text" | head -60
	failed=$((failed + 1))
fi
if ! grep -q '^rig: end' "$work/text"; then
	echo "FAIL the rig did not come to its end; the last lines:"
	tail -15 "$work/text"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
