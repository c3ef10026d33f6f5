#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the emulated host: the tests, one line each.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo
result() { # NAME STATUS
	if [ "$2" = 0 ]; then echo "ok   $1"; else echo "FAIL $1"; fi
}

for m in irqbypass ccp kvm kvm-amd; do
	[ -f /$m.ko ] && insmod /$m.ko 2>/dev/null
done
[ ! -c /dev/kvm ] || /rigtest /dev/kvm >/tmp/kvm.before
insmod /guestmode.ko
result "insmod" $?
dmesg | grep guestmode
/rigtest
n=0
while [ $n -lt 20 ]; do
	rmmod guestmode && insmod /guestmode.ko || break
	n=$((n + 1))
done
[ $n = 20 ]
result "rmmod and insmod 20 times" $?

boot_guest() {
	timeout 100 /vmm run --accel guestmode --display none --no-reboot --memory 128M --kernel /vmlinuz --initrd /guest.img \
		--append "console=ttyS0 quiet panic=-1" --serial stdio </dev/null >/tmp/guest.log 2>&1
	grep -q '^guest: 6' /tmp/guest.log
}
boot_guest
s=$?
result "vmm run --accel guestmode boots Linux" $s
tr -d '\r' </tmp/guest.log | { [ $s = 0 ] && grep '^guest:' || tail -20 | sed 's/^/    /'; }
if [ -c /dev/kvm ]; then
	/rigtest /dev/kvm >/tmp/kvm.again &
	/rigtest >/tmp/again && [ -d /sys/module/kvm_amd ]
	s=$?
	result "all tests again while kvm_amd runs guests" $s
	[ $s = 0 ] || grep -v ^ok /tmp/again
	wait
	cmp -s /tmp/kvm.before /tmp/kvm.again && grep -q '^ok ' /tmp/kvm.again
	result "kvm_amd's guests do as they did without guestmode" $?
fi
rmmod guestmode
result "rmmod" $?
dmesg | grep -E -A20 'BUG:|WARNING:|Oops'
echo "rig: end"
poweroff -f
