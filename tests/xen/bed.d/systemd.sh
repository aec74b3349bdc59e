# The second flavour of dom0: booted by systemd with Debian's own Xen services, and without the users that
# the package makes. Sourced by tests/xen/bed.
# shellcheck shell=bash

# image_of SUITE INIT: where the image for this kind of boot is or will be
image_of() {
	case $2 in
		init) image_dir "$1" ;;
		systemd) echo "$cache/image-$1-systemd-$(hash_of "$1" -- "$bed_dir"/image/* "$bed_dir"/image-systemd/* \
			"$bed_dir/guest/init" "$bed_dir"/bed.d/{image,systemd}.sh)" ;;
	esac
}

# ensure_image SUITE INIT
ensure_image() {
	case $2 in
		init) cached "$(image_of "$@")" make_image "$1" ;;
		systemd) cached "$(image_of "$@")" make_systemd_image "$1" ;;
	esac
}

# make_systemd_image SUITE DIR: make_image with another configuration of the root
make_systemd_image() {
	configure_root() { configure_systemd_root "$1"; }
	make_image "$@"
}

# Services that only cost time under emulation, or would run at a time of their own
systemd_masked=(
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer man-db.timer
	systemd-tmpfiles-clean.timer getty@tty1.service getty-static.service serial-getty@hvc0.service systemd-networkd.service
	systemd-timesyncd.service systemd-resolved.service systemd-udev-settle.service networking.service
	libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirt-guests.service virtlogd.socket
	virtlockd.socket virtlogd.service virtlockd.service systemd-pcrphase.service systemd-pcrphase-sysinit.service
	dev-hugepages.mount systemd-update-utmp.service systemd-update-utmp-runlevel.service e2scrub_reap.service
)

# configure_systemd_root ROOT
configure_systemd_root() {
	local root=$1 unit
	mapfile -t packages < <(sed '/^#/d' "$bed_dir/image-systemd/packages")
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	# Nothing starts while it is installed.
	printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	in_root "$root" "apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ${packages[*]}" > "$root/apt.log" 2>&1 ||
		{ tail -n 30 "$root/apt.log" >&2; die "libvirt does not install"; }
	rm "$root/usr/sbin/policy-rc.d" "$root/apt.log"
	echo bed > "$root/etc/hostname"
	echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id"
	mkdir -p "$root/usr/local/lib/bed" "$root/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\n' > "$root/etc/systemd/journald.conf.d/bed.conf"
	install -m 755 "$bed_dir/image/agent" "$bed_dir/image-systemd/bed-setup" "$root/usr/local/lib/bed/"
	install -m 644 "$bed_dir"/image-systemd/*.{service,target} "$root/etc/systemd/system/"
	for unit in "${systemd_masked[@]}"; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	chroot "$root" systemctl -q enable bed-setup.service bed-agent.service
	ln -sf bed.target "$root/etc/systemd/system/default.target"
}
