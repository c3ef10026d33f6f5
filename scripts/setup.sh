#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing to build, run or test, and prints what it does.
# Usage: scripts/setup.sh build|run|test|rig|bench|deb|rpm|lint...
set -eu

apt_list() {
	case $1 in
	build) echo gcc make pkg-config libelf-dev libcap-ng-dev libncurses-dev libpng-dev \
		zlib1g-dev libzstd-dev libjansson-dev libinih-dev libslirp-dev libseccomp-dev libsdl2-dev libvncserver-dev acpica-tools seabios ;;
	run) echo ipxe-qemu grub-pc-bin grub-common busybox-static e2fsprogs fdisk cpio dpkg kmod ;;
	test) echo check python3 xorriso mtools isolinux syslinux-common debootstrap e2fsprogs \
		libdpkg-perl grub-common grub-pc-bin memtest86+ grub-rescue-pc ipxe tmux gdb openssh-client openssl iproute2 qemu-utils binutils lz4 zstd xz-utils \
		gvncviewer xvfb xdotool openbox ;;
	rig) echo qemu-system-x86 bochs bochsbios vgabios isolinux syslinux-common xorriso busybox-static \
		cpio kmod xz-utils libc6-dev ;;
	debug) echo gcc make flex bison bc libelf-dev libssl-dev xz-utils ;;
	bench) echo qemu-system-x86 bochs bochs-x bochsbios vgabios valgrind lame gzip ;;
	deb) echo build-essential debhelper dh-dkms check fakeroot lintian debootstrap ;;
	rpm) echo rpm rpmlint ;;
	lint) echo clang-format cppcheck shellcheck groff-base python3 ;;
	esac
}

dnf_list() {
	case $1 in
	build) echo gcc make pkgconf-pkg-config elfutils-libelf-devel libcap-ng-devel ncurses-devel \
		libpng-devel zlib-devel libzstd-devel jansson-devel inih-devel libslirp-devel libseccomp-devel SDL2-devel libvncserver-devel acpica-tools seabios-bin seavgabios-bin ;;
	run) echo ipxe-roms-qemu grub2-pc-modules grub2-tools busybox e2fsprogs util-linux cpio dpkg kmod ;;
	test) echo check-devel python3 xorriso mtools syslinux debootstrap binutils tmux gdb openssh-clients openssl iproute qemu-img lz4 zstd xz \
		gvncviewer xorg-x11-server-Xvfb xdotool openbox ;;
	rig) echo qemu-system-x86 bochs syslinux xorriso busybox cpio kmod xz glibc-static ;;
	debug) echo gcc make flex bison bc elfutils-libelf-devel openssl-devel xz ;;
	bench) echo qemu-system-x86 bochs valgrind lame gzip ;;
	deb) echo dpkg-dev debhelper fakeroot lintian debootstrap ;;
	rpm) echo rpm-build rpmlint ;;
	lint) echo clang-tools-extra cppcheck ShellCheck groff-base python3 ;;
	esac
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if command -v apt-get >/dev/null; then
	tool=apt
elif command -v dnf >/dev/null; then
	tool=dnf
else
	echo "setup: neither apt-get nor dnf here: install by hand:" >&2
	for what in "$@"; do apt_list "$what" >&2; done
	exit 1
fi

missing=
for what in "$@"; do
	for p in $(${tool}_list "$what"); do
		if [ $tool = apt ]; then
			dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok' || missing="$missing $p"
		else
			rpm -q --quiet "$p" || missing="$missing $p"
		fi
	done
done
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
[ -n "${missing% }" ] || exit 0

echo "setup: installing: $missing"
if [ $tool = apt ]; then
	as_root apt-get -qq update || echo "setup: apt-get update failed, trying with the lists there are"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq install --no-install-recommends $missing >/dev/null
else
	as_root dnf -y -q install $missing
fi
