#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shell functions (to be sourced) that make and boot emulated hosts for the driver: a kernel of
# Debian's with its headers (unpacked, not installed), the module built for it, a RAM disk, and a machine
# of QEMU (AMD-V) or Bochs (VT-x). Needs $top, the repository, and $work, an empty folder.
#
#   rig_kernel debug|PACKAGE[:ARCH[:SUITE]]   sets release, arch, suite, kdir (the kernel)
#   rig_module         builds $work/module/guestmode.ko with the suite's own compiler; a warning is a failure
#   rig_host VMM [GUEST]   makes $work/host, the files of the host's RAM disk; GUEST: see rig_guest
#   rig_pack DIR OUT   packs a RAM disk
#   boot_qemu, boot_bochs MODEL CPUS INITRD APPEND CONSOLE   boot $release and wait for its end
#                      (RIG_QEMU: more options of QEMU; RIG_MEMORY: MiB, 1024)
#   rig_report CONSOLE   prints results and a summary; fails if something failed
PATH=$PATH:/usr/sbin:/sbin
. "$top/scripts/packages.sh"

# A meta package stands for the kernel that it depends on, a name with '*' for the newest that it matches.
rig_kernel() {
	rig_pkg=${1%%:*}
	rig_rest=${1#"$rig_pkg"}
	rig_rest=${rig_rest#:}
	arch=${rig_rest%%:*}
	arch=${arch:-$(dpkg --print-architecture)}
	suite=${rig_rest#"${rig_rest%%:*}"}
	suite=${suite#:}
	headers=
	if [ "$rig_pkg" = debug ]; then
		headers=$("$top/test/rig/debug-kernel.sh")
		release=$(cat "$headers/include/config/kernel.release")
		kdir=$work/kernel
		mkdir -p "$kdir/boot"
		cp "$headers/arch/x86/boot/bzImage" "$kdir/boot/vmlinuz-$release"
		return 0
	fi
	case $rig_pkg in
	*'*'*) rig_pkg=$(pkg_names "^$(echo "$rig_pkg" | sed 's/\./\\./g; s/\*/.*/g')\$" "$suite" "$arch" | tail -n 1) ;;
	linux-image-[0-9]*.[0-9]*) ;;
	*) rig_pkg=$(pkg_depends "$rig_pkg" '^linux-image-' "$suite" "$arch") ;;
	esac
	release=${rig_pkg#linux-image-}
	release=${release%-unsigned}
	kdir=$(pkg_dir "$rig_pkg" "$suite" "$arch")
	[ -e "$kdir/boot/vmlinuz-$release" ] || rig_kernel_parts
	# Modules are below /usr since Debian 13; as unpacked there is no list of what they need (modprobe, below).
	[ -e "$kdir/lib" ] || ln -sfn usr/lib "$kdir/lib"
	[ -e "$kdir/lib/modules/$release/modules.dep" ] || depmod -b "$kdir" "$release" 2>/dev/null
}

# Since 7.x the image's package names two others that hold the kernel and its modules, below /usr/lib/modules.
rig_kernel_parts() {
	kdir=$work/kernel
	rig_mods=$kdir/lib/modules/$release
	mkdir -p "$kdir/boot" "$rig_mods"
	cp "$(pkg_dir "linux-binary-$release" "$suite" "$arch")/usr/lib/modules/$release/vmlinuz" \
		"$kdir/boot/vmlinuz-$release"
	cp -r "$(pkg_dir "linux-modules-$release" "$suite" "$arch")/usr/lib/modules/$release/." "$rig_mods/"
}

rig_module() {
	cp -a "$top/module" "$work/module"
	if [ -n "$headers" ]; then
		set -- make -C "$headers" M="$work/module"
	else
		root=$(pkg_root "$suite" "$arch" $pkg_build "linux-headers-$release") || return 1
		set -- pkg_chroot "$root" "$arch" "$work" make -C "/usr/src/linux-headers-$release" M=/tmp/module
	fi
	if ! "$@" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1 || grep -q warning: "$work/log"; then
		cat "$work/log" >&2
		echo "FAIL module build against $release"
		echo "0 passed, 1 failed"
		return 1
	fi
}

rig_pack() { (cd "$1" && find . | cpio -o -H newc --quiet --owner 0:0 | gzip -1) >"$2"; }

# Compiles the tests for the host, with its suite's own compiler where that is another architecture.
rig_test() {
	set -- -O1 -Wall -Wextra -Werror -static -pthread -D_GNU_SOURCE
	if [ "$arch" = "$(dpkg --print-architecture)" ]; then
		${CC:-gcc} "$@" -I"$top" -o "$host/rigtest" "$top"/test/rig/*.c
		return
	fi
	mkdir -p "$work/src/test" && cp -r "$top/test/rig" "$work/src/test/"
	mkdir -p "$work/src/module" && cp -r "$top/module/uapi" "$work/src/module/"
	root=$(pkg_root "$suite" "$arch" $pkg_build) || return 1
	pkg_chroot "$root" "$arch" "$work" sh -c 'cd /tmp/src && gcc "$@" -I. -o /tmp/host/rigtest test/rig/*.c' sh "$@"
}

# A program with the libraries that it needs.
rig_program() {
	cp "$1" "$work/host/"
	for lib in $(ldd "$1" | grep -o '/[^ ]*'); do
		mkdir -p "$work/host${lib%/*}" && cp -L "$lib" "$work/host$lib"
	done
}

# The VNC server's library, which vmm loads by itself, and the guest of screen.c.
rig_screen() {
	vnc=$(ldconfig -p | awk '$1 == "libvncserver.so.1" && /x86-64/ {print $NF; exit}')
	for lib in "$vnc" $(ldd "$vnc" | grep -o '/[^ ]*'); do
		mkdir -p "$work/host${lib%/*}" && cp -L "$lib" "$work/host$lib"
	done
	gcc -m32 -c -o "$work/vesa.o" "$top/test/rig/vesa.S"
	ld -m elf_i386 -Ttext 0x7c00 -e start --oformat binary -o "$work/host/vesa.img" "$work/vesa.o"
	truncate -s 64K "$work/host/vesa.img"
}

# What vmm boots in the host: the host's own kernel, or one of scripts/guest.sh.
rig_guest() { # NAME or nothing
	if [ -z "$1" ]; then
		cp "$kdir/boot/vmlinuz-$release" "$work/host/vmlinuz"
	else
		cp "$("$top/scripts/guest.sh" "$1")" "$work/host/vmlinuz"
		case $1 in *686*) rig_busybox=$(pkg_dir busybox-static "" i386)/bin/busybox ;; esac
	fi
	mkdir -p "$work/guest/bin" "$work/guest/proc" "$work/guest/dev"
	cp "$rig_busybox" "$work/guest/bin/"
	cat >"$work/guest/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t proc proc /proc
		echo "guest: $(/bin/busybox uname -r), $(/bin/busybox grep -c ^processor /proc/cpuinfo) CPU"
		# Each line is asked for the time since the boot.
		if /bin/busybox grep -q rig.clock /proc/cmdline; then
			while read line; do /bin/busybox cat /proc/uptime; done
		fi
		/bin/busybox poweroff -f
	END
	chmod +x "$work/guest/init"
	rig_pack "$work/guest" "$work/host/guest.img"
}

rig_host() {
	host=$work/host
	mkdir -p "$host/bin" "$host/proc" "$host/sys" "$host/dev" "$host/tmp" "$host/usr/share/seabios"
	rig_test
	rig_busybox=/bin/busybox
	[ "$arch" = "$(dpkg --print-architecture)" ] || rig_busybox=$(pkg_dir busybox-static "$suite" "$arch")/bin/busybox
	cp "$rig_busybox" "$host/bin/"
	cp "$work/module/guestmode.ko" "$host/"
	[ "$arch" != "$(dpkg --print-architecture)" ] || rig_program "$1"
	for m in kvm kvm-amd kvm-intel brd; do
		for f in $(modprobe -d "$kdir" -S "$release" --show-depends $m 2>/dev/null |
			awk '$1 == "insmod" {print $2}'); do
			case $f in
			*.xz) xz -dc "$f" >"$host/$(basename "$f" .xz)" ;;
			*) cp "$f" "$host/" ;;
			esac
		done
	done
	cp -L /usr/share/seabios/*.bin "$host/usr/share/seabios/"
	case " $only " in *" screen"*) rig_screen ;; esac
	rig_guest "${2:-}"
	cp "$top/test/rig/init.sh" "$host/init"
}

RIG_QEMU=${RIG_QEMU:-}
boot_qemu() {
	timeout -s KILL "${RIG_TIMEOUT:-240}" qemu-system-x86_64 -accel tcg $RIG_QEMU -cpu "$1" -smp "$2" -m "${RIG_MEMORY:-1024}" -nodefaults \
		-nographic -no-reboot -serial "file:$5" -kernel "$kdir/boot/vmlinuz-$release" \
		-initrd "$3" -append "$4" </dev/null || true
}

bochs_config() { # MODEL CPUS CONSOLE; the sound is a dummy, as Bochs 2.7 crashes without a sound card
	cat <<-END
		cpu: model=$1, count=$2, ips=50000000, reset_on_triple_fault=0
		memory: guest=512, host=512
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
		ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$3
		display_library: rfb, options="timeout=0"
		clock: sync=none
		speaker: enabled=0
		sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
		log: $work/bochs.log
	END
}

# Bochs starts in its debugger and reads commands as long as its standard input is open. What is
# left of the serial line when the host powers off may be lost, so the console tells the end.
boot_bochs() {
	mkdir -p "$work/cd/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/cd/isolinux/"
	cp "$kdir/boot/vmlinuz-$release" "$work/cd/isolinux/vmlinuz"
	cp "$3" "$work/cd/isolinux/initrd"
	printf 'DEFAULT l\nLABEL l\nKERNEL vmlinuz\nINITRD initrd\nAPPEND %s\n' "$4" >"$work/cd/isolinux/isolinux.cfg"
	xorriso -as mkisofs -quiet -o "$work/cd.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$work/cd" 2>/dev/null
	bochs_config "$1" "$2" "$5" >"$work/bochsrc"
	echo c >"$work/rc"
	mkfifo "$work/stdin"
	: >"$5"
	timeout -s KILL "${RIG_TIMEOUT:-600}" "$(command -v bochs-bin || echo bochs)" -q -f "$work/bochsrc" \
		-rc "$work/rc" <"$work/stdin" >"$work/bochs.out" 2>&1 &
	rig_pid=$!
	exec 7>"$work/stdin"
	while kill -0 $rig_pid 2>/dev/null && ! grep -qa '^rig: end' "$5"; do sleep 1; done
	kill -TERM $rig_pid 2>/dev/null || true
	wait $rig_pid 2>/dev/null || true
	exec 7>&-
}

rig_report() {
	# The kernel may complain of the emulated CPU while it starts.
	tr -d '\r' <"$1" | sed -n '/^rig: start/,$p' >"$work/text"
	[ -s "$work/text" ] || tr -d '\r' <"$1" >"$work/text"
	grep -aE '^(ok|FAIL|skip|    |guest:|result)' "$work/text" || true
	passed=$(grep -ac '^ok ' "$work/text" || true)
	failed=$(grep -ac '^FAIL' "$work/text" || true)
	if grep -aqE 'BUG:|Oops|WARNING:|UBSAN:|ODEBUG:|Call Trace|Kernel panic' "$work/text"; then
		echo "FAIL the kernel complains:"
		grep -anE -A30 'BUG:|Oops|WARNING:|UBSAN:|ODEBUG:|Kernel panic' "$work/text" | head -60
		failed=$((failed + 1))
	fi
	if ! grep -aq '^rig: end' "$work/text"; then
		echo "FAIL the rig did not come to its end; the last lines:"
		tail -15 "$work/text"
		failed=$((failed + 1))
	fi
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
