#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the emulated host for `make bench-rig`: the in-tree driver and ours, side by side.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo

insert() { # PAGING: nested or shadow, for both drivers
	[ "$1" = nested ] && n=1 || n=0
	for m in irqbypass ccp kvm; do
		[ -d /sys/module/$m ] || insmod /$m.ko 2>/dev/null
	done
	insmod /kvm-amd.ko npt=$n 2>/dev/null || insmod /kvm-intel.ko ept=$n
	insmod /guestmode.ko nested=$n
}

boot() { # ACCELERATOR: units that it takes vmm to boot Linux and power it off
	from=$(/exits tsc)
	timeout 300 /vmm run --accel $1 --display none --no-reboot --memory 128M --kernel /vmlinuz --initrd /guest.img \
		--append "console=ttyS0 quiet panic=-1" --serial stdio </dev/null >/tmp/guest.log 2>&1
	to=$(/exits tsc)
	if grep -q '^guest: ' /tmp/guest.log; then echo $(((to - from) / 1000000)); else echo failed; fi
}

for paging in nested shadow; do
	insert $paging
	echo "table: $paging paging; units: instructions     in-tree  guestmode  ratio"
	/exits /dev/kvm /dev/guestmode | sed 's/^/table: /'
	kvm=$(boot kvm)
	ours=$(boot guestmode)
	echo "table: kernel boot (millions)        $kvm        $ours"
	rmmod guestmode
	rmmod kvm-amd 2>/dev/null || rmmod kvm-intel
done
dmesg | grep -E -A20 'BUG:|WARNING:|Oops'
echo "rig: end"
poweroff -f
