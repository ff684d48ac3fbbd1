#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# Whatever goes wrong while the kernel is being changed: the state is as before, or the next apply
# brings it to where it should be; never half a tree reported as success.
. "$(dirname "$0")/common.bash"
. "$(dirname "$0")/reload.bash"

# every_fault START INJECTION ARG...: the injection at every send of `weir ARG...` from START on,
# until one run meets none. Each must fail with one line and leave the state as it was.
every_fault() {
	local start=$1 what=$2 n before after
	shift 2
	from "$start"
	before=$(state)
	for ((n = 1; n < 200; n += STRIDE)); do
		traced sendmsg "$what:when=$n" "$WEIR" -n "$NETNS" "$@" >out 2>err
		status=$?
		out=$(<out) err=$(<err)
		injected || break
		expect_eq "$status" 1 "status with $what at send $n of $*: $err" || return
		one_error || return
		expect_match "$err" 'as it was before|sending to the kernel|cannot' "the error at send $n" || return
		after=$(state)
		expect_eq "$after" "$before" "state after $what at send $n of $*: $err" || return
	done
	expect_eq "$status" 0 "status of $* untouched" || return
	[ "$n" -gt 8 ] || not_ok "only $n sends of $* were seen"
}

test_error_at_every_send_of_a_first_apply() {
	router
	files
	every_fault "" error=ENOBUFS apply a.conf
}

test_error_at_every_send_of_a_reload() {
	router
	files
	every_fault a.conf error=ENOMEM apply b.conf
	every_fault b.conf error=EPERM apply a.conf
}

test_error_at_every_send_of_down() {
	router
	files
	every_fault b.conf error=ENOBUFS down
}

# The change was made, but what the kernel said about it is lost.
test_error_at_every_answer() {
	local n before
	router
	files
	from a.conf
	before=$(state)
	for ((n = 1; n < 1000; n += 3 * STRIDE)); do
		traced recvmsg "error=ENOMEM:when=$n" "$WEIR" -n "$NETNS" apply b.conf >out 2>err
		status=$?
		err=$(<err)
		injected || break
		expect_eq "$status" 1 "status with ENOMEM at answer $n: $err" || return
		one_error || return
		unchanged "$before" "state after ENOMEM at answer $n: $err" || return
	done
	[ "$n" -gt 20 ] || not_ok "only $n answers were seen"
}

# killed_at CALL STEP START WANTED ARG...: kills `weir ARG...` at every STEP-th CALL; then a plain
# apply of b.conf gives what it gives undisturbed (WANTED), and down leaves nothing.
killed_at() {
	local call=$1 step=$2 start=$3 wanted=$4 n
	shift 4
	for ((n = 1; n < 1000; n += step * STRIDE)); do
		from "$start"
		traced "$call" "signal=KILL:when=$n" "$WEIR" -n "$NETNS" "$@" >out 2>err
		[ $? = 137 ] || break
		run 0 weir apply b.conf || return
		unchanged "$wanted" "state when $* was killed at $call $n and b.conf applied" || return
		run 2 weir plan a.conf
		run 0 weir down || return
		unchanged "$nothing" "state when $* was killed at $call $n, after down" || return
	done
	[ "$n" -gt 8 ] || not_ok "only $n times $call was seen in $*"
}

test_killed_at_every_send() {
	local nothing wanted
	router
	files
	nothing=$(state)
	run 0 weir apply b.conf
	wanted=$(state)
	killed_at sendmsg 1 "" "$wanted" apply a.conf
	killed_at sendmsg 1 a.conf "$wanted" apply b.conf
	killed_at sendmsg 1 a.conf "$wanted" down
}

test_killed_at_answers() {
	local nothing wanted
	router
	files
	nothing=$(state)
	run 0 weir apply b.conf
	wanted=$(state)
	killed_at recvmsg 7 "" "$wanted" apply b.conf
	killed_at recvmsg 11 a.conf "$wanted" apply b.conf
}

# A killed down, then only down again.
test_down_after_a_killed_down() {
	local nothing n
	router
	files
	nothing=$(state)
	for ((n = 1; n < 100; n += STRIDE)); do
		from a.conf
		traced sendmsg "signal=KILL:when=$n" "$WEIR" -n "$NETNS" down >out 2>err
		[ $? = 137 ] || break
		run 0 weir down || return
		unchanged "$nothing" "state after a down killed at send $n and another" || return
	done
	[ "$n" -gt 5 ] || not_ok "only $n sends were seen"
}

# A killed apply, then only down.
test_down_after_a_killed_apply() {
	local nothing n
	router
	files
	nothing=$(state)
	for ((n = 1; n < 100; n += STRIDE)); do
		traced sendmsg "signal=KILL:when=$n" "$WEIR" -n "$NETNS" apply a.conf >out 2>err
		[ $? = 137 ] || break
		run 0 weir down || return
		unchanged "$nothing" "state after an apply killed at send $n and down" || return
	done
	[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
}

# The state file is written before the first change and after the last: both may fail.
test_error_at_every_write_of_the_state() {
	local call n before
	router
	files
	from a.conf
	before=$(state)
	for call in fsync rename; do
		for ((n = 1; n < 10; n++)); do
			traced "$call" "error=ENOSPC:when=$n" "$WEIR" -n "$NETNS" apply b.conf >out 2>err
			status=$?
			err=$(<err)
			injected || break
			expect_eq "$status" 1 "status with ENOSPC at $call $n" || return
			one_error
			expect_match "$err" 'No space left'
			unchanged "$before" "state after ENOSPC at $call $n" || return
		done
		expect_eq "$status $n" "0 3" "undisturbed in the third run with $call"
		from a.conf
	done
}

# ---- signals

# Signals that would end it wait until it is whole.
test_signals_wait() {
	local signal n before after
	router
	files
	from ""
	before=$(state)
	from a.conf
	after=$(state)
	for signal in TERM INT HUP PIPE; do
		for ((n = 1; n < 100; n += STRIDE)); do
			from ""
			traced sendmsg "signal=$signal:when=$n" "$WEIR" -n "$NETNS" apply a.conf >out 2>err
			status=$?
			injected || [ "$status" -ne 0 ] || break
			now=$(state)
			[ "$now" = "$before" ] || [ "$now" = "$after" ] ||
				expect_eq "$now" "$after" "state after SIG$signal at send $n" || return
		done
		[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
	done
}

# ---- interfaces

test_unknown_interface() {
	local before
	router
	before=$(state)
	echo 'link wan0 { egress rate 1mbit }; link nosuch0 { egress rate 1mbit }' | conf x
	run 1 weir apply x.conf
	one_error
	expect_match "$err" 'nosuch0: no such interface \(x.conf:1\)'
	unchanged "$before"
	run 1 weir plan x.conf
	run 0 weir check x.conf
}

# ---- kinds and privileges

# Named before anything is changed.
test_missing_kind() {
	local before
	! in_guest || without_module act_police
	router
	before=$(state)
	echo 'link wan0 { egress rate 1mbit; police ingress rate 1mbit burst 64kb }' | conf x
	tc qdisc add dev lo clsact
	tc filter add dev lo ingress u32 match u32 0 0 police rate 1mbit burst 10kb drop 2>/dev/null &&
		skip "the kernel has act_police"
	run 1 weir apply x.conf
	one_error
	expect_match "$err" 'wan0: .*police.*act_police'
	unchanged "$before"
	run 1 weir plan x.conf
}

without() {
	local cap=$1
	shift
	setpriv --bounding-set "-$cap" --inh-caps "-$cap" -- "$@"
}

test_without_net_admin() {
	local before
	router
	files
	before=$(state)
	run 1 ip netns exec "$NETNS" setpriv --bounding-set -net_admin -- "$WEIR" apply a.conf
	one_error
	expect_match "$err" 'CAP_NET_ADMIN'
	unchanged "$before"
	from a.conf
	before=$(state)
	run 1 ip netns exec "$NETNS" setpriv --bounding-set -net_admin -- "$WEIR" down
	one_error
	expect_match "$err" 'CAP_NET_ADMIN'
	unchanged "$before"
}

# It is needed for -n, and for a look at what the kernel has; not for the change.
test_without_sys_admin() {
	local wanted
	router
	files
	from a.conf
	wanted=$(state)
	from ""
	run 0 ip netns exec "$NETNS" setpriv --bounding-set -sys_admin -- "$WEIR" apply a.conf
	unchanged "$wanted"
	run 0 ip netns exec "$NETNS" setpriv --bounding-set -sys_admin -- "$WEIR" down
	run 1 setpriv --bounding-set -sys_admin -- "$WEIR" -n "$NETNS" apply a.conf
	one_error
	expect_match "$err" 'CAP_SYS_ADMIN'
}

# When not even a namespace of its own can be had to try kinds in, applying tells what is missing.
test_kinds_cannot_be_tried() {
	local before
	router
	files
	before=$(state)
	strace -f -qq -e trace=unshare -e signal=none -e inject=unshare:error=EPERM -o trace \
		"$WEIR" -n "$NETNS" apply a.conf >out 2>err
	status=$? err=$(<err)
	injected || not_ok "nothing was injected"
	if [ "$status" = 0 ]; then
		expect_match "$(state)" 'qdisc htb 77e0: dev wan0'
		run 0 weir down
	else
		one_error
		expect_match "$err" 'wan0: .*this kernel has no .*as it was before'
	fi
	unchanged "$before"
}

# Each of the others: not needed at all.
test_without_each_other_capability() {
	local cap wanted
	router
	files
	from a.conf
	wanted=$(state)
	for cap in $(setpriv --list-caps | tr '[:upper:]' '[:lower:]' | grep -vE '^(net_admin|sys_admin)$|[0-9]'); do
		from ""
		run 0 ip netns exec "$NETNS" setpriv --bounding-set "-$cap" -- "$WEIR" apply a.conf || return
		unchanged "$wanted" "state without $cap" || return
	done
}

test_without_any_privilege() {
	local before
	router
	files
	before=$(state)
	chmod 755 .
	run 1 ip netns exec "$NETNS" setpriv --reuid 65534 --clear-groups --bounding-set -all -- \
		"$WEIR" apply - <a.conf
	one_error
	unchanged "$before"
	run 0 setpriv --reuid 65534 --clear-groups --bounding-set -all -- "$WEIR" check - <a.conf
}

# ---- what weir remembers

test_state_file_is_a_hint() {
	local nothing wanted inode file garbage
	router
	files
	nothing=$(state)
	from a.conf
	wanted=$(state)
	inode=$(stat -L -c %i "/run/netns/$NETNS")
	file=/run/weir/$inode.json
	check "there is a state file" test -s "$file"
	cookie=$(jq .netns_cookie "$file")
	for garbage in "" '{' 'null' '[1]' '{"links": 5}' '{"netns_cookie": '"$cookie"', "links": {"wan0": 5}}' \
		'{"netns_cookie": '"$cookie"', "links": {"wan0": {"policy": 7, "clsact": "x", "aside": "y"}}}' \
		'{"netns_cookie": '"$cookie"', "links": {"wan0": {"policy": "link {", "aside": [1, 2]}}}' \
		'{"netns_cookie": '"$cookie"', "links": {"wan0": {"aside": [{"type": 9}]}, "zz": {"aside": [{}]}}}'; do
		from a.conf
		printf '%s' "$garbage" >"$file"
		run 0 weir show --interval 10ms
		run 0 weir plan a.conf
		run 0 weir apply a.conf
		expect_match "$out" 'nothing to change' "output with the state $garbage"
		unchanged "$wanted" "state with the state file $garbage"
		printf '%s' "$garbage" >"$file"
		run 0 weir down
		# an empty clsact bears no mark: nobody knows any more whose it is
		tc -n "$NETNS" qdisc del dev wan0 clsact 2>/dev/null
		unchanged "$nothing" "state after down with the state file $garbage" || return
		rm -f "$file"
	done
	from a.conf
	rm "$file"
	run 0 weir show --interval 10ms
	run 0 weir apply b.conf
	run 0 weir down
	tc -n "$NETNS" qdisc del dev wan0 clsact 2>/dev/null
	unchanged "$nothing"
}

TEST_TIMEOUT=${TEST_TIMEOUT:-400}
run_tests "$@"
