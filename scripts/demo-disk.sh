#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the demonstration disk: MBR, GRUB, a Debian kernel and a small BusyBox user land with a
# shell on the screen and the serial line. Needs neither root nor loop devices.
# Usage: scripts/demo-disk.sh OUTPUT [KERNEL-PACKAGE [ARCH]]
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/packages.sh"

out=${1:?usage: demo-disk.sh OUTPUT [KERNEL-PACKAGE [ARCH]]}
meta=${2:-linux-image-cloud-amd64} arch=${3:-amd64}
# Kept until this script changes.
recipe=$(cksum <"$0")
[ -f "$out" ] && [ "$recipe" = "$(cat "$out.recipe" 2>/dev/null)" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "demo-disk: making $out (once; it is kept)"

kernel=$(pkg_depends "$meta" '^linux-image-' "" "$arch")
kdir=$(pkg_dir "$kernel" "" "$arch")
busybox=$(pkg_dir busybox-static "" "$arch")/bin/busybox
release=${kernel#linux-image-}

# ---- the first RAM disk: modules for the disk, then over to the root file system ----
ird=$work/initrd
mkdir -p "$ird/bin" "$ird/dev" "$ird/proc" "$ird/sys" "$ird/root" "$ird/lib"
cp "$busybox" "$ird/bin/busybox"
modules=
depmod -b "$kdir" "$release" 2>/dev/null || true
# The disk and its file system, CDs, and the power button with the way its events reach acpid.
for m in ata_piix sd_mod ext4 sr_mod isofs button evdev; do
	for f in $(modprobe -d "$kdir" -S "$release" --show-depends $m | awk '$1 == "insmod" {print $2}'); do
		case " $modules " in *" ${f##*/} "*) continue ;; esac
		cp "$f" "$ird/lib/"
		modules="$modules ${f##*/}"
	done
done
cat >"$ird/init" <<EOF
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for m in $modules; do /bin/busybox insmod /lib/\$m; done
n=0
while ! /bin/busybox mount -t ext4 -o ro /dev/sda1 /root 2>/dev/null; do
	n=\$((n + 1))
	[ \$n -lt 100 ] || { echo "no root file system on /dev/sda1"; exec /bin/busybox sh; }
	/bin/busybox usleep 100000
done
/bin/busybox umount /proc /sys
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
EOF
chmod +x "$ird/init"
root=$work/root
mkdir -p "$root/boot/grub" "$root/bin" "$root/sbin" "$root/etc/init.d" "$root/etc/acpi/PWRF" \
	"$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/mnt" "$root/root" "$root/usr" \
	"$root/var/log" "$root/var/run"
(cd "$ird" && find . | cpio -o -H newc --quiet --owner 0:0 | gzip -6) >"$root/boot/initrd"

# ---- the root file system ----
cp "$kdir/boot/vmlinuz-$release" "$root/boot/vmlinuz"
cp "$busybox" "$root/bin/busybox"
for a in $(/bin/busybox --list); do
	[ "$a" = busybox ] || ln -s busybox "$root/bin/$a"
done
ln -s ../bin/busybox "$root/sbin/init"
cat >"$root/etc/inittab" <<'EOF'
::sysinit:/etc/init.d/rcS
tty1::respawn:-/bin/sh
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/bin/poweroff
::shutdown:/bin/umount -a -r
EOF
cat >"$root/etc/init.d/rcS" <<'EOF'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -o remount,rw /
hostname guestmode
dmesg -n 1
[ -e /proc/acpi ] && acpid
cat /etc/motd >/dev/console
EOF
cat >"$root/etc/motd" <<EOF

  guestmode demonstration: Linux $release, BusyBox.
  'poweroff' switches this machine off.

EOF
printf 'root::0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
cat >"$root/etc/profile" <<'EOF'
export PS1='guestmode# ' HOME=/root PATH=/bin:/sbin
cd
EOF
: >"$root/etc/fstab"
# BusyBox's acpid runs the script of this name when the power button is pressed.
printf '#!/bin/sh\npoweroff\n' >"$root/etc/acpi/PWRF/00000080"
chmod +x "$root/etc/init.d/rcS" "$root/etc/acpi/PWRF/00000080"
cat >"$root/boot/grub/grub.cfg" <<'EOF'
set timeout=1
menuentry "Guestmode demonstration" {
	linux /boot/vmlinuz root=/dev/sda1 console=tty0 console=ttyS0 quiet
	initrd /boot/initrd
}
EOF

# ---- the disk: MBR with boot.img, core.img behind it, one partition from 1 MiB on ----
size=$((96 * 1024 * 1024))
img=$work/disk.img
truncate -s $size "$img"
mke2fs -q -t ext4 -L demo -E offset=1048576,root_owner=0:0 -d "$root" "$img" $(((size - 1048576) / 1024))k
printf 'label: dos\nstart=2048, type=83, bootable\n' | sfdisk -q "$img" >/dev/null 2>&1
grub-mkimage -O i386-pc -o "$work/core.img" -p '(hd0,msdos1)/boot/grub' \
	biosdisk part_msdos ext2 configfile normal linux serial terminal echo
dd if=/usr/lib/grub/i386-pc/boot.img of="$img" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$img" bs=512 seek=1 conv=notrunc status=none
mkdir -p "$(dirname "$out")"
cp --sparse=always "$img" "$out.new" && mv "$out.new" "$out"
echo "$recipe" >"$out.recipe"
