#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# weir apply --confirm: undone by itself unless somebody who can still reach the machine says so.
. "$(dirname "$0")/common.bash"

files() {
	echo 'link wan0 { egress rate 20mbit { class a rate 1mbit { match tcp dport 22 } }; ingress rate 9mbit }' |
		conf a
	echo 'link wan0 { egress rate 5mbit { class b rate 1mbit { match tcp dport 22; match udp } } }
		link lan0 { ingress rate 3mbit }' | conf b
}

# The guard is gone when its socket is.
guard_socket() {
	echo "/run/weir/$(stat -L -c %i "/run/netns/$NETNS").confirm"
}

wait_for_guard() {
	local i
	for ((i = 0; i < 600; i++)); do
		[ -e "$(guard_socket)" ] || return 0
		sleep 0.05
	done
	not_ok "the guard is still there after 30 seconds"
}

test_confirmed_in_time_it_stays() {
	local before after
	router
	files
	before=$(state)
	run 0 weir apply a.conf --confirm 60
	expect_match "$out" 'changes applied and verified'
	expect_match "$err" 'undone in 60 s unless'
	after=$(state)
	[ "$after" != "$before" ] || not_ok "nothing was applied"
	run 0 weir confirm
	# at once: nothing of the guard is in the way any more
	run 0 weir apply a.conf
	expect_match "$out" 'nothing to change'
	expect_eq "$(guard_socket | xargs ls 2>/dev/null)" ""
	unchanged "$after"
	run 0 weir down
	unchanged "$before"
}

test_undone_when_nobody_confirms() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf --confirm 1
	wait_for_guard
	unchanged "$before"
	run 0 weir plan - <<<''
	# after a reload it is the file before that comes back
	run 0 weir apply a.conf
	before=$(state)
	run 0 weir apply --confirm=1 b.conf
	[ "$(state)" != "$before" ] || not_ok "nothing was applied"
	wait_for_guard
	unchanged "$before"
	run 0 weir plan a.conf
	run 0 weir show --interval 10ms
	expect_match "$out" 20
	run 2 weir plan b.conf
}

test_undone_when_the_shell_dies() {
	local before i
	router
	files
	before=$(state)
	export WEIR NETNS
	# a terminal of its own that hangs up as soon as the change is there
	if command -v script >/dev/null; then
		script -qec 'exec bash -c "$WEIR -n $NETNS apply a.conf --confirm 2; kill -HUP 0; kill -KILL \$\$"' \
			/dev/null >/dev/null 2>&1 </dev/null
	else
		setsid bash -c '"$WEIR" -n "$NETNS" apply a.conf --confirm 2; kill -HUP 0; kill -KILL $$' \
			>/dev/null 2>&1
	fi
	[ "$(state)" != "$before" ] || not_ok "nothing was applied"
	wait_for_guard
	unchanged "$before"
}

# The terminal dies while weir is at it, at any of its sends.
test_undone_when_the_shell_dies_meanwhile() {
	local before n guard
	router
	files
	before=$(state)
	for ((n = 1; n < 24; n += 3 * STRIDE)); do
		strace -f -qq -e trace=sendmsg -e signal=none -e "inject=sendmsg:delay_enter=200000:when=$n" -o trace \
			setsid sh -c 'echo $$ >pid; exec "$@"' - "$WEIR" -n "$NETNS" apply a.conf --confirm 1 \
			>out 2>err &
		while ! grep -q DELAYED trace 2>/dev/null && kill -0 $! 2>/dev/null; do
			sleep 0.02
		done
		# the command that was started, and all that is still in its session
		kill -HUP "-$(<pid)" 2>/dev/null
		kill -KILL "$(<pid)" 2>/dev/null
		wait $!
		wait_for_guard
		unchanged "$before" "state when the terminal died at send $n" || return
		rm -f trace
	done
}

# Nothing holds the terminal: what waits for the end of the output comes to its end.
test_output_ends() {
	local start=$SECONDS
	router
	files
	weir apply a.conf --confirm 60 2>&1 | cat >out
	expect_between $((SECONDS - start)) 0 40 "seconds until the output ended"
	run 0 weir confirm
	run 0 weir apply b.conf --confirm 60 >/dev/null
	run 0 weir confirm
}

test_pending() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf --confirm 30
	for args in "apply b.conf" "apply a.conf --confirm 5" "down"; do
		# shellcheck disable=SC2086
		run 1 weir $args
		one_error
		expect_match "$err" 'waits for its confirmation'
	done
	# but looking is allowed
	run 0 weir show --interval 10ms
	run 2 weir plan b.conf
	run 0 weir confirm
	run 1 weir confirm
	one_error
	expect_match "$err" 'no apply waits for confirmation'
	run 0 weir down
	unchanged "$before"
}

# Too late, the undoing is under way: neither confirmed nor changed.
test_confirmed_too_late() {
	local before
	router
	files
	before=$(state)
	strace -f -qq -e trace=sendmsg -e signal=none -e inject=sendmsg:delay_enter=100000 -o trace \
		"$WEIR" -n "$NETNS" apply a.conf --confirm 1 >out 2>err &
	until [ -s err ]; do
		sleep 0.05
	done
	sends=$(wc -l <trace)
	while [ "$(wc -l <trace)" -le "$sends" ]; do
		sleep 0.05
	done
	run 1 weir confirm
	one_error
	expect_match "$err" 'undoing'
	# another change waits until it is undone
	run 0 weir apply b.conf
	wait $!
	run 0 weir plan b.conf
	run 0 weir down
	unchanged "$before"
}

test_nothing_pending() {
	router
	run 1 weir confirm
	one_error
	expect_match "$err" 'no apply waits'
}

# Told to end, it does not leave an unconfirmed change behind.
test_guard_that_is_told_to_end() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf --confirm 600
	for pid in $(ip netns pids "$NETNS"); do
		kill -TERM "$pid"
	done
	wait_for_guard
	unchanged "$before"
}

# Killed, it does no more; and it is in nobody's way.
test_guard_that_is_killed() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf --confirm 600
	for pid in $(ip netns pids "$NETNS"); do
		kill -KILL "$pid"
	done
	sleep 0.2
	run 1 weir confirm
	run 0 weir apply b.conf
	run 0 weir down
	unchanged "$before"
}

test_a_failed_apply_leaves_no_guard() {
	local before
	router
	files
	before=$(state)
	echo 'link nosuch0 { egress rate 1mbit }' | conf x
	run 1 weir apply x.conf --confirm 60
	one_error
	expect_match "$err" 'nosuch0'
	strace -f -qq -e trace=sendmsg -e signal=none -e inject=sendmsg:error=ENOBUFS:when=6 -o trace \
		"$WEIR" -n "$NETNS" apply a.conf --confirm 60 >out 2>err
	expect_eq "$?" 1 "status"
	err=$(<err)
	one_error
	expect_eq "$(guard_socket | xargs ls 2>/dev/null)" ""
	run 1 weir confirm
	unchanged "$before"
}

# Nobody sees what was done: it is not done.
test_no_output_no_change() {
	local before
	router
	files
	before=$(state)
	weir apply a.conf --confirm 60 >/dev/full 2>err
	expect_eq "$?" 1 "status"
	err=$(<err)
	one_error
	wait_for_guard
	unchanged "$before"
}

test_seconds_are_checked() {
	local word
	router
	files
	for word in 0 -1 x 1.5 86401 '' 99999999999999999999; do
		run 2 weir apply a.conf --confirm "$word"
		one_error
	done
	run 2 weir apply a.conf --confirm
	run 1 weir plan a.conf --confirm 5
}

run_tests "$@"
