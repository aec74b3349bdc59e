# Makes the kernel and the initrd of the test guest, the same for every suite; sourced by tests/xen/bed.
# shellcheck shell=bash

guest_dir() {
	echo "$cache/guest-$(hash_of guest -- "$bed_dir"/guest/* "$bed_dir/bed.d/guest.sh")"
}

# make_guest DIR: fills DIR with vmlinuz and initrd
make_guest() {
	local dir=$1 root=$1/root
	say "building the test guest"
	bootstrap bookworm "$bed_dir/guest/packages" "$root"
	mkdir "$root/work"
	make_guest_initrd "$root" "$dir/initrd"
	cp "$bed_dir/guest/kernel.config" "$root/work/fragment"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_root "$root" '
		cd /work
		tar -xf /usr/src/linux-source-6.1.tar.xz --strip-components=1 --exclude="*/Documentation/*.rst" \
			--exclude="*/tools/testing/*" --exclude="*/drivers/gpu/*.[ch]" --exclude="*/sound/*.[ch]" --exclude="*.dts*"
		make -s tinyconfig > /dev/null 2>&1
		scripts/kconfig/merge_config.sh -m .config fragment > /dev/null
		make -s olddefconfig 2> /dev/null
		# An option that did not take is a mistake in the fragment.
		grep -vxFf .config fragment | grep "^CONFIG" && exit 1
		make -s -j"$(nproc)" bzImage
	' >&2 || die "the guest's kernel does not compile"
	cp "$root/work/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$root/work/.config" "$dir/config"
	rm -rf --one-file-system "$root"
}

make_guest_initrd() {
	local root=$1 file=$2 tree=$1/tmp/initrd
	mkdir -p "$tree"/{bin,dev,proc,sys,tmp}
	cp "$root/bin/busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	install -m 755 "$bed_dir/guest/init" "$tree/init"
	in_root "$root" 'cd /tmp/initrd && find . | busybox cpio -o -H newc 2> /dev/null' | gzip -9n > "$file"
}
