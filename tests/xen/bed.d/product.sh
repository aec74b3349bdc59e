# Compiles the product for a suite; sourced by tests/xen/bed.
# shellcheck shell=bash

repo=$(cd "$here/../.." && pwd)

# product_dir SUITE: the root in which this checkout is compiled for SUITE. One for each checkout, because the
# build folder stays in it.
product_dir() {
	echo "$cache/product-$1-$(hash_of "$1" "$repo" -- "$bed_dir/bed.d/product-packages")"
}

product_tar() {
	echo "$(product_dir "$1")/product.tar"
}

make_product_root() {
	say "building the root to compile in for $1"
	bootstrap "$1" "$bed_dir/bed.d/product-packages" "$2/root"
	rm -rf "$2"/root/var/cache/apt/* "$2"/root/var/lib/apt/lists/*
	mkdir -p "$2/root/work"
}

# build_product SUITE: compiles what is in the checkout now (tracked or not), leaves product.tar
build_product() {
	local dir root
	dir=$(product_dir "$1")
	root=$dir/root
	cached "$dir" make_product_root "$1"
	touch "$dir"
	exec 7> "$dir.build-lock"
	flock 7
	rm -rf "$root/work/src" "$root/work/install"
	mkdir -p "$root/work/src"
	# tar keeps the times, so that ninja sees what changed. A file that git knows may be gone.
	(cd "$repo" && git ls-files -coz --exclude-standard | tar --null -T - --ignore-failed-read --warning=no-failed-read -cf -) |
		tar -C "$root/work/src" --no-same-owner -xf -
	in_root "$root" '
		cd /work
		[ -f build/build.ninja ] || meson setup --prefix=/usr --libexecdir=libexec --sysconfdir=/etc --localstatedir=/var \
			--buildtype=debugoptimized -Dwerror=true -Dinstall-tests=true build src
		# A build folder from before that option.
		meson configure build -Dinstall-tests=true 2> /dev/null || meson setup --reconfigure -Dinstall-tests=true build src
		meson compile -C build
		DESTDIR=/work/install meson install -C build --no-rebuild --quiet
	' >&2 || die "the product does not compile for $1"
	tar -C "$root/work/install" --owner=0 --group=0 -cf "$dir/product.tar.part" .
	mv "$dir/product.tar.part" "$dir/product.tar"
	exec 7>&-
}
