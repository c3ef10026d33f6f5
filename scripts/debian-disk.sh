#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a disk with Debian 12, systemd and GRUB from the distribution's packages, with log-ins on
# the screen and the serial line (root, no password) and by SSH (root, with the key OUTPUT.key). Wants root for debootstrap; needs no loop
# device and no virtualization.
# Usage: scripts/debian-disk.sh amd64|i386 OUTPUT
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/packages.sh"

arch=${1:?usage: debian-disk.sh amd64|i386 OUTPUT} out=${2:?usage: debian-disk.sh amd64|i386 OUTPUT}
case $arch in
amd64) kernel=linux-image-cloud-amd64 ;;
i386) kernel=linux-image-686 ;;
*) echo "debian-disk: $arch: amd64 or i386" >&2; exit 2 ;;
esac
# Made again when this script has changed.
recipe=$(sha256sum "$0" | cut -c 1-64)
[ -f "$out" ] && [ "$(cat "$out.recipe" 2>/dev/null)" = "$recipe" ] && exit 0
if [ "$(id -u)" != 0 ]; then
	exec sudo CACHE="$CACHE" "$0" "$@"
fi
work=$(mktemp -d "$CACHE/debian.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "debian-disk: making $out: some minutes, once"
pkg_apt "" "$arch"
root=$work/root
debootstrap --arch="$arch" --variant=minbase --cache-dir="$(mkdir -p "$CACHE/debootstrap" && cd "$CACHE/debootstrap" && pwd)" \
	--include=systemd-sysv,udev,dbus,kmod,openssh-server,iproute2,initramfs-tools,e2fsprogs,zstd,$kernel \
	bookworm "$root" "$pkg_uri" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }

echo debian >"$root/etc/hostname"
printf '127.0.0.1 localhost debian\n' >"$root/etc/hosts"
echo 'LABEL=debian / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow"
grep -q ttyS0 "$root/etc/securetty" 2>/dev/null || true
# The network by DHCP, whatever the card is called, and a log-in for the key beside the image.
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/80-dhcp.network"
chroot "$root" systemctl enable systemd-networkd ssh >>"$work/log" 2>&1
ssh-keygen -q -t ed25519 -N "" -C guestmode -f "$work/key"
mkdir -p "$root/root/.ssh"
chmod 700 "$root/root/.ssh"
cp "$work/key.pub" "$root/root/.ssh/authorized_keys"
# MODULES=most: the disk controller of another machine than this one.
printf 'MODULES=most\nCOMPRESS=gzip\n' >"$root/etc/initramfs-tools/conf.d/guestmode"
release=$(ls "$root/lib/modules" | head -n 1)
chroot "$root" update-initramfs -c -k "$release" >>"$work/log" 2>&1 || chroot "$root" update-initramfs -u -k "$release" >>"$work/log" 2>&1
mkdir -p "$root/boot/grub"
cat >"$root/boot/grub/grub.cfg" <<EOF
set timeout=1
menuentry "Debian" {
	linux /boot/vmlinuz-$release root=LABEL=debian ro console=tty0 console=ttyS0
	initrd /boot/initrd.img-$release
}
EOF
rm -rf "$root/var/cache/apt/archives"/*.deb "$root/var/lib/apt/lists"/*

size=$((1200 * 1024 * 1024))
img=$work/disk.img
truncate -s $size "$img"
mke2fs -q -F -t ext4 -L debian -E offset=1048576 -d "$root" "$img" $(((size - 1048576) / 1024))k
printf 'label: dos\nstart=2048, type=83, bootable\n' | sfdisk -q "$img" >/dev/null 2>&1
grub-mkimage -O i386-pc -o "$work/core.img" -p '(hd0,msdos1)/boot/grub' \
	biosdisk part_msdos ext2 search configfile normal linux serial terminal echo
dd if=/usr/lib/grub/i386-pc/boot.img of="$img" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$img" bs=512 seek=1 conv=notrunc status=none
mkdir -p "$(dirname "$out")"
cp "$work/key" "$out.key" && chmod 600 "$out.key"
cp --sparse=always "$img" "$out.new" && mv "$out.new" "$out"
echo "$recipe" >"$out.recipe"
