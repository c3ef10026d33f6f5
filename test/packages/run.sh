#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `make check-packages`: builds the Debian and RPM packages and lives through what a user does with
# them: install, a new kernel, a kernel that the driver does not build on, upgrade, removal, purge; all in
# Debian roots of its own (debootstrap: as root). What DKMS built there is then loaded in an emulated
# host, where the installed vmm boots the demonstration disk. A line per check, "N passed, N failed".
# Usage: run.sh [--built FOLDER]   FOLDER keeps the packages of an earlier run, or will keep these
set -u
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
. scripts/packages.sh
work=$(mktemp -d)
root=$work/root
passed=0 failed=0
unmount() {
	for d in dev proc; do
		for r in "$work"/*/"$d"; do ! mountpoint -q "$r" || umount -l "$r"; done
	done
}
trap 'unmount; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
one=$work/one
[ "${1:-}" != --built ] || one=$2

result() { # NAME STATUS [LOG]
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		echo "ok   $1"
	else
		failed=$((failed + 1))
		echo "FAIL $1"
		[ -z "${3:-}" ] || tail -n 25 "$3" | sed 's/^/    /'
	fi
	return "$2"
}
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
[ "$(id -u)" = 0 ] || { echo "FAIL check-packages makes a Debian root: run it as root"; failed=1 && finish; }
version=$(cat VERSION)
newer=$version.1
log=$work/log

# ---- the packages themselves ----
tarball() { # OUTPUT: what `make dist` packs
	rm -rf "$1" && mkdir -p "$1" &&
		git archive --prefix="guestmode-$version/" HEAD | gzip -9n >"$1/guestmode-$version.tar.gz"
}
build() { # OUTPUT
	tarball "$1" && packaging/build-deb.sh "$1/guestmode-$version.tar.gz" "$1" &&
		packaging/build-rpm.sh "$1/guestmode-$version.tar.gz" "$1"
}
if [ ! -f "$one/guestmode-$version-1.x86_64.rpm" ]; then
	build "$one" >"$log" 2>&1
	result "packages are built" $? "$log" || finish
	# Another time zone, mask, language, number of jobs; the folder is another one anyway.
	(umask 077 && DEB_BUILD_OPTIONS="nocheck parallel=1" RPM_BUILD_NCPUS=1 TZ=Asia/Kathmandu LANG=C LC_ALL=C \
		build "$work/two") >"$log" 2>&1
	(cd "$one" && sha256sum -- *.deb *.rpm *.tar.gz) >"$work/sums"
	(cd "$work/two" && sha256sum -c "$work/sums") >"$log" 2>&1
	result "two builds are equal, byte by byte" $? "$log"
fi
lintian --allow-root --info --pedantic --fail-on error,warning,info,pedantic "$one"/*.changes >"$log" 2>&1 &&
	! grep -q '^[EWIP]:' "$log"
result "lintian has nothing to say" $? "$log"
for f in debian/*lintian-overrides debian/source/lintian-overrides; do
	awk -v f="$f" '!/^#/ && NF && !said {print f ": not explained: " $0} {said = /^# / && !/SPDX/}' "$f"
done >"$log"
[ ! -s "$log" ]
result "what lintian is told to leave is explained" $? "$log"
rpmlint -c rpm/rpmlint.toml "$one"/*.rpm >"$log" 2>&1 && ! grep -qE ': [EW]: ' "$log"
result "rpmlint has nothing to say" $? "$log"
sed "s/@VERSION@/$version/" rpm/guestmode.spec.in >"$work/guestmode.spec"
for d in "fedora 41" "rhel 9" "suse_version 1600"; do
	rpmspec --define "$d" -q --requires "$work/guestmode.spec" >"$log" 2>&1
	result "the spec is read where $d is set" $? "$log"
done

# Documentation, licences and what RPM keeps of builds have different places, and the hooks for new
# kernels are Debian's; the rest must be the same.
place() {
	grep -vE '^/(usr/(share/(doc|licenses|lintian)|lib/(\.build-id|debug))|etc/kernel)(/|$)' | grep -v '/$' |
		sed 's/\.gz$//' | sort
}
for p in guestmode guestmode-dkms; do
	dpkg-deb -c "$(ls "$one"/${p}_*.deb)" | awk '$1 !~ /^d/ {print substr($6, 2)}' | place >"$work/deb.list"
	rpm -qpl --nosignature "$one"/$p-"$version"-*[4h].rpm 2>/dev/null | place >"$work/rpm.all"
	: >"$work/rpm.list"
	while read -r f; do # folders that RPM lists too
		grep -q "^$f/" "$work/rpm.all" || echo "$f" >>"$work/rpm.list"
	done <"$work/rpm.all"
	diff "$work/deb.list" "$work/rpm.list" >"$log"
	result "deb and rpm of $p hold the same files" $? "$log"
	dpkg-deb -c "$(ls "$one"/${p}_*.deb)" | awk '$1 ~ /[sStT]/ || $2 != "root/root"' >"$log"
	[ ! -s "$log" ]
	result "nothing in $p runs with another's rights" $? "$log"
done
for p in $(sed -n 's/^PKGS := \([^$]*\).*/\1/p; s/^OPTIONAL := $(foreach p,\([^,]*\),.*/\1/p' Makefile); do
	grep -q "pkgconfig($p)" rpm/guestmode.spec.in || echo "rpm/guestmode.spec.in: $p is missing"
done >"$log"
[ ! -s "$log" ]
result "the spec asks for every library" $? "$log"

# ---- a Debian root, and copies of it ----
in_dir() { # ROOT COMMAND...
	in_root=$1
	shift
	chroot "$in_root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
apt_dir() { in_root=$1 && shift && in_dir "$in_root" apt-get -y -q --no-install-recommends "$@"; }
in_root() { in_dir "$root" "$@"; }
apt_in() { apt_dir "$root" "$@"; }
populate() { # ROOT: ready to run programs
	mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && apt_dir "$1" update
}
pkg_apt
debs=$CACHE/debootstrap
mkdir -p "$debs"
debs=$(cd "$debs" && pwd)
debootstrap --variant=minbase --cache-dir="$debs" "$pkg_suite" "$work/base" "$pkg_uri" >"$log" 2>&1
result "a Debian root" $? "$log" || finish
apt-config dump | grep -iE '^Acquire::[^ ]*prox' >"$work/base/etc/apt/apt.conf.d/80host" || true
! [ -f /etc/resolv.conf ] || cp -L /etc/resolv.conf "$work/base/etc/resolv.conf"
# Services do not start in a root that is not running.
printf '#!/bin/sh\nexit 101\n' >"$work/base/usr/sbin/policy-rc.d" && chmod 755 "$work/base/usr/sbin/policy-rc.d"
cp -n "$debs"/*.deb "$work/base/var/cache/apt/archives/"
keep_debs() { cp -n "$1"/var/cache/apt/archives/*.deb "$debs/" 2>/dev/null || true; }

# A machine with nothing but what the packages ask for, without git, and another version in VERSION.
builder=$work/builder
if [ ! -f "$one/newer/guestmode_$newer-1_amd64.deb" ]; then
	cp -a "$work/base" "$builder" && mkdir "$builder/src" "$builder/src/tree" &&
		tarball "$work/dist" && tar -xzf "$work/dist/guestmode-$version.tar.gz" -C "$builder/src/tree" &&
		mv "$builder/src/tree/guestmode-$version" "$builder/src/tree/guestmode-$newer" &&
		echo "$newer" >"$builder/src/tree/guestmode-$newer/VERSION" && cp -a debian "$builder/src/" &&
		tar -C "$builder/src/tree" -czf "$builder/src/guestmode-$newer.tar.gz" "guestmode-$newer" &&
		cp -a packaging "$builder/src/" && populate "$builder" >"$log" 2>&1 &&
		apt_dir "$builder" install dpkg-dev >>"$log" 2>&1 && cp -a debian "$builder/src/tree/" &&
		apt_dir "$builder" build-dep /src/tree >>"$log" 2>&1 && ! [ -e "$builder/usr/bin/git" ] &&
		in_dir "$builder" env DEB_BUILD_OPTIONS=nocheck /src/packaging/build-deb.sh \
			"/src/guestmode-$newer.tar.gz" /src/out >>"$log" 2>&1 && cp -r "$builder/src/out" "$one/newer"
	result "version $newer builds without git, with what debian/control names only" $? "$log"
	keep_debs "$builder"
	unmount
fi

# ---- a Debian system that uses them ----
built() { find "$root/lib/modules" -name 'guestmode.ko*' | wc -l; } # how many kernels have the module
cp -a "$work/base" "$root" && mkdir "$root/debs" && populate "$root" >"$log" 2>&1
cp "$one"/*.deb "$one"/newer/*.deb "$root/debs/"
old_debs="/debs/guestmode_$version-1_amd64.deb /debs/guestmode-dkms_$version-1_all.deb"
new_debs="/debs/guestmode_$newer-1_amd64.deb /debs/guestmode-dkms_$newer-1_all.deb"
kernel_of() { # FLAVOUR: the release that a meta package stands for
	in_root apt-cache depends "linux-headers-$1" | sed -n 's/^ *Depends: linux-headers-\([0-9].*\)/\1/p' | head -n 1
}
kernel=$(kernel_of cloud-amd64) second=$(kernel_of rt-amd64) third=$(kernel_of amd64)
audit() { [ -z "$(in_root dpkg --audit)" ] && apt_in check >/dev/null; }
# Everything that they lean on comes first: then what is new afterwards is theirs.
leans=$(apt_in -s install $old_debs | awk '$1 == "Inst" && $2 !~ /^guestmode/ {print $2}')
apt_in install $leans iproute2 "linux-headers-$kernel" >"$log" 2>&1
result "a system with DKMS and the headers of kernel $kernel" $? "$log"
files() { (cd "$root" && find . -xdev ! -path './var/cache/*' ! -path './var/log/*' ! -path './var/lib/apt/*' | sort) }
files >"$work/before"

apt_in install $old_debs >"$log" 2>&1 && audit
result "apt installs both packages" $? "$log"
[ "$(built)" = 1 ]
result "DKMS built and installed the module" $? "$log"
in_root vmm version >"$log" 2>&1 && grep -q "$version" "$log"
result "the installed vmm runs" $? "$log"
in_root getent group kvm | grep -q guestmode && in_root getent passwd guestmode >/dev/null
result "user guestmode is there and belongs to group kvm" $?
mkdir -p "$root/etc/guestmode" && touch "$root/etc/guestmode/test.conf"
in_root systemd-analyze --man=no verify vmm@test.service >"$log" 2>&1 && ! grep -q 'vmm@' "$log"
result "systemd takes the unit" $? "$log"
rm -r "$root/etc/guestmode"
if [ -c /dev/net/tun ]; then
	unshare -n chroot "$root" sh -c 'vmm-ifup up tap7 guestmode && ip -d link show tap7 &&
		vmm-ifup down tap7 && ! ip link show tap7' >"$log" 2>&1 && grep -qE 'user (guestmode|[0-9])' "$log"
	result "vmm-ifup makes a user's interface and removes it" $? "$log"
fi

apt_in install "linux-headers-$second" >"$log" 2>&1
[ "$(built)" = 2 ] && [ -n "$(find "$root/lib/modules/$second" -name 'guestmode.ko*')" ]
result "headers of a second kernel arrive: built by itself" $? "$log"

# ---- a kernel on which the build fails ----
kbuild=$root/usr/src/guestmode-$version/module/Kbuild
cp "$kbuild" "$work/Kbuild"
printf 'ifeq ($(KERNELRELEASE),%s)\n$(error no such kernel is known)\nendif\n' "$third" >>"$kbuild"
apt_in install "linux-headers-$third" >"$log" 2>&1 && audit
result "it does not build on a third kernel: apt installs that all the same" $? "$log"
grep -q "^guestmode-dkms: the driver $version could not be built for kernel $third" "$log" && [ "$(built)" = 2 ]
result "and says what is missing, and why" $? "$log"
apt_in install hello >"$log" 2>&1 && audit && apt_in purge hello >>"$log" 2>&1
result "apt goes on working" $? "$log"
cp "$work/Kbuild" "$kbuild"

# ---- upgrade, with a kernel that nothing can be built for ----
makefile=$root/usr/src/linux-headers-$third/Makefile
cp "$makefile" "$work/Makefile" && printf '$(error this kernel cannot build modules)\n' >"$makefile"
apt_in install $new_debs >"$log" 2>&1 && audit && in_root vmm version | grep -q "$newer"
result "upgrade to a higher version" $? "$log"
grep -q "^guestmode-dkms: the driver $newer could not be built for kernel $third" "$log"
result "which names the kernel that it does not build on" $? "$log"
cp "$work/Makefile" "$makefile"
[ "$(built)" = 2 ] && [ ! -d "$root/usr/src/guestmode-$version" ] && [ ! -d "$root/var/lib/dkms/guestmode/$version" ] &&
	in_root dkms status -m guestmode -k "$kernel" | grep -q "$newer.*installed"
result "after it the old sources and builds are gone, the new ones are installed" $? "$log"
in_root dkms install -m guestmode -v "$newer" -k "$third" >"$log" 2>&1 && [ "$(built)" = 3 ]
result "the kernel in order again, the command that was named builds it" $? "$log"

# ---- what was installed, running ----
(cd "$root/debs" && in_root sh -c 'cd /debs && apt-get -q download "$1" && dpkg -x linux-image*.deb /debs/kernel' \
	sh "linux-image-$kernel") >"$log" 2>&1 &&
	scripts/demo-disk.sh "$CACHE/guests/demo-disk" >>"$log" 2>&1 &&
	test/packages/boot.sh "$root" "$root/debs/kernel" "$kernel" "$CACHE/guests/demo-disk" >>"$log" 2>&1
result "DKMS's module is loaded and the installed vmm boots the demonstration disk on it" $? "$log"
keep_debs "$root"

# ---- removal ----
apt_in remove guestmode guestmode-dkms >"$log" 2>&1 && audit && [ "$(built)" = 0 ]
result "removal" $? "$log"
apt_in install --reinstall "linux-headers-$second" >"$log" 2>&1 && audit
result "headers arrive after it: nothing happens" $? "$log"
apt_in purge guestmode guestmode-dkms >"$log" 2>&1 && audit
result "purge" $? "$log"
apt_in autoremove --purge "linux-headers-$second" "linux-headers-$third" >>"$log" 2>&1
files >"$work/after"
# Not counted: records of apt and systemd, and the lists that depmod makes for each kernel.
comm -13 "$work/before" "$work/after" | grep -vE '^\./(debs|root|tmp|run/systemd)(/|$)|^\./var/lib/dpkg/' |
	grep -vE '^\./usr/lib/modules/[^/]*(/modules\.[a-z.]*)?$' >"$log"
[ ! -s "$log" ]
result "nothing is left" $? "$log"
finish
