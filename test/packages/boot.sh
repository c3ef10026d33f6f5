#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots a kernel on an emulated AMD-V machine, loads the guestmode.ko that DKMS installed for it in a Debian
# root and lets the vmm of that root, with the root's libraries, boot DISK with it.
# Usage: boot.sh ROOT KERNEL-FOLDER RELEASE DISK   (KERNEL-FOLDER: its package, unpacked)
set -eu
usage="usage: boot.sh ROOT KERNEL-FOLDER RELEASE DISK"
root=${1:?$usage} kdir=${2:?$usage} release=${3:?$usage} disk=${4:?$usage}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/test/rig/lib.sh"

host=$work/host
mkdir -p "$host/bin" "$host/proc" "$host/sys" "$host/dev" "$host/tmp" "$host/usr/share/seabios"
cp /bin/busybox "$host/bin/"
module=$(find "$root/lib/modules/$release" -name 'guestmode.ko*')
cp "$module" "$host/"
[ "${module%.xz}" = "$module" ] || xz -d "$host/guestmode.ko.xz"
cp "$root/usr/bin/vmm" "$host/"
for lib in $(chroot "$root" ldd /usr/bin/vmm | grep -o '/[^ ]*'); do
	mkdir -p "$host${lib%/*}" && cp -L "$root$lib" "$host$lib"
done
cp -L "$root"/usr/share/seabios/*.bin "$host/usr/share/seabios/"
cp --sparse=always "$disk" "$host/disk.img"
cat >"$host/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo
insmod /guestmode.ko && echo "rig: module loaded"
mkfifo /tmp/in
timeout 2000 /vmm run --accel guestmode --display none --memory 128M /disk.img </tmp/in >/tmp/out 2>&1 &
vmm=$!
exec 3>/tmp/in
tail -f /tmp/out &
n=0
until grep -q 'guestmode# ' /tmp/out || [ $n = 1800 ]; do
	n=$((n + 1))
	sleep 1
done
echo poweroff >&3
wait $vmm
echo "rig: vmm ended with $?"
rmmod guestmode && echo "rig: module unloaded"
echo "rig: end"
poweroff -f
END
chmod +x "$host/init"
rig_pack "$host" "$work/initrd"
# The machine's time is what it executes: on a loaded host its clock, and the guest's in it, would else tick more
# often than it gets anything done.
RIG_QEMU='-icount shift=0,sleep=off'
RIG_TIMEOUT=${RIG_TIMEOUT:-2400}
boot_qemu max 1 "$work/initrd" "console=ttyS0 quiet panic=-1 no_timer_check" "$work/console"
tail -n 40 "$work/console"
grep -aq '^rig: module loaded' "$work/console"
grep -aq '^rig: vmm ended with 0' "$work/console"
grep -aq '^rig: module unloaded' "$work/console"
