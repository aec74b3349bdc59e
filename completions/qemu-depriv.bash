# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for qemu-depriv(8); the commands are those that its --help lists.
# shellcheck shell=bash

_qemu_depriv() {
	local words
	words=$(qemu-depriv --help 2> /dev/null | sed -n 's/^  \([a-z][^[<]*\).*/\1/p')
	case $COMP_CWORD in
		1) words=$(awk '{ print $1 }' <<< "$words")$'\n--help\n--version' ;;
		2) words=$(awk -v first="${COMP_WORDS[1]}" '$1 == first { print $2 }' <<< "$words") ;;
		*) words= ;;
	esac
	# Where a command takes a domain or a file.
	if [[ $COMP_CWORD -ge 2 && -z ${words//[[:space:]]/} ]]; then
		words=$(cd /run/qemu-depriv 2> /dev/null && printf '%s\n' [0-9]*)
		compopt -o default 2> /dev/null
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -F _qemu_depriv qemu-depriv
