#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots Debian's cloud kernel on an emulated AMD-V machine, loads the guestmode.ko of FOLDER there and
# lets FOLDER's vmm boot DISK with it. Usage: boot.sh FOLDER DISK
set -eu
folder=${1:?usage: boot.sh FOLDER DISK}
disk=${2:?usage: boot.sh FOLDER DISK}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/test/rig/lib.sh"

rig_kernel linux-image-cloud-amd64
host=$work/host
mkdir -p "$host/bin" "$host/proc" "$host/sys" "$host/dev" "$host/tmp" "$host/usr/share/seabios"
cp /bin/busybox "$host/bin/"
cp "$folder/guestmode.ko" "$host/"
rig_program "$folder/vmm"
cp -L /usr/share/seabios/*.bin "$host/usr/share/seabios/"
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
timeout 400 /vmm run --accel guestmode --display none --memory 128M /disk.img </tmp/in >/tmp/out 2>&1 &
exec 3>/tmp/in
n=0
until grep -q 'guestmode# ' /tmp/out || [ $n = 300 ]; do
	n=$((n + 1))
	sleep 1
done
echo poweroff >&3
wait $!
echo "rig: vmm ended with $?"
tail -n 20 /tmp/out
echo "rig: end"
poweroff -f
END
chmod +x "$host/init"
rig_pack "$host" "$work/initrd"
RIG_TIMEOUT=${RIG_TIMEOUT:-600}
boot_qemu max 1 "$work/initrd" "console=ttyS0 quiet panic=-1" "$work/console"
tail -n 40 "$work/console"
grep -aq '^rig: module loaded' "$work/console"
grep -aq '^rig: vmm ended with 0' "$work/console"
