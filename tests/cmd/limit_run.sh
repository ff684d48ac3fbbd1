#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# weir run: a command that is limited from its start to its end.
. "$(dirname "$0")/limits.bash"

test_status() {
	box
	run 0 weir run --upload 8mbit true
	run 7 weir run --upload 8mbit -- sh -c 'exit 7'
	run 255 weir run --upload 8mbit sh -c 'exit 255'
	run 137 weir run --upload 8mbit -- sh -c 'kill -9 $$'
	run 127 weir run --upload 8mbit -- no-such-command
	expect_eq "$err" "weir: run: no-such-command: No such file or directory"
	run 126 weir run --upload 8mbit -- /etc/passwd
	expect_eq "$err" "weir: run: /etc/passwd: Permission denied"
	nothing_left </dev/null
}

# Its options are its own, its streams are weir's.
test_arguments_and_streams() {
	box
	run 0 weir run --upload 8mbit echo --help -n x
	expect_eq "$out" "--help -n x"
	expect_eq "$err" ""
	expect_eq "$(echo abc | weir run --download 8mbit -- cat)" abc
	run 0 weir run --upload 8mbit -- sh -c 'echo $1 >&2' sh to-standard-error
	expect_eq "$err" to-standard-error
}

# No packet passes before the limit is there: with everything blocked, not even the first.
test_limited_from_the_start() {
	local script='exec 3<>/dev/tcp/192.0.2.2/5201'
	box
	run 0 within "" nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$NETNS" run --upload 100mbit -- \
		timeout 2 bash -c "$script"
	run 124 within "" nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$NETNS" run --block -- \
		timeout 2 bash -c "$script"
	nothing_left </dev/null
}

# A command that goes on until it is told; $PWD/pid is it.
start() {
	within "" nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$NETNS" run --upload 8mbit -- \
		bash -c 'trap "echo $BASHPID got it; exit 42" TERM; echo $$ >pid; while :; do sleep 0.1; done' \
		>output 2>&1 &
	weir_pid=$!
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		[ ! -s pid ] || return 0
		sleep 0.1
	done
	cat output
	die "it does not start"
}

test_signals_are_passed_on() {
	local weir
	box
	start
	weir=$(awk '{ print $4 }' "/proc/$(<pid)/stat")
	expect_eq "$(limited)" 1
	expect_eq "$(field .name)" "\"$(<pid)\""
	kill -TERM "$weir"
	wait "$weir_pid"
	expect_eq "$?" 42 "its status"
	expect_match "$(<output)" "got it"
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_killed_weir_leaves_the_limit_until_the_command_ends() {
	local weir
	box
	start
	weir=$(awk '{ print $4 }' "/proc/$(<pid)/stat")
	kill -KILL "$weir"
	wait "$weir_pid"
	expect_eq "$(limited)" 1
	kill -TERM "$(<pid)"
	sleep 0.5
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_what_it_starts_is_limited_too() {
	local tries
	box
	cgroup ""
	within "" nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$NETNS" run --upload 8mbit -- \
		bash -c 'trap "kill %1" TERM; iperf3 -c 192.0.2.2 -t 60 >log & wait' &
	weir_pid=$!
	for ((tries = 0; tries < 60; tries++)); do
		[ "$(field '.upload.drops > 0')" != true ] || break
		sleep 0.2
	done
	expect_between "$(measured upload)" 400 10000 "8mbit"
	kill -TERM "$(field .name | tr -d '"')"
	wait "$weir_pid"
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_nothing_runs_without_its_limit() {
	box
	run 1 weir run --upload 8mbit --backend no_such -- touch ran
	expect_match "$err" "^weir: there is no backend 'no_such'; see 'weir backends'$"
	[ ! -e ran ] || not_ok "it ran"
	run 2 weir run -- touch ran
	expect_eq "$err" "weir: run: needs --download RATE, --upload RATE or --block"
	run 2 weir run --upload 8mbit
	expect_match "$err" "^weir: run: needs a command"
	[ ! -e ran ] || not_ok "it ran"
	nothing_left </dev/null
}

run_tests "$@"
