# What the cases share: results, waiting, guests, and what a launch must not leave behind. Sourced.
# shellcheck shell=bash disable=SC2034

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dm=/usr/libexec/qemu-depriv-dm
roles=(monitor broker xsfilter)
failed=0

ok() { echo "ok - $*"; }

# not_ok NAME: standard input, if any is piped in, says why
not_ok() {
	echo "not ok - $*"
	[[ -t 0 || ! -p /dev/stdin ]] || sed 's/^/#   /'
	failed=$((failed + 1))
}

# check NAME COMMAND...: ok if the command succeeds; its output is shown only if it does not
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" < <(printf '%s\n' "$* failed:" "$output" | head -n 40)
	fi
}

# is NAME GOT WANTED
is() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1"
		printf '#   got:    %s\n#   wanted: %s\n' "$2" "$3"
	fi
}

# like NAME GOT REGEX
like() {
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1"
		printf '#   got:    %s\n#   wanted: /%s/\n' "$2" "$3"
	fi
}

finish() { exit $((failed > 0)); }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[[ $SECONDS -lt $end ]] || return 1
		sleep 0.1
	done
}

# guest NAME [LINE...]: writes NAME.cfg, a small HVM guest without disks; later lines win
guest() {
	local name=$1
	shift
	{
		printf 'name="%s"\ntype="hvm"\nmemory=64\nvcpus=1\nvnc=1\nserial="pty"\ndevice_model_version="qemu-xen"\n' "$name"
		# Without a disk the firmware reboots after a minute (under Xen it heeds no -boot reboot-timeout), which would give
		# the guest another domid.
		echo 'on_reboot="preserve"'
		printf '%s\n' "$@"
	} > "$name.cfg"
}
depriv="device_model_override=\"$dm\""

qemu_pid() { xenstore-read "/local/domain/$1/image/device-model-pid"; }

# role_pid ROLE DOMID: the process that serves this domain's QEMU; the monitor's argument is QEMU's pid
role_pid() {
	case $1 in
		monitor) pgrep -f "^monitor $(qemu_pid "$2")\$" ;;
		xsfilter) pgrep -f "^xsfilter $2\$" ;;
		# It is the one that talks to this monitor: started right after it.
		broker) pgrep -f '^broker$' | awk -v m="$(role_pid monitor "$2")" '$1 > m { print; exit }' ;;
	esac
}

status_of() { awk -v f="$2:" '$1 == f { $1 = ""; print substr($0, 2) }' "/proc/$1/status"; }

# nothing_left NAME: what `remains` says is what it said into the file `before`. The roles end by themselves, soon after QEMU.
unchanged() { remains > after && cmp -s before after; }
nothing_left() {
	wait_for 10 unchanged
	check "$1" diff before after
}

# remains: everything that a launch could leave behind, in a form to compare
remains() {
	echo '-- processes'
	ps -eo user:32,args | grep -E 'qemu|monitor [0-9]|^[^ ]+ +broker|xsfilter [0-9]' | grep -v grep
	echo '-- files'
	find /run/xen /run/qemu-depriv /var/run/xen /tmp -mindepth 1 -not -name '*.lock' 2> /dev/null | grep -v -e dm-reaper-lock -e domid-history -e "^$PWD" | sort -u
	echo '-- unix sockets'
	awk '$8 ~ /qmp|xen\/|depriv/ { print $8 }' /proc/net/unix | grep -v xenstored | sort
	echo '-- mounts'
	awk '{ print $5 }' /proc/self/mountinfo | sort
	echo '-- interfaces'
	ip -br link | awk '{ print $1 }' | sort
	echo '-- cgroups'
	find /sys/fs/cgroup -type d | sort
	echo '-- xenstore'
	xenstore-ls -f /local/domain/0/device-model 2> /dev/null | cut -d= -f1
	xenstore-ls -f /local/domain/0/backend 2> /dev/null | cut -d= -f1 | grep -v '/0 $'
}
