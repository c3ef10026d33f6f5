# SPDX-License-Identifier: GPL-2.0-or-later
# Shell functions (to be sourced) that fetch Debian packages without installing them: from the
# machine's own suite or another one, for its own or another architecture. All goes to cache/.
#
#   pkg_dir PACKAGE [SUITE [ARCH]]   prints a folder with the package unpacked
#   pkg_depends PACKAGE PATTERN [SUITE [ARCH]]   prints the first dependency that matches
#   pkg_names PATTERN [SUITE [ARCH]]   prints the names that match (grep -E), oldest version first
#   pkg_root SUITE ARCH PACKAGE...   prints a folder with all of them and what they depend on unpacked:
#                                    a root in which programs run, though nothing is configured
#   pkg_chroot ROOT ARCH WORK COMMAND...   runs a command in such a root, with the folder WORK as its /tmp
#   $pkg_build   the packages that building a module needs besides linux-headers-RELEASE

# Beside this file's folder, from wherever the script that reads it was started ("top" is its word for that).
CACHE=${CACHE:-${top:-$(cd "$(dirname "$0")/.." && pwd)}/cache}

pkg_host_suite() {
	. /etc/os-release
	echo "${VERSION_CODENAME:?this script needs a Debian system}"
}

# Sets $apt_opts and $pkg_uri for a suite and architecture; makes the private package lists on first use.
pkg_apt() {
	pkg_suite=${1:-$(pkg_host_suite)} pkg_arch=${2:-$(dpkg --print-architecture)}
	pkg_root=$CACHE/apt/$pkg_suite-$pkg_arch
	apt_opts="-o Dir::Etc::sourcelist=$pkg_root/sources.list -o Dir::Etc::sourceparts=- \
		-o Dir::State=$pkg_root/state -o Dir::State::status=$pkg_root/status \
		-o Dir::Cache=$pkg_root/cache -o APT::Architecture=$pkg_arch \
		-o APT::Architectures::=$pkg_arch -o Acquire::Check-Valid-Until=false"
	if [ -f "$pkg_root/done" ]; then
		pkg_uri=$(sed -n '1s/.*\] \([^ ]*\) .*/\1/p' "$pkg_root/sources.list")
		return
	fi
	mkdir -p "$pkg_root/state/lists/partial" "$pkg_root/cache/archives/partial"
	: >"$pkg_root/status"
	# The archive that this machine itself uses.
	pkg_uri=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(ORIGIN)' 2>/dev/null |
		awk '$2 == "main" && $1 ~ /\/debian\/?$/ {print $1; exit}')
	[ -n "$pkg_uri" ] || { echo "packages: no Debian archive in this machine's apt configuration" >&2; return 1; }
	# Backports are made to be used on top of their suite.
	for pkg_s in "$pkg_suite" "${pkg_suite%-backports}"; do
		echo "deb [arch=$pkg_arch signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $pkg_uri $pkg_s main"
	done | uniq >"$pkg_root/sources.list"
	echo "packages: reading the package lists of $pkg_suite ($pkg_arch)" >&2
	apt-get $apt_opts -qq update >&2 || return 1
	touch "$pkg_root/done"
}

# Runs the download as whoever owns the cache: apt's own sandbox user cannot write there.
pkg_dir() {
	pkg_apt "${2:-}" "${3:-}" || return 1
	pkg_out=$CACHE/packages/$pkg_suite-$pkg_arch/$1
	if [ ! -f "$pkg_out/.done" ]; then
		echo "packages: fetching $1 ($pkg_suite, $pkg_arch)" >&2
		rm -rf "$pkg_out" && mkdir -p "$pkg_out/.deb"
		(cd "$pkg_out/.deb" && apt-get $apt_opts -o APT::Sandbox::User=root -qq download "$1" >&2) || return 1
		dpkg -x "$pkg_out"/.deb/*.deb "$pkg_out" || return 1
		rm -rf "$pkg_out/.deb"
		touch "$pkg_out/.done"
	fi
	echo "$pkg_out"
}

pkg_depends() {
	pkg_apt "${3:-}" "${4:-}" || return 1
	apt-cache $apt_opts depends "$1" | awk -v pat="$2" '$1 == "Depends:" && $2 ~ pat {print $2; exit}'
}

pkg_names() {
	pkg_apt "${2:-}" "${3:-}" || return 1
	apt-cache $apt_opts pkgnames | grep -E "$1" | sort -V
}

# The list of what is unpacked already stands in the root; nothing is unpacked twice.
pkg_root() {
	pkg_apt "$1" "$2" || return 1
	shift 2
	pkg_tree=$CACHE/roots/$pkg_suite-$pkg_arch
	mkdir -p "$pkg_tree/dev" "$pkg_tree/proc" "$pkg_tree/tmp"
	touch "$pkg_tree/.unpacked"
	pkg_new=
	for pkg_p in "$@"; do
		grep -qx "wanted $pkg_p" "$pkg_tree/.unpacked" || pkg_new=1
	done
	if [ -n "$pkg_new" ]; then
		echo "packages: making a root of $pkg_suite ($pkg_arch) for $*" >&2
		pkg_list=$(apt-get $apt_opts -qq -s --no-install-recommends install "$@" |
			awk '$1 == "Inst" {v = $3; sub(/^\(/, "", v); print $2 "=" v}') || return 1
		[ -n "$pkg_list" ] || return 1
		pkg_list=$(echo "$pkg_list" | grep -vxFf "$pkg_tree/.unpacked" || true)
		rm -rf "$pkg_tree/.deb" && mkdir "$pkg_tree/.deb"
		[ -z "$pkg_list" ] || (cd "$pkg_tree/.deb" && apt-get $apt_opts -o APT::Sandbox::User=root \
			-qq download $pkg_list >&2) || return 1
		for pkg_p in "$pkg_tree"/.deb/*.deb; do
			[ ! -f "$pkg_p" ] || dpkg-deb --fsys-tarfile "$pkg_p" |
				tar -C "$pkg_tree" -x --keep-directory-symlink --exclude=./usr/share/doc \
					--exclude=./usr/share/man --exclude=./usr/share/locale || return 1
		done
		[ -z "$pkg_list" ] || echo "$pkg_list" >>"$pkg_tree/.unpacked"
		# What scripts of packages, or base-files, would have made.
		for pkg_p in bin sbin lib lib64; do
			[ -e "$pkg_tree/$pkg_p" ] || [ ! -d "$pkg_tree/usr/$pkg_p" ] ||
				ln -s "usr/$pkg_p" "$pkg_tree/$pkg_p"
		done
		[ -e "$pkg_tree/usr/bin/awk" ] || ln -s mawk "$pkg_tree/usr/bin/awk"
		[ -e "$pkg_tree/bin/sh" ] || ln -s dash "$pkg_tree/bin/sh"
		for pkg_p in "$@"; do
			echo "wanted $pkg_p" >>"$pkg_tree/.unpacked"
		done
	fi
	echo "$pkg_tree"
}

pkg_build="make dash coreutils sed grep mawk gzip xz-utils findutils diffutils perl-base gcc libc6-dev"

# In a mount name space of its own, and as root there if need be; /proc is for objtool.
pkg_chroot() {
	pkg_tree=$1 pkg_work=$3 pkg_as=
	[ "$2" != i386 ] || pkg_as='setarch i686'
	shift 3
	pkg_map=-m
	[ "$(id -u)" = 0 ] || pkg_map=-rm
	unshare $pkg_map sh -c 'root=$1; work=$2; shift 2
		mount --bind /dev "$root/dev" && mount --rbind /proc "$root/proc" &&
			mount --bind "$work" "$root/tmp" && exec "$@"' \
		sh "$pkg_tree" "$pkg_work" $pkg_as chroot "$pkg_tree" \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "$@"
}
