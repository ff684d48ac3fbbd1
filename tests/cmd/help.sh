#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# Help, man pages and completion say the same: what the program's tables say.
. "$(dirname "$0")/../lib.sh"

commands() {
	"$WEIR" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

options() {
	"$WEIR" "$1" --help | sed -n 's/.* \(--[a-z-]*\) .*/\1/p'
}

# The options that the synopsis of a command shows in weir(8).
man_options() {
	awk -v command="$1" '$1 == ".Nm" { on = 0 } $1 == ".Cm" && $2 == command { on = 1 }
		/^\.Sh DESCRIPTION/ { exit } on && /^\.Op Fl/ { print $3 }' "$TOP/doc/weir.8"
}

test_every_command_has_help() {
	local command
	for command in $(commands); do
		run 0 "$WEIR" "$command" --help
		expect_match "$out" "^usage: weir $command"
	done
	expect_match "$(commands)" '^apply$'
}

test_the_man_page_has_every_command_and_option() {
	local command option
	for command in $(commands); do
		expect_match "$(cat "$TOP/doc/weir.8")" "^\.It Cm $command\$" "command $command"
		for option in $(options "$command"); do
			expect_match "$(cat "$TOP/doc/weir.8")" "Fl ${option#-}( |\$)" "$option"
			[ "$option" = --help ] || [ "$option" = --netns ] ||
				expect_match "$(man_options "$command")" "^${option#-}\$" "synopsis: $command $option"
		done
	done
}

test_the_man_page_has_nothing_else() {
	local command option
	for command in $(commands); do
		for option in $(man_options "$command"); do
			[ "$option" = n ] || expect_match "$(options "$command")" "^-$option\$" "$command -$option"
		done
	done
}

test_completion() {
	. "$TOP/scripts/weir.bash-completion"
	PATH=$(dirname "$WEIR"):$PATH
	local COMPREPLY=()
	COMP_WORDS=(weir "") COMP_CWORD=1
	_weir weir "" weir
	expect_eq "${COMPREPLY[*]}" "$(commands | xargs)"
	COMP_WORDS=(weir apply --) COMP_CWORD=2
	_weir weir -- apply
	expect_eq "${COMPREPLY[*]}" "$(options apply | sort | xargs)"
	COMP_WORDS=(weir show l) COMP_CWORD=2
	_weir weir l show
	expect_eq "${COMPREPLY[*]}" lo
	COMP_WORDS=(weir limit p) COMP_CWORD=2
	_weir weir p limit
	expect_eq "${COMPREPLY[*]}" pid
	COMP_WORDS=(weir limit --upload 1mbit user root) COMP_CWORD=5
	_weir weir root user
	expect_match "${COMPREPLY[*]}" '(^| )root( |$)'
	COMP_WORDS=(weir limit --only i) COMP_CWORD=3
	_weir weir i --only
	expect_eq "${COMPREPLY[*]}" internet
}

run_tests "$@"
