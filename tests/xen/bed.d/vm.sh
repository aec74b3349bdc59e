# Boots, snapshots and runs the emulated machine; sourced by tests/xen/bed.
# shellcheck shell=bash

slots=2       # machines at once
vm_pid=       # the running machine, for the trap
work=         # the run's temporary folder, for the trap

stop_vm() {
	[[ -z $vm_pid ]] || kill -9 "$vm_pid" 2> /dev/null || true
	[[ -z $work ]] || rm -rf --one-file-system "$work"
}

# vm_options IMAGE FLAVOUR INIT SHARE RAM DISK CONSOLE IN: sets the array `vm` to QEMU's command line.
# A snapshot fits only a machine with the same options but the files' names.
# smap and smep off: a PV dom0 crashes with them under emulation. la57, umip, pku: not needed.
# eager-fpu: while an HVM guest ran, programs in dom0 died of corrupted registers without it (the emulation loses
# CR0.TS at a VM exit, by which Xen knows whose FPU state it is; seen with stock QEMU as well).
# One CPU: two machines at a time use both of the host's cores.
vm_options() {
	local image=$1 flavour=$2 init=$3 share=$4 ram=$5 disk=$6 console=$7 in=$8 dom0
	case $init in
		init) dom0=/sbin/bed-init ;;
		systemd) dom0=/lib/systemd/systemd ;;
	esac
	dom0="root=/dev/vda rw init=$dom0 bed.xenstored=$flavour console=hvc0 quiet loglevel=4 mitigations=off net.ifnames=0 ${bed_dom0_extra:-}"
	vm=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -name qemu-depriv-bed
		-accel "tcg" -cpu "max,-smap,-smep,-umip,-pku,-la57,-rdtscp" -smp 1
		-object "memory-backend-file,id=ram,size=4G,mem-path=$ram,share=$share"
		-machine pc,memory-backend=ram -m 4G
		-kernel "$image/xen" -append "console=com1 com1=115200,8n1 dom0_mem=1536M,max:1536M bootscrub=0 loglvl=warning guest_loglvl=warning spec-ctrl=eager-fpu"
		-initrd "$image/vmlinuz $dom0,$image/initrd"
		-drive "if=none,id=root,file=$disk,format=qcow2,cache=unsafe,discard=unmap" -device virtio-blk-pci,drive=root
		-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng
		-device virtio-serial-pci,max_ports=4
		-chardev "$in" -device virtserialport,chardev=in,nr=1,name=in
		-serial "$console")
}

# vm_ports LOG OUT: adds the two ports that the agent writes to
vm_ports() {
	vm+=(-chardev "file,id=log,path=$1" -device virtserialport,chardev=log,nr=2,name=log
		-chardev "file,id=out,path=$2" -device virtserialport,chardev=out,nr=3,name=out)
}

snapshot_dir() {
	local image
	image=$(image_of "$1" "$3")
	echo "$cache/snapshot-$1-$2-$3-$(hash_of "$image" "$(qemu-system-x86_64 --version | head -n 1)" -- "$bed_dir/bed.d/vm.sh")"
}

# ensure_snapshot SUITE FLAVOUR INIT
ensure_snapshot() {
	cached "$(snapshot_dir "$@")" make_snapshot "$@"
}

# make_snapshot SUITE FLAVOUR INIT DIR: boots dom0 until its agent waits for a job and saves that state: `ram`
# (a file that every run maps privately, so that restoring costs nothing), `state` (the devices), `disk`.
make_snapshot() {
	local suite=$1 flavour=$2 init=$3 dir=$4 image console
	image=$(image_of "$suite" "$init")
	console=$dir/console.log
	say "booting $suite ($flavour xenstored, $init) for a snapshot"
	take_slot
	qemu-img create -q -f qcow2 -b "$image/root.img" -F raw "$dir/disk"
	mkfifo "$dir/in.in" "$dir/in.out" "$dir/monitor"
	vm_options "$image" "$flavour" "$init" on "$dir/ram" "$dir/disk" "file:$console" "pipe,id=in,path=$dir/in"
	vm_ports /dev/null /dev/null
	exec 7<> "$dir/monitor"
	timeout 300 "${vm[@]}" -monitor stdio < "$dir/monitor" > "$dir/monitor.log" 2>&1 9>&- &
	vm_pid=$!
	# shellcheck disable=SC2064 # now, as in cached
	trap "stop_vm; rm -rf --one-file-system '$dir'" EXIT
	until grep -q 'bed: ready' "$console" 2> /dev/null; do
		kill -0 "$vm_pid" 2> /dev/null || broken "dom0 did not come up" "$console" "$dir/monitor.log"
		sleep 0.1
	done
	# Let the agent get from its message to its read.
	sleep 1
	printf '%s\n' 'migrate_set_capability x-ignore-shared on' "migrate \"exec:cat > $dir/state\"" quit >&7
	wait "$vm_pid" || broken "taking the snapshot failed" "$dir/monitor.log"
	vm_pid=
	exec 7>&-
	[[ -s $dir/state ]] || broken "taking the snapshot failed" "$dir/monitor.log"
	rm -f "$dir/monitor" "$dir/in.in" "$dir/in.out"
	fallocate --dig-holes "$dir/ram"
}

# broken MESSAGE LOG...: ends with the tails of the logs
broken() {
	local message=$1 log
	shift
	for log in "$@"; do
		[[ -s $log ]] || continue
		echo "--- last lines of ${log##*/}" >&2
		tail -n 40 "$log" | tr -d '\r' >&2
	done
	die "$message"
}

# take_slot: waits until fewer than $slots machines run; the slot lasts as long as this process
take_slot() {
	local slot
	mkdir -p "$cache"
	while :; do
		for ((slot = 1; slot <= slots; slot++)); do
			exec 8> "$cache/slot.$slot"
			flock -n 8 && return
		done
		sleep 0.3
	done
}

# parse_options ARG...: sets the options of run and shell, and `rest`
parse_options() {
	out='' timeout=300 flavour=oxen init=init cold='' product=yes packages=''
	while [[ ${1:-} == -* ]]; do
		case $1 in
			--out) out=${2:?}; shift ;;
			--timeout) timeout=${2:?}; shift ;;
			--xenstored=oxen | --xenstored=c) flavour=${1#*=} ;;
			--cold) cold=yes ;;
			--systemd) init=systemd ;;
			--packages) packages=yes product= ;;
			--no-product) product= ;;
			*) usage ;;
		esac
		shift
	done
	rest=("$@")
}

# make_job FILE SUITE CASE ARG...: the agent's input: a header line and a tar of what goes into dom0
make_job() {
	local file=$1 suite=$2 case=$3 stage=$work/stage tar
	shift 3
	[[ ${1:-} != -- ]] || shift
	mkdir -p -m 755 "$stage/root/case"
	if [[ -n $product ]]; then
		tar=$(product_tar "$suite")
		[[ -f $tar ]] || die "no product for $suite: run '$0 product $suite' first (or use --no-product)"
		tar -C "$stage" -xf "$tar"
	fi
	if [[ -n $packages ]]; then
		tar=$(packages_dir "$suite")
		[[ -d $tar ]] || die "no packages for $suite: run '$0 package $suite' first"
		cp -r "$tar" "$stage/root/packages"
	fi
	if [[ -d $case ]]; then cp -rL "$case/." "$stage/root/case/"; else cp "$case" "$stage/root/case/case"; fi
	chmod +x "$stage/root/case/case" || die "$case has no file 'case'"
	cp -r "$bed_dir/lib" "$stage/root/lib"
	printf '#!/bin/sh\nexport BED_SUITE=%s\nexec ./case %s\n' "$suite" "$([[ $# == 0 ]] || printf ' %q' "$@")" > "$stage/root/run"
	chmod 755 "$stage/root/run"
	tar -C "$stage" --owner=0 --group=0 -cf "$work/job.tar" .
	{
		echo "bed $(stat -c %s "$work/job.tar") $(date +%s) $timeout $(head -c 48 /dev/urandom | base64 -w 0)"
		cat "$work/job.tar"
	} > "$file"
	# QEMU's pipe wants both directions; plain files will do.
	: > "${file%.in}.out"
}

# run_case [OPTION...] SUITE CASE [-- ARG...]
run_case() {
	parse_options "$@"
	[[ ${#rest[@]} -ge 2 ]] || usage
	local suite=${rest[0]} case=${rest[1]} image disk_base vm_status=0 incoming=() share=on ram
	xen_version "$suite" > /dev/null
	[[ -e $case ]] || die "no such case: $case"
	ensure_image "$suite" "$init"
	image=$(image_of "$suite" "$init")
	trap stop_vm EXIT
	work=$(mktemp -d)
	: "${out:=$work/out}"
	mkdir -p "$out"
	make_job "$work/job.in" "$suite" "$case" "${rest[@]:2}"

	if [[ -n $cold ]]; then
		ram=$work/ram
		qemu-img create -q -f qcow2 -b "$image/root.img" -F raw "$work/disk"
	else
		ensure_snapshot "$suite" "$flavour" "$init"
		disk_base=$(snapshot_dir "$suite" "$flavour" "$init")
		touch "$disk_base"
		ram=$disk_base/ram share=off
		qemu-img create -q -f qcow2 -b "$disk_base/disk" -F qcow2 "$work/disk"
		incoming=(-incoming defer -monitor stdio)
		printf '%s\n' 'migrate_set_capability x-ignore-shared on' "migrate_incoming \"exec:cat $disk_base/state\"" \
			> "$work/monitor"
	fi
	vm_options "$image" "$flavour" "$init" "$share" "$ram" "$work/disk" "file:$out/console.log" \
		"pipe,id=in,path=$work/job"
	vm_ports "$work/log" "$work/out.tar"
	take_slot
	: > "$work/log"
	: >> "$work/monitor"
	timeout $((timeout + 120)) "${vm[@]}" "${incoming[@]}" > "$work/qemu.log" 2>&1 < "$work/monitor" &
	vm_pid=$!
	tail -n +1 -s 0.1 -f --pid="$vm_pid" "$work/log"
	wait "$vm_pid" || vm_status=$?
	vm_pid=

	tar -C "$out" -xf "$work/out.tar" 2> "$work/tar.log" && [[ -s $out/.status ]] ||
		broken "the machine ended ($vm_status) without a result" "$work/qemu.log" "$out/console.log"
	local status
	status=$(cat "$out/.status")
	rm "$out/.status"
	[[ $status != 124 ]] || say "$case timed out after $timeout s"
	exit "$status"
}

# run_shell [OPTION...] SUITE
run_shell() {
	parse_options "$@"
	[[ ${#rest[@]} == 1 ]] || usage
	local image suite=${rest[0]}
	ensure_image "$suite" "$init"
	image=$(image_of "$suite" "$init")
	trap stop_vm EXIT
	work=$(mktemp -d)
	qemu-img create -q -f qcow2 -b "$image/root.img" -F raw "$work/disk"
	bed_dom0_extra=bed.shell
	vm_options "$image" "$flavour" "$init" on "$work/ram" "$work/disk" mon:stdio null,id=in
	vm_ports /dev/null /dev/null
	take_slot
	"${vm[@]}"
}
