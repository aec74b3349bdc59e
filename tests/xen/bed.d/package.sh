# Builds the Debian packages of this checkout for a suite; sourced by tests/xen/bed.
# shellcheck shell=bash

package_root() {
	echo "$cache/package-$1-$(hash_of "$1" "$repo" -- "$bed_dir"/bed.d/{product,package}-packages)"
}

packages_dir() {
	echo "$(package_root "$1")/packages"
}

make_package_root() {
	say "building the root to package in for $1"
	local list=$2/list
	# systemd-dev is a package of its own since Debian 13.
	cat "$bed_dir"/bed.d/{product,package}-packages | { [[ $1 == trixie ]] && cat || sed 's/^systemd-dev$/systemd/'; } > "$list"
	bootstrap "$1" "$list" "$2/root"
	rm -rf "$2"/root/var/cache/apt/* "$2"/root/var/lib/apt/lists/*
	mkdir -p "$2/root/work"
}

# build_packages SUITE: builds and checks the packages of what is in the checkout now
build_packages() {
	local dir root
	dir=$(package_root "$1")
	root=$dir/root
	cached "$dir" make_package_root "$1"
	touch "$dir"
	exec 7> "$dir.build-lock"
	flock 7
	rm -rf "$root/work" "$dir/packages"
	mkdir -p "$root/work/src"
	(cd "$repo" && git ls-files -coz --exclude-standard | tar --null -T - --ignore-failed-read --warning=no-failed-read -cf -) |
		tar -C "$root/work/src" --no-same-owner -xf -
	in_root "$root" '
		cd /work/src
		export DEB_BUILD_OPTIONS="parallel=2 nocheck" # tests/all has run the unit tests
		dpkg-buildpackage -b -us -uc
		cd ..
		lintian --allow-root --fail-on error --display-info --info qemu-depriv_*.changes
	' > "$dir/build.log" 2>&1 || { tail -n 60 "$dir/build.log" >&2; die "the packages do not build cleanly for $1"; }
	mkdir "$dir/packages"
	cp "$root"/work/*.deb "$dir/packages"
	rm "$dir/packages"/*-dbgsym_* 2> /dev/null || true
	exec 7>&-
}
