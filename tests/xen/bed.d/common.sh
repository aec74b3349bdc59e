# Shared by the parts of tests/xen/bed; sourced.
# shellcheck shell=bash

bed_dir=$here
cache=${QEMU_DEPRIV_CACHE:-/var/cache/qemu-depriv}/bed
# The status of a run that says nothing about the case: the bed itself failed.
BROKEN=125

die() {
	echo "bed: $*" >&2
	exit $BROKEN
}

say() {
	echo "bed: $*" >&2
}

# xen_version SUITE: the version in the names of the suite's Xen packages
xen_version() {
	case $1 in
		bookworm) echo 4.17 ;;
		trixie) echo 4.20 ;;
		*) die "unknown suite '$1' (bookworm or trixie)" ;;
	esac
}

# hash_of WORD... -- FILE...: a short name for all of it together
hash_of() {
	local words=()
	while [[ $1 != -- ]]; do words+=("$1"); shift; done
	shift
	{ echo "${words[*]}"; cat -- "$@"; } | sha256sum | cut -c 1-12
}

# cached DIR COMMAND...: makes the folder DIR by running COMMAND with the name of an empty folder to fill
# appended; does nothing when DIR exists. Others that want the same wait, and nobody sees half of it.
cached() {
	local dir=$1 part
	shift
	[[ -d $dir ]] && return
	mkdir -p "$(dirname "$dir")"
	(
		flock 9
		[[ -d $dir ]] && exit 0
		work='' # the caller's, not for our trap
		part=$(mktemp -d "$dir.part-XXXXXX")
		chmod 755 "$part"
		# The name itself goes into the trap: the local variable is gone when `die` exits.
		# shellcheck disable=SC2064
		trap "rm -rf --one-file-system '$part'" EXIT
		# Not in a condition: bash would then ignore `set -e` in all of COMMAND.
		"$@" "$part"
		mv -T "$part" "$dir"
		prune "$dir"
	) 9> "$dir.lock"
}

# prune DIR: removes older siblings of DIR (same name up to the hash) that were not used for a day
prune() {
	local other
	rm -f "${1%-*}"-*.lock.old
	for other in "${1%-*}"-????????????; do
		[[ $other == "$1" || ! -d $other ]] && continue
		[[ -n $(find "$other" -maxdepth 1 -newermt '-1 day' -print -quit) ]] && continue
		rm -rf --one-file-system "$other"
	done
}
