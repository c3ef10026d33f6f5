#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a test guest from the distribution's packages (once; kept in cache/guests) and prints the
# path of its disk, CD, kernel or folder.
# Usage: scripts/guest.sh NAME      (scripts/guest.sh list: the names)
set -eu
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/packages.sh"
dir=$CACHE/guests
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A kernel package's vmlinuz: kernel META SUITE ARCH OUT
kernel() {
	name=$(pkg_depends "$1" '^linux-image-' "$2" "$3")
	k=$(pkg_dir "$name" "$2" "$3")
	cp "$k/boot/vmlinuz-${name#linux-image-}" "$4"
}

# GNU Mach's kernel, uncompressed: mach META ARCH OUT
mach() {
	name=$(pkg_depends "$1" '^gnumach-image-' trixie "$2")
	m=$(pkg_dir "$name" trixie "$2")
	zcat "$m"/boot/gnumach*.gz >"$3.new"
	mv "$3.new" "$3"
}

# A CD image from a folder that GRUB boots: grub_cd FOLDER OUT
grub_cd() {
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$2.new" "$1" >/dev/null 2>&1
	mv "$2.new" "$2"
}

# A CD image that isolinux boots, with its modules and a menu file of these lines.
isolinux_cd() { # OUT LINE...
	mkdir -p "$work/cd/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin "$work/cd/isolinux/"
	for m in ldlinux vesamenu hdt libcom32 libutil libmenu libgpl; do
		cp /usr/lib/syslinux/modules/bios/$m.c32 "$work/cd/isolinux/"
	done
	iso_out=$1
	shift
	printf '%s\n' "$@" >"$work/cd/isolinux/isolinux.cfg"
	xorriso -as mkisofs -quiet -o "$iso_out.new" -b isolinux/isolinux.bin -c isolinux/boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$work/cd" 2>/dev/null
	mv "$iso_out.new" "$iso_out"
}

# BusyBox as the only program of an initramfs; INIT is the script it starts; /lib has the MODULES,
# if any.
busybox_initrd() { # ARCH INIT OUT [MODULE...]
	bb=$(pkg_dir busybox-static "" "$1")
	rm -rf "$work/ird" && mkdir -p "$work/ird/bin" "$work/ird/proc" "$work/ird/sys" "$work/ird/dev" "$work/ird/tmp" "$work/ird/lib"
	cp "$bb/bin/busybox" "$work/ird/bin/"
	for a in $(/bin/busybox --list); do [ "$a" = busybox ] || ln -s busybox "$work/ird/bin/$a"; done
	printf '%s' "$2" >"$work/ird/init"
	chmod +x "$work/ird/init"
	ird_out=$3
	shift 3
	[ $# -eq 0 ] || cp "$@" "$work/ird/lib/"
	(cd "$work/ird" && find . | cpio -o -H newc --quiet --owner 0:0 | gzip -6) >"$ird_out.new"
	mv "$ird_out.new" "$ird_out"
}

# Modules of a kernel package and all that they need, dependencies first, as NN-name.ko in a
# folder: modules META ARCH FOLDER MODULE...
modules() {
	name=$(pkg_depends "$1" '^linux-image-' bookworm "$2")
	mod_tree=$(pkg_dir "$name" bookworm "$2")/lib/modules
	mod_out=$3 mod_n=10
	mkdir -p "$mod_out"
	shift 3
	for m in "$@"; do module_add "$m"; done
}

module_add() {
	# Names have - and _ as they please.
	ls "$mod_out" | tr - _ | grep -qx "[0-9]*_$(echo "$1" | tr - _).ko" && return 0
	mod_file=$(find "$mod_tree" -name "$(echo "$1" | sed 's/[-_]/[-_]/g').ko" | head -n 1)
	[ -n "$mod_file" ] || return 0 # built in
	for mod_dep in $(modinfo -F depends "$mod_file" | tr , ' '); do
		(module_add "$mod_dep")
	done
	mod_n=$((10 + $(ls "$mod_out" | wc -l)))
	cp "$mod_file" "$mod_out/$mod_n-$(basename "$mod_file")"
}

# An initramfs for network and virtio tests: net_initrd META ARCH OUT MODULE...
net_initrd() {
	net_meta=$1 net_arch=$2 net_out=$3
	shift 3
	modules "$net_meta" "$net_arch" "$work/modules" "$@"
	busybox_initrd "$net_arch" "$net_init" "$net_out" "$work"/modules/*.ko
}

# An initramfs with a sound card's modules, those of the speaker, and a player: sound_initrd META ARCH OUT MODULE...
sound_initrd() {
	sound_meta=$1 sound_arch=$2 sound_out=$3
	shift 3
	modules "$sound_meta" "$sound_arch" "$work/modules" "$@" snd-pcm-oss snd-mixer-oss pcspkr
	${CC:-gcc} -m32 -O2 -ffreestanding -fno-pic -fno-stack-protector -nostdlib -static -no-pie \
		-o "$work/tone" "$here/../test/guest/tone.c"
	busybox_initrd "$sound_arch" "$shell_init" "$sound_out" "$work"/modules/*.ko "$work/tone"
}

shell_init='#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in /lib/*.ko; do [ -e "$m" ] && insmod "$m"; done
echo "guest ready: $(uname -srm)"
setsid sh -c "PS1=\"guest# \" exec sh </dev/ttyS0 >/dev/ttyS0 2>&1"
poweroff -f
'

# The same with the network: `net IFACE` asks a DHCP server, `net IFACE ADDRESS` does not.
net_init=$(printf '%s\n' "$shell_init" | sed '/^for m/{
a\
mkdir -p /etc /root /dev/pts; mount -t devpts pts /dev/pts; ifconfig lo up 2>/dev/null\
cat >/etc/dhcp <<"E"\
#!/bin/sh\
[ "$1" = bound ] || exit 0\
ifconfig $interface $ip netmask $subnet\
route add default gw $router dev $interface\
echo "nameserver $dns" >/etc/resolv.conf\
echo "dhcp: $ip router $router dns $dns"\
E\
cat >/bin/net <<"E"\
#!/bin/sh\
ifconfig $1 ${2:-0.0.0.0} up || exit 1\
[ -n "$2" ] || udhcpc -q -n -t 20 -i $1 -s /etc/dhcp\
E\
chmod +x /etc/dhcp /bin/net
}')

make_guest() {
	case $1 in
	memtest-cd) ln -sf /usr/lib/memtest86+/memtest86+x64.iso "$2" ;;
	memtest32-cd) ln -sf /usr/lib/memtest86+/memtest86+ia32.iso "$2" ;;
	grub-cd) ln -sf /usr/lib/grub-rescue/grub-rescue-cdrom.iso "$2" ;;
	grub-floppy)
		# The package's image has no floppy's size: pad it to 2.88 MB.
		cp /usr/lib/grub-rescue/grub-rescue-floppy.img "$2.new"
		size=$(stat -c %s "$2.new")
		[ "$size" -le 1474560 ] && truncate -s 1474560 "$2.new" || truncate -s 2949120 "$2.new"
		mv "$2.new" "$2" ;;
	ipxe-cd) ln -sf /usr/lib/ipxe/ipxe.iso "$2" ;;
	ipxe-lkrn) ln -sf /usr/lib/ipxe/ipxe.lkrn "$2" ;;
	vesamenu-cd)
		isolinux_cd "$2" 'UI vesamenu.c32' 'MENU TITLE Guestmode test menu' 'MENU RESOLUTION 640 480' \
			'LABEL hdt' 'MENU LABEL Hardware Detection Tool' 'COM32 hdt.c32' \
			'LABEL local' 'MENU LABEL Boot from disk' 'LOCALBOOT 0x80' ;;
	hdt-cd)
		# The Hardware Detection Tool at once, without the menu; vga.c32 has its text mode.
		isolinux_cd "$2" 'DEFAULT hdt' 'LABEL hdt' 'COM32 hdt.c32' 'APPEND nomenu auto="show summary; show dmi; show pci"' ;;
	invaders)
		i=$(pkg_dir grub-invaders)
		cp "$i/boot/invaders.exec" "$2" ;;
	invaders-cd)
		mkdir -p "$work/cd/boot/grub"
		i=$("$0" invaders)
		cp "$i" "$work/cd/boot/invaders.exec"
		printf 'set timeout=0\nmenuentry i {\n multiboot /boot/invaders.exec\n}\n' >"$work/cd/boot/grub/grub.cfg"
		grub_cd "$work/cd" "$2" ;;
	mach-486) mach gnumach-image-1-486 i386 "$2" ;;
	mach-amd64) mach gnumach-image-1-amd64 amd64 "$2" ;;
	linux-6.1-cloud) kernel linux-image-cloud-amd64 bookworm amd64 "$2" ;;
	linux-6.1-amd64) kernel linux-image-amd64 bookworm amd64 "$2" ;;
	linux-6.1-686) kernel linux-image-686 bookworm i386 "$2" ;;
	linux-6.1-686-pae) kernel linux-image-686-pae bookworm i386 "$2" ;;
	linux-5.10-cloud) kernel linux-image-cloud-amd64 bullseye amd64 "$2" ;;
	linux-6.12-cloud) kernel linux-image-cloud-amd64 trixie amd64 "$2" ;;
	vmlinux-6.1-cloud)
		# The uncompressed ELF inside a bzImage, which carries the PVH note.
		"$here/extract-vmlinux.py" "$("$0" linux-6.1-cloud)" "$2.new" && mv "$2.new" "$2" ;;
	initrd-amd64) busybox_initrd amd64 "$shell_init" "$2" ;;
	initrd-amd64-floppy)
		# The floppy driver of the generic kernel.
		name=$(pkg_depends linux-image-amd64 '^linux-image-' bookworm amd64)
		k=$(pkg_dir "$name" bookworm amd64)
		busybox_initrd amd64 "$shell_init" "$2" "$k/lib/modules/${name#linux-image-}/kernel/drivers/block/floppy.ko" ;;
	initrd-net-cloud)
		net_initrd linux-image-cloud-amd64 amd64 "$2" virtio_pci virtio_net virtio_blk virtio-rng \
			virtio_balloon virtio_console ;;
	initrd-screen-amd64)
		# A frame buffer, pointers, a CD drive.
		net_initrd linux-image-amd64 amd64 "$2" ata_piix sr_mod isofs psmouse evdev uhci-hcd usbhid \
			hid-generic bochs ;;
	initrd-net-amd64)
		net_initrd linux-image-amd64 amd64 "$2" e1000 8139cp ne2k-pci virtio_pci virtio_net \
			virtio_blk virtio-rng ;;
	initrd-net-i386)
		# ne, the driver of ISA cards, wants to be told: insmod /lib/*-ne.ko io=0x300 irq=3
		net_initrd linux-image-686 i386 "$2" e1000 8139cp ne2k-pci ne ;;
	initrd-sound-amd64) sound_initrd linux-image-amd64 amd64 "$2" snd-intel8x0 ;;
	# The driver of an ISA card wants to be told: insmod /lib/*-snd-sb16.ko ...
	initrd-sound-i386) sound_initrd linux-image-686 i386 "$2" snd-sb16 ;;
	initrd-bench-io)
		net_initrd linux-image-amd64 amd64 "$2" ata_piix sd_mod e1000 virtio_pci virtio_net virtio_blk ;;
	initrd-root-amd64)
		# The generic kernel's disk and network drivers, then the system of the first disk.
		modules linux-image-amd64 amd64 "$work/modules" ata_piix sd_mod ext4 crc32c_generic virtio_pci \
			virtio_blk e1000 8139cp ne2k-pci virtio_net
		busybox_initrd amd64 "$(printf '%s\n' "$shell_init" | sed '/^echo/,$d')
mkdir /root
for i in 1 2 3 4 5 6 7 8 9 10; do
	for d in /dev/vda1 /dev/sda1; do
		[ -b \$d ] && mount -t ext4 \$d /root && exec switch_root /root /sbin/init
	done
	sleep 1
done
exec sh
" "$2" "$work"/modules/*.ko ;;
	initrd-xen)
		# The shell of dom0 is on Xen's console.
		busybox_initrd amd64 "$(echo "$shell_init" | sed s/ttyS0/hvc0/g)
" "$2" ;;
	xen-cd)
		# GRUB starts Xen by multiboot 2, Xen the generic kernel as its dom0.
		mkdir -p "$work/cd/boot/grub"
		x=$(pkg_dir xen-hypervisor-4.17-amd64 bookworm amd64)
		zcat "$x/boot/xen-4.17-amd64.gz" >"$work/cd/boot/xen"
		cp "$("$0" linux-6.1-amd64)" "$work/cd/boot/vmlinuz"
		cp "$("$0" initrd-xen)" "$work/cd/boot/initrd"
		printf '%s\n' 'set timeout=0' 'menuentry x {' \
			' multiboot2 /boot/xen console=com1 com1=115200,8n1 dom0_mem=512M,max:512M' \
			' module2 /boot/vmlinuz console=hvc0 quiet' ' module2 /boot/initrd' '}' >"$work/cd/boot/grub/grub.cfg"
		grub_cd "$work/cd" "$2" ;;
	installer-cd-*)
		# The Debian installer for the network, from a CD: its menu has the serial line and the screen.
		mkdir -p "$work/cd/boot/grub"
		d=$(pkg_dir "debian-installer-12-netboot-${1#installer-cd-}" bookworm amd64)
		cp "$d"/usr/lib/debian-installer/images/12/*/text/debian-installer/*/linux \
			"$d"/usr/lib/debian-installer/images/12/*/text/debian-installer/*/initrd.gz "$work/cd/boot/"
		printf '%s\n' 'serial --unit=0 --speed=115200' 'terminal_input serial console' 'terminal_output serial console' \
			'set timeout=-1' \
			'menuentry "serial line" --hotkey=s {' ' linux /boot/linux console=ttyS0 quiet' ' initrd /boot/initrd.gz' '}' \
			'menuentry "screen" --hotkey=v {' ' insmod all_video' ' set gfxpayload=800x600x32' \
			' linux /boot/linux vga=788 quiet' ' initrd /boot/initrd.gz' '}' >"$work/cd/boot/grub/grub.cfg"
		grub_cd "$work/cd" "$2" ;;
	initrd-i386) busybox_initrd i386 "$shell_init" "$2" ;;
	debian-disk) "$here/debian-disk.sh" amd64 "$2" >&2 ;;
	demo-disk) "$here/demo-disk.sh" "$2" >&2 ;;
	linux-disk-amd64) "$here/demo-disk.sh" "$2" linux-image-amd64 amd64 >&2 ;;
	linux-disk-686) "$here/demo-disk.sh" "$2" linux-image-686 i386 >&2 ;;
	linux-disk-686-pae) "$here/demo-disk.sh" "$2" linux-image-686-pae i386 >&2 ;;
	linux-cd-*)
		# A GRUB CD with a kernel and the initramfs: linux-cd-686 and so on.
		flavour=${1#linux-cd-} arch=amd64
		case $flavour in 686*) arch=i386 ;; esac
		mkdir -p "$work/cd/boot/grub"
		cp "$("$0" linux-6.1-$flavour)" "$work/cd/boot/vmlinuz"
		cp "$("$0" initrd-$arch)" "$work/cd/boot/initrd"
		printf 'set timeout=0\nmenuentry l {\n linux /boot/vmlinuz console=ttyS0 quiet\n initrd /boot/initrd\n}\n' \
			>"$work/cd/boot/grub/grub.cfg"
		grub_cd "$work/cd" "$2" ;;
	*) echo "guest.sh: no guest named $1" >&2; return 1 ;;
	esac
}

if [ "${1:-}" = list ]; then
	sed -n 's/^\t\([a-z0-9.-]*\)).*/\1/p' "$0" | grep -v '^$'
	exit 0
fi
path=$dir/${1:?usage: guest.sh NAME}
# These disks are made again when their scripts have changed.
case $1 in
demo-disk | debian-disk) make_guest "$1" "$path" ;;
*) [ -e "$path" ] || make_guest "$1" "$path" ;;
esac
echo "$path"
