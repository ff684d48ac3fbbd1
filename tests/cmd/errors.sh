#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# Mistakes as a user makes them: one clear line, the exit status of the manual.
. "$(dirname "$0")/common.bash"

# said STATUS REGEX ARG...
said() {
	local status=$1 wanted=$2
	shift 2
	run "$status" "$WEIR" "$@" || return
	one_error
	expect_match "$err" "$wanted" "the error of weir $*"
	expect_eq "$out" "" "standard output of weir $*"
}

test_commands_and_options() {
	said 2 "unknown command 'aply'; did you mean 'apply'\?" aply
	said 2 "unknown command 'xyzzy'; see 'weir --help'" xyzzy
	said 2 "unknown command ''" ''
	said 2 "unknown option '--jsn'; did you mean '--json'\?" apply --jsn
	said 2 "unknown option '-x'" apply -x
	said 2 "unknown option '--tc'" apply --tc
	said 1 "unknown option '--confirm'" plan --confirm 3
	said 2 "--link needs NAME" apply --link
	said 2 "-?-netns needs NETNS" down -n
	said 2 "takes no value" apply --json=yes
	said 1 "plan: --tc and --json exclude each other" plan --tc --json
	said 2 "one word too many" confirm now
	said 2 "second" apply a b
	said 2 "second" check a b
	said 2 "--interval needs a time" show --interval 0
	said 2 "--interval needs a time" show --interval soon
	run 2 "$WEIR"
	expect_match "$err" '^usage: weir COMMAND'
	expect_eq "$out" ""
}

test_help() {
	local command
	run 0 "$WEIR" --help
	expect_match "$out" '^usage: weir COMMAND'
	expect_eq "$err" ""
	for command in $(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$out"); do
		run 0 "$WEIR" "$command" --help
		expect_match "$out" "^usage: weir $command "
		expect_match "$out" '--help'
	done
	run 0 "$WEIR" --version
	expect_match "$out" '^weir [0-9]'
	run 0 "$WEIR" apply nosuch --help
}

test_netns_stands_before_or_behind() {
	router
	run 0 "$WEIR" -n "$NETNS" show --interval 10ms
	run 0 "$WEIR" "-n$NETNS" show --interval 10ms
	run 0 "$WEIR" --netns="$NETNS" show --interval 10ms
	run 0 "$WEIR" --netns "$NETNS" show --interval 10ms
	run 0 "$WEIR" show -n "$NETNS" --interval 10ms
	run 0 "$WEIR" show "--netns=/run/netns/$NETNS" --interval=10ms
	said 1 "there is no network namespace 'nosuch'" show -n nosuch
	said 1 "'/etc/passwd' is not a network namespace" -n /etc/passwd show
}

test_files() {
	router
	for command in check plan apply; do
		said 1 "cannot open 'nosuch.conf': No such file" "$command" nosuch.conf
		said 1 'Is a directory' "$command" /tmp
		said 1 "cannot open '/etc/weir/weir.conf': No such file" "$command"
	done
	echo 'link wan0 { egress rate 1mbit }' | conf a
	run 0 "$WEIR" check a.conf
	run 0 "$WEIR" check - <a.conf
	run 0 "$WEIR" check -- a.conf
	run 0 "$WEIR" check ./a.conf
}

# file:line:column, the line, a caret, a near word; nothing is changed, nothing is printed as data.
test_config_errors() {
	local before
	router
	before=$(state)
	printf 'link wan0 {\n\tegress rate 20mbitt\n}\n' | conf a
	for command in check plan apply; do
		run 1 weir $command a.conf
		expect_eq "$out" ""
		expect_match "$(sed -n 1p <<<"$err")" "^a.conf:2:[0-9]+: .*mbitt'; did you mean 'mbit'\?"
		expect_match "$(sed -n 2p <<<"$err")" 'egress rate 20mbitt'
		expect_match "$(sed -n 3p <<<"$err")" '^[[:space:]]+\^'
	done
	run 1 weir apply - <a.conf
	expect_match "$err" '^<stdin>:2:[0-9]+: '
	unchanged "$before"
}

# Standard output that cannot be written is an error of every command that prints.
test_full_output() {
	local command
	router
	echo 'link wan0 { egress rate 1mbit }' | conf a
	for command in "check a.conf" "plan a.conf" "plan --json a.conf" "plan --tc a.conf" "apply a.conf" \
		"show --interval 10ms" "show --json --interval 10ms" "down" "--help" "apply --help" "--version"; do
		# shellcheck disable=SC2086
		weir $command >/dev/full 2>err
		expect_eq "$?" 1 "status of weir $command"
		err=$(<err)
		one_error
		expect_match "$err" 'standard output'
	done
	# closed altogether: no socket or file of weir's may take its number
	weir apply a.conf >&- 2>err
	expect_eq "$?" 1 "status with a closed output"
	expect_match "$(<err)" 'standard output'
	weir plan a.conf 2>&- >out
	expect_eq "$?" 0 "status with closed messages"
	expect_eq "$(tail -n 1 out)" "nothing to change"
}

# A reader that has gone is no reason to leave half a tree.
test_closed_pipe() {
	router
	echo 'link wan0 { egress rate 1mbit; ingress rate 1mbit }' | conf a
	weir apply a.conf 2>&1 | true
	run 0 weir plan a.conf
}

# An operator's directory that others may write to is not trusted.
test_run_directory() {
	router
	echo 'link wan0 { egress rate 1mbit }' | conf a
	chmod 1777 /run/weir
	run 1 weir apply a.conf
	one_error
	expect_match "$err" '/run/weir'
	chmod 700 /run/weir
	run 0 weir apply a.conf
	expect_eq "$(stat -c %a /run/weir/*)" $'600\n600' "modes of files"
}

# A name that is none for an interface.
test_names() {
	local name
	for name in a/b 'a b' 1234567890123456 . .. ''; do
		run 1 "$WEIR" check - <<<"link \"$name\" { egress rate 1mbit }"
	done
}

# What a terminal would obey is not sent to it.
test_control_characters() {
	local esc=$'\x1b[31m' word
	for word in "$esc" "check /tmp/$esc" "limit $esc 1 --upload 1mbit" "apply - $esc" "show $esc"; do
		# shellcheck disable=SC2086 # words
		"$WEIR" $word >out 2>err </dev/null
		check "$word: an error" test -s err
		expect_eq "$(tr -d '\n\t[:print:]' <err | wc -c)" 0 "control characters from $(printf %q "$word")"
	done
}

test_wrong_links() {
	router
	run 1 weir apply - <<<'link lo0 { egress rate 1mbit }'
	one_error
	run 0 weir apply - <<<'link wan0 { ingress rate 1mbit }'
	run 1 weir apply - <<<'link ifb-wan0 { egress rate 1mbit }'
	one_error
	expect_match "$err" "weir's own IFB"
	# loopback is an interface like any other
	run 0 weir apply - <<<'link lo { egress rate 1mbit; ingress rate 1mbit }'
	run 0 weir down
}

run_tests "$@"
