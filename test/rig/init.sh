#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the emulated host: a function per test (run.sh --only), a line per result.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t debugfs debug /sys/kernel/debug 2>/dev/null
dmesg -c >/dev/null
TESTS="programs reload boot smp irqchip clock kill coexist"
. /rig.conf
echo
echo "rig: start"
result() { # NAME STATUS
	if [ "$2" = 0 ]; then echo "ok   $1"; else echo "FAIL $1"; fi
}

kvm_load() {
	for m in irqbypass ccp kvm kvm-amd kvm-intel; do
		[ -f /$m.ko ] && insmod /$m.ko 2>/dev/null
	done
}

test_programs() {
	/rigtest /dev/guestmode "$MATCH"
}

reload() { # PARAMETER...
	rmmod guestmode && insmod /guestmode.ko "$@"
}

# Shadow paging, on CPUs that have nested paging too.
test_shadow() {
	reload $PARAMS nested=0
	result "insmod nested=0" $?
	/rigtest /dev/guestmode "$MATCH"
	reload $PARAMS
}

# KiB of memory that the kernel has in use for itself.
kernel_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(Slab|VmallocUsed|Percpu|PageTables|KernelStack):/ {n += $2} END {print n}' /proc/meminfo
}

# The same programs on in-tree KVM, to compare with; not among the usual tests.
test_kvm() {
	kvm_load
	/rigtest /dev/kvm "$KVM_MATCH"
}

test_reload() {
	before=$(kernel_memory)
	n=0
	while [ $n -lt 100 ]; do
		[ $((n % 10)) != 0 ] || /rigtest /dev/guestmode "real mode" >/dev/null || break
		reload $PARAMS || break
		n=$((n + 1))
	done
	after=$(kernel_memory)
	[ $n = 100 ] && [ $((after - before)) -lt 2048 ]
	result "rmmod and insmod 100 times with VMs in between, $((after - before)) KiB more in use" $?
}

# SIGKILL to a running VMM: all that it had is gone, and the module can be removed.
test_kill() {
	before=$(kernel_memory)
	n=0
	while [ $n -lt 5 ]; do
		/vmm run --accel guestmode --display none --memory 128M --kernel /vmlinuz --initrd /guest.img \
			--append "console=ttyS0 panic=-1" --serial stdio </dev/null >/dev/null 2>&1 &
		usleep $((300000 + n * 400000))
		kill -9 $!
		wait $! 2>/dev/null
		n=$((n + 1))
	done
	sleep 1
	after=$(kernel_memory)
	[ "$(awk '$1 == "guestmode" {print $3}' /proc/modules)" = 0 ] && [ $((after - before)) -lt 2048 ] &&
		rmmod guestmode && insmod /guestmode.ko $PARAMS
	result "kill -9 of running VMMs leaves nothing, $((after - before)) KiB more in use" $?
}

# All ioctls with hostile arguments from many threads; the host's kernel tells what went wrong.
test_fuzz() {
	/rigtest /dev/guestmode fuzz $FUZZ $SEED
	result "$FUZZ seconds of hostile ioctls" $?
	[ -e /sys/kernel/debug/kmemleak ] || return 0
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	[ ! -s /sys/kernel/debug/kmemleak ] && [ -z "$(cat /sys/kernel/debug/kmemleak)" ]
	s=$?
	result "no memory is lost" $s
	[ $s = 0 ] || head -60 /sys/kernel/debug/kmemleak | sed 's/^/    /'
}

# Guest memory under the host's memory management. For the page of 1 GiB: run.sh --append "hugepagesz=1G hugepages=1".
test_host() {
	insmod /brd.ko rd_nr=1 rd_size=131072 && mkswap /dev/ram0 >/dev/null && swapon /dev/ram0
	result "swap in memory" $?
	/rigtest /dev/guestmode host:
	swapoff /dev/ram0
}

boot_guest() { # CPUS OPTION...
	cpus=$1
	shift
	timeout 400 /vmm run --accel guestmode --cpus $cpus "$@" --display none --no-reboot --memory 128M --kernel /vmlinuz --initrd /guest.img \
		--append "console=ttyS0 quiet panic=-1" --serial stdio </dev/null >${log:=/tmp/guest.log} 2>&1 || return
	grep -q "^guest: .* $cpus CPU" $log
}

boot_result() { # NAME STATUS
	result "$1" $2
	tr -d '\r' </tmp/guest.log | { [ $2 = 0 ] && grep '^guest:' || tail -20 | sed 's/^/    /'; }
}

test_boot() {
	boot_guest ${1:-1}
	boot_result "vmm run --accel guestmode boots Linux on ${1:-1} CPU" $?
}

# Two machines at once.
test_pair() {
	(log=/tmp/other.log; boot_guest 1) &
	boot_guest 1
	s=$?
	wait $!
	boot_result "two machines at once: the first" $s
	grep -q '^guest: ' /tmp/other.log
	result "two machines at once: the second" $?
}

# Two vCPUs with the kernel's interrupt controllers.
test_irqchip() {
	boot_guest 2 --irqchip kernel
	boot_result "vmm run --irqchip kernel boots Linux on 2 CPU" $?
}

test_irqchip_kvm() {
	kvm_load
	boot_guest 2 --accel kvm --irqchip kernel
	boot_result "the same on in-tree KVM" $?
}

now() { cut -d ' ' -f 1 /proc/uptime; }

# The guest's time, between the host's before and after.
clock_ask() {
	n=$(grep -c '^[0-9][0-9.]* [0-9]' /tmp/guest.log)
	before=$(now)
	echo x >&3
	while [ "$(grep -c '^[0-9][0-9.]* [0-9]' /tmp/guest.log)" = "$n" ]; do
		kill -0 $machine 2>/dev/null || return 1
		usleep 10000
	done
	after=$(now)
	guest=$(grep '^[0-9][0-9.]* [0-9]' /tmp/guest.log | tail -n 1 | cut -d ' ' -f 1)
}

# The guest's clock keeps the host's pace to a second in an hour, as far as readings with two decimals tell,
# and stands while the machine is paused. What is known of each moment is a pair of bounds.
clock_run() { # ACCELERATOR
	rm -f /tmp/clock.in
	mkfifo /tmp/clock.in
	exec 3<>/tmp/clock.in
	timeout 300 /vmm run --accel $1 --name clock --display none --no-reboot --memory 128M --kernel /vmlinuz --initrd /guest.img \
		--append "console=ttyS0 quiet panic=-1 rig.clock" --serial stdio <&3 >/tmp/guest.log 2>&1 3>&- &
	machine=$!
	until grep -q '^guest:' /tmp/guest.log; do
		kill -0 $machine 2>/dev/null || return 1
		usleep 100000
	done
	clock_ask || return
	first="$before $after $guest"
	pause="$(now)"
	/vmm pause clock >/dev/null || return
	pause="$pause $(now)"
	sleep 5
	pause="$pause $(now)"
	/vmm resume clock >/dev/null || return
	pause="$pause $(now)"
	sleep 20
	clock_ask || return
	echo "$first $pause $before $after $guest" | awk '{
		low = $8 - $2 - ($7 - $4) - 0.03
		high = $9 - $1 - ($6 - $5) + 0.03
		low -= low / 3600; high += high / 3600
		printf "%.2f s passed in the guest, %.2f to %.2f s in the host, without a pause of %.2f s\n", $10 - $3, low, high, $6 - $5
		exit !($10 - $3 >= low && $10 - $3 <= high)
	}' >/tmp/clock.out
}

test_clock() {
	accel=${1:-guestmode}
	clock_run $accel
	s=$?
	result "clock and pause with --accel $accel" $s
	sed 's/^/    /' /tmp/clock.out
	[ $s = 0 ] || tail -5 /tmp/guest.log
	/vmm kill clock >/dev/null 2>&1
	exec 3>&-
	rm -f /tmp/clock.out
}

test_clock_kvm() {
	kvm_load
	test_clock kvm
}

# What a guest writes into its frame buffer reaches a VNC client (screen.c).
test_screen() {
	accel=${1:-guestmode}
	/rigtest screen $accel
	result "a VNC client sees what a VESA guest draws, with --accel $accel" $?
}

test_screen_kvm() {
	kvm_load
	test_screen kvm
}

test_smp() {
	test_boot 2
}

# In-tree KVM is loaded (below) before our module; here it has guests, again and again, while ours run. The
# modes are what it is asked for: other tests find faults of the emulated CPUs, and some never end there.
test_coexist() {
	if [ ! -c /dev/kvm ]; then
		result "in-tree KVM is loaded" 1
		return
	fi
	rm -f /tmp/ended /tmp/kvm.differs
	while [ ! -e /tmp/ended ]; do
		/rigtest /dev/kvm mode >/tmp/kvm.again
		cmp -s /tmp/kvm.before /tmp/kvm.again || cp /tmp/kvm.again /tmp/kvm.differs
	done &
	/rigtest /dev/guestmode "$MATCH" >/tmp/again && { [ -d /sys/module/kvm_amd ] || [ -d /sys/module/kvm_intel ]; }
	s=$?
	touch /tmp/ended
	result "all tests again while in-tree KVM runs guests" $s
	[ $s = 0 ] || grep -v ^ok /tmp/again
	wait
	[ ! -e /tmp/kvm.differs ] && grep -q '^ok ' /tmp/kvm.again
	s=$?
	result "in-tree KVM's guests do as they did without guestmode" $s
	[ $s = 0 ] || sed 's/^/    /' /tmp/kvm.differs
}

TESTS=${ONLY:-$TESTS}
case " $TESTS " in *" coexist "*)
	kvm_load
	[ ! -c /dev/kvm ] || /rigtest /dev/kvm mode >/tmp/kvm.before
esac
insmod /guestmode.ko $PARAMS
result "insmod" $?
dmesg | grep guestmode
for t in $TESTS; do
	test_$t
done
rmmod guestmode
result "rmmod" $?
dmesg | grep -E -A20 'BUG:|WARNING:|UBSAN:|ODEBUG:|Oops'
echo "rig: end"
echo
sync
sleep 1
poweroff -f
