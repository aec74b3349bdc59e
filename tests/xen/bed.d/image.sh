# Makes a suite's root with mmdebstrap and dom0's image from it; sourced by tests/xen/bed.
# shellcheck shell=bash

# image_dir SUITE: where the suite's image is or will be
image_dir() {
	echo "$cache/image-$1-$(hash_of "$1" -- "$bed_dir"/image/* "$bed_dir/guest/init" "$bed_dir/bed.d/image.sh")"
}

# debian_mirror: the mirror this machine uses for Debian itself
debian_mirror() {
	local site
	site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	[[ -n $site ]] || die "apt knows no Debian mirror (is there one in sources.list, and did apt-get update run?)"
	echo "$site"
}

# bootstrap SUITE PACKAGES-FILE ROOT [MMDEBSTRAP-OPTION...]
bootstrap() {
	local suite=$1 list=$2 root=$3 mirror packages options
	shift 3
	packages=$(sed -e '/^#/d' -e "s/@XEN@/$(xen_version "$suite")/" "$list" | paste -sd ,)
	mirror=$(debian_mirror)
	# How this machine reaches the mirror (proxies and such) holds inside as well.
	options=$(mktemp)
	apt-config dump | grep -E '^Acquire::([a-z]+::)?(Proxy|Proxy-Auto-Detect|Check-|Verify-|CaInfo|Retries|Timeout)' \
		> "$options" || true
	# INITRD=No: the bed brings its own initrd. Excluded: what only costs time and room.
	INITRD=No mmdebstrap --quiet --mode=root --variant=apt --format=directory \
		--include="$packages" \
		--keyring=/usr/share/keyrings \
		--aptopt="$options" --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/lib/debug/*' \
		"$@" "$suite" "$root" "deb $mirror $suite main"
	rm -f "$options"
}

# in_root ROOT COMMANDS: runs a shell script there. The mounts are in a namespace of their own and end with it.
in_root() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount -- bash -euc '
		mount -t proc proc "$0/proc"
		mount --rbind /dev "$0/dev"
		exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 sh -euc "$1"
	' "$1" "$2"
}

# Kernel modules that the bed never needs, most of the kernel package
module_excludes() {
	local folder
	for folder in sound drivers/{gpu,media,infiniband,iio,staging,isdn,bluetooth,hwmon,mtd,mmc,nfc,platform,power,rtc,video,thermal} \
		drivers/net/{wireless,can,usb,wan,hamradio} drivers/net/ethernet/{mellanox,chelsio,qlogic,broadcom,marvell,cavium} \
		net/{wireless,mac80211,bluetooth,can,sctp,dccp,tipc,batman-adv} fs/{xfs,btrfs,ocfs2,gfs2,f2fs,nfs,nfsd,ceph,smb,cifs,reiserfs,jfs,ubifs}; do
		echo "--dpkgopt=path-exclude=/lib/modules/*/kernel/$folder/*"
		echo "--dpkgopt=path-exclude=/usr/lib/modules/*/kernel/$folder/*"
	done
}

# make_image SUITE DIR: fills DIR with xen, vmlinuz, initrd and root.img
make_image() {
	local suite=$1 dir=$2 root=$2/root excludes
	mapfile -t excludes < <(module_excludes)
	say "building dom0's image for $suite"
	bootstrap "$suite" "$bed_dir/image/packages" "$root" "${excludes[@]}"
	configure_root "$root"
	local kernel
	kernel=$(basename "$root"/lib/modules/*)
	gunzip -c "$root/boot/xen-$(xen_version "$suite")"*.gz > "$dir/xen"
	cp "$root/boot/vmlinuz-$kernel" "$dir/vmlinuz"
	make_initrd "$root" "$dir/initrd" "$bed_dir/image/initrd-init" "$kernel" \
		virtio_pci virtio_blk ext4
	# The test guest runs dom0's kernel.
	mkdir -p "$root/usr/local/share/bed/guest"
	cp "$dir/vmlinuz" "$root/usr/local/share/bed/guest/vmlinuz"
	make_initrd "$root" "$root/usr/local/share/bed/guest/initrd" "$bed_dir/guest/init" "$kernel" ata_piix sd_mod sr_mod e1000
	# The firmware reads it byte by byte, so that every byte less counts more than unpacking does.
	gzip -9n "$root/usr/local/share/bed/guest/initrd"
	mv "$root/usr/local/share/bed/guest/initrd.gz" "$root/usr/local/share/bed/guest/initrd"
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/boot/*
	# Nothing survives a run, so a journal would only cost.
	mke2fs -q -t ext4 -O ^has_journal -d "$root" "$dir/root.img" 4G
	rm -rf --one-file-system "$root"
}

# configure_root ROOT: users, init, agent
configure_root() {
	local root=$1
	chroot "$root" groupadd -g 131072 xen-qemuuser-range-base
	chroot "$root" useradd -r -M -d / -s /usr/sbin/nologin -u 131072 -g 131072 xen-qemuuser-range-base
	local user
	for user in xen-qemuuser-reaper qemu-depriv-broker qemu-depriv-xsfilter; do
		chroot "$root" useradd -r -M -U -d / -s /usr/sbin/nologin "$user"
	done
	echo bed > "$root/etc/hostname"
	mkdir -p "$root/usr/local/lib/bed"
	install -m 755 "$bed_dir/image/bed-init" "$root/sbin/bed-init"
	install -m 755 "$bed_dir/image/xen-start" "$bed_dir/image/agent" "$root/usr/local/lib/bed/"
}

# make_initrd ROOT FILE INIT KERNEL MODULE...: busybox, INIT, and the modules with /modules listing them in the
# order of loading. Modules are stored unpacked: emulated CPUs decompress slowly.
make_initrd() {
	local root=$1 file=$2 init=$3 kernel=$4 tree module
	shift 4
	tree=$(mktemp -d "$root/tmp/initrd-XXXXXX")
	mkdir -p "$tree"/{bin,dev,proc,sys,root,tmp,lib}
	cp "$root/bin/busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	install -m 755 "$init" "$tree/init"
	for module in "$@"; do
		chroot "$root" modprobe -S "$kernel" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$tree/list"
	while read -r module; do
		local name
		name=$(basename "${module%.xz}")
		case $module in
			*.xz) xz -dc "$root$module" ;;
			*) cat "$root$module" ;;
		esac > "$tree/lib/$name"
		echo "/lib/$name" >> "$tree/modules"
	done < "$tree/list"
	rm "$tree/list"
	chroot "$root" sh -c "cd '${tree#"$root"}' && find . | busybox cpio -o -H newc 2> /dev/null" > "$file"
	rm -rf "$tree"
}
