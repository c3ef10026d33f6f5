#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `make check-packages`: builds the Debian and RPM packages and lives through what a user does with
# them: install, a new kernel, a kernel that the driver does not build on, upgrade, removal, purge; all in
# a Debian root of its own (debootstrap: as root). What DKMS built there is then loaded in an emulated
# host, where the installed vmm boots the demonstration disk. A line per check, "N passed, N failed".
set -u
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
. scripts/packages.sh
work=$(mktemp -d)
root=$work/root
passed=0 failed=0
unmount() {
	for d in dev proc; do ! mountpoint -q "$root/$d" || umount -l "$root/$d"; done
}
trap 'unmount; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

result() { # NAME STATUS [LOG]
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		echo "ok   $1"
	else
		failed=$((failed + 1))
		echo "FAIL $1"
		[ -z "${3:-}" ] || tail -n 25 "$3" | sed 's/^/    /'
	fi
}
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
version=$(cat VERSION)

# ---- the packages themselves ----
build() { # OUTPUT: tarball, deb and rpm of what is committed
	rm -rf "$1" && mkdir -p "$1" &&
		git archive --prefix="guestmode-$version/" HEAD | gzip -9n >"$1/guestmode-$version.tar.gz" &&
		packaging/build-deb.sh "$1/guestmode-$version.tar.gz" "$1" &&
		packaging/build-rpm.sh "$1/guestmode-$version.tar.gz" "$1"
}
build "$work/one" >"$work/log" 2>&1
result "packages are built" $? "$work/log"
[ "$failed" = 0 ] || finish
DEB_BUILD_OPTIONS=nocheck build "$work/two" >"$work/log" 2>&1
(cd "$work/one" && sha256sum -- *.deb *.rpm *.tar.gz) >"$work/sums"
(cd "$work/two" && sha256sum -c "$work/sums") >"$work/log" 2>&1
result "two builds are equal, byte by byte" $? "$work/log"
lintian --allow-root --pedantic --fail-on error,warning,pedantic "$work"/one/*.changes >"$work/log" 2>&1 &&
	! grep -q '^[EWP]:' "$work/log"
result "lintian has nothing to say" $? "$work/log"
rpmlint -c rpm/rpmlint.toml "$work"/one/*.rpm >"$work/log" 2>&1 && ! grep -qE ': [EW]: ' "$work/log"
result "rpmlint has nothing to say" $? "$work/log"

# Documentation, licences and what RPM keeps of builds have different places; the rest must be the same.
place() { grep -vE '^/usr/(share/(doc|licenses|lintian)|lib/(\.build-id|debug))(/|$)' | grep -v '/$' | sed 's/\.gz$//' | sort; }
for p in guestmode guestmode-dkms; do
	dpkg-deb -c "$(ls "$work"/one/${p}_*.deb)" | awk '$1 !~ /^d/ {print substr($6, 2)}' | place >"$work/deb.list"
	rpm -qpl --nosignature "$work"/one/$p-"$version"-*[4h].rpm 2>/dev/null | place >"$work/rpm.all"
	: >"$work/rpm.list"
	while read -r f; do # folders that RPM lists too
		grep -q "^$f/" "$work/rpm.all" || echo "$f" >>"$work/rpm.list"
	done <"$work/rpm.all"
	diff "$work/deb.list" "$work/rpm.list" >"$work/log"
	result "deb and rpm of $p hold the same files" $? "$work/log"
done

# ---- a Debian system that uses them ----
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
apt_in() { in_root apt-get -y -q --no-install-recommends "$@"; }
pkg_apt bookworm amd64
mkdir -p "$CACHE/debootstrap"
debootstrap --variant=minbase --cache-dir="$(cd "$CACHE/debootstrap" && pwd)" --include=kmod,make,gcc,dkms bookworm "$root" \
	"$pkg_uri" >"$work/log" 2>&1
result "a Debian root" $? "$work/log"
[ "$failed" = 0 ] || finish
for f in /etc/apt/apt.conf /etc/apt/apt.conf.d/* /etc/resolv.conf; do
	[ ! -f "$f" ] || cp -L "$f" "$root$f" 2>/dev/null
done
# Services do not start in a root that is not running.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev"
mkdir -p "$root/debs" && cp "$work"/one/guestmode_*.deb "$work"/one/guestmode-dkms_*.deb "$root/debs/"
apt_in update >"$work/log" 2>&1

built() { # how many kernels have the module
	find "$root/lib/modules" -name 'guestmode.ko*' | wc -l
}
headers() { find "$root/usr/src" -maxdepth 1 -name 'linux-headers-*-amd64' | wc -l; }
apt_in install linux-headers-cloud-amd64 >"$work/log" 2>&1 && apt_in install /debs/*.deb >>"$work/log" 2>&1
result "apt installs both packages" $? "$work/log"
[ "$(headers)" = 1 ] && [ "$(built)" = 1 ]
result "DKMS built and installed the module" $? "$work/log"
in_root vmm version >"$work/log" 2>&1 && grep -q "$version" "$work/log"
result "the installed vmm runs" $? "$work/log"
[ -f "$root/usr/lib/udev/rules.d/60-guestmode.rules" ] && in_root getent group kvm >/dev/null &&
	in_root getent passwd guestmode >/dev/null
result "group kvm and user guestmode are there" $?

apt_in install linux-headers-rt-amd64 >"$work/log" 2>&1
[ "$(headers)" = 2 ] && [ "$(built)" = 2 ]
result "headers of a second kernel arrive: built by itself" $? "$work/log"

# The compiler fails for this kernel only; what apt was asked for must still be done.
broken=$(find "$root/usr/src" -maxdepth 1 -name 'linux-headers-*-rt-amd64')
in_root dkms uninstall -m guestmode -v "$version" -k "${broken##*headers-}" >/dev/null 2>&1
cp "$broken/Makefile" "$work/Makefile"
printf '$(error this kernel cannot build modules)\n' >"$broken/Makefile"
apt_in install --reinstall /debs/guestmode-dkms_*.deb >"$work/log" 2>&1
s=$?
cp "$work/Makefile" "$broken/Makefile"
[ $s = 0 ] && [ -z "$(in_root dpkg --audit)" ] && grep -qiE 'bad return status|error' "$work/log" && [ "$(built)" = 1 ]
result "a kernel that it does not build on: a message, and apt works" $? "$work/log"

# ---- upgrade ----
newer=$work/newer
git archive --prefix=newer/ HEAD | tar -xf - -C "$work" && cp -a debian "$newer/" &&
	echo "$version.1" >"$newer/VERSION" && sed -i "1s/($version-1)/($version.1-1)/" "$newer/debian/changelog" &&
	(cd "$newer" && tar --exclude=./debian --transform "s,^\.,guestmode-$version.1," -czf "$work/guestmode-$version.1.tar.gz" . &&
		DEB_BUILD_OPTIONS=nocheck packaging/build-deb.sh "$work/guestmode-$version.1.tar.gz" "$work/three") >"$work/log" 2>&1 &&
	cp "$work"/three/guestmode_*.deb "$work"/three/guestmode-dkms_*.deb "$root/debs/" &&
	apt_in install /debs/guestmode_"$version".1-1_amd64.deb /debs/guestmode-dkms_"$version".1-1_all.deb >"$work/log" 2>&1
result "upgrade to a higher version" $? "$work/log"
[ "$(built)" = 2 ] && [ ! -d "$root/usr/src/guestmode-$version" ] && [ ! -d "$root/var/lib/dkms/guestmode/$version" ]
result "after it the old sources and builds are gone" $? "$work/log"

# ---- what was installed, running ----
mkdir -p "$work/kept"
cp "$(find "$root/lib/modules" -path '*cloud*' -name 'guestmode.ko*' | head -n 1)" "$work/kept/" && cp "$root/usr/bin/vmm" "$work/kept/"
xz -dqf "$work"/kept/*.xz 2>/dev/null
scripts/demo-disk.sh "$CACHE/guests/demo-disk" >"$work/log" 2>&1 &&
	test/packages/boot.sh "$work/kept" "$CACHE/guests/demo-disk" >>"$work/log" 2>&1
result "DKMS's module is loaded and the installed vmm boots the demonstration disk on it" $? "$work/log"

# ---- removal ----
apt_in remove guestmode guestmode-dkms >"$work/log" 2>&1 && [ "$(built)" = 0 ]
result "removal" $? "$work/log"
apt_in purge guestmode guestmode-dkms >"$work/log" 2>&1
result "purge" $? "$work/log"
left=$(cd "$root" && find usr/src var/lib/dkms lib/modules etc usr/lib usr/share usr/bin -name '*guestmode*' ! -path 'var/lib/dpkg/*' 2>/dev/null)
echo "$left" >"$work/log"
[ -z "$left" ]
result "nothing is left" $? "$work/log"
finish
