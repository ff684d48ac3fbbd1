#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# Somebody else is at it at the same time: another weir, or who knows.
. "$(dirname "$0")/common.bash"
. "$(dirname "$0")/reload.bash"

test_two_applies_at_once() {
	local i a b now
	router
	files
	from a.conf
	a=$(state)
	from b.conf
	b=$(state)
	for ((i = 0; i < 8; i++)); do
		weir apply a.conf >out1 2>err1 &
		first=$!
		weir apply b.conf >out2 2>err2 &
		second=$!
		wait "$first"
		expect_eq "$?" 0 "status of the first: $(<err1)"
		wait "$second"
		expect_eq "$?" 0 "status of the second: $(<err2)"
		now=$(state)
		[ "$now" = "$a" ] || [ "$now" = "$b" ] || expect_eq "$now" "$a" "state of round $i" || return
	done
}

# hold SECONDS: r's lock, as another weir would.
hold() {
	flock "/run/weir/$(stat -L -c %i "/run/netns/$NETNS").lock" sh -c "touch held; exec sleep $1" &
	until [ -e held ]; do
		sleep 0.01
	done
	rm held
}

# The second waits for the first; when that takes too long it says so.
test_the_lock_is_waited_for() {
	router
	files
	from a.conf
	hold 1
	run 0 weir apply b.conf
	wait
	hold 60
	run 1 weir apply a.conf
	one_error
	expect_match "$err" 'another weir'
	run 0 weir show --interval 10ms
	run 2 weir plan a.conf
	kill $!
}

# ---- while weir is at it

# stopped_after CALL N ARG...: starts weir, which stops behind its Nth such system call; go_on lets it,
# and gives its $status and $err.
stopped_after() {
	local call=$1 n=$2
	shift 2
	rm -f trace
	strace -qq -e trace="$call" -e signal=STOP -e "inject=$call:signal=STOP:when=$n" -o trace \
		sh -c 'echo $$ >pid; exec "$@"' - "$WEIR" -n "$NETNS" "$@" >out 2>err &
	tracer=$!
	while kill -0 "$tracer" 2>/dev/null && ! grep -q 'stopped by SIGSTOP' trace 2>/dev/null; do
		sleep 0.01
	done
	grep -q 'stopped by SIGSTOP' trace
}

go_on() {
	kill -CONT "$(<pid)"
	wait "$tracer"
	status=$?
	err=$(<err)
}

# first_send TYPE ARG...: the number of weir's first send of this kind of message.
first_send() {
	local type=$1
	shift
	traced sendmsg "" "$WEIR" -n "$NETNS" "$@" >out
	grep -nE -m 1 "nlmsg_type=($type)\\>" trace | cut -d: -f1
}

# The interface goes while weir is between two sends: at each of them.
test_interface_disappears() {
	local n before
	router
	echo 'link dum0 { egress rate 10mbit { class a rate 1mbit { match tcp dport 22 } }; ingress rate 5mbit }
		link wan0 { egress rate 10mbit }' | conf x
	before=$(state)
	for ((n = 1; n < 60; n += STRIDE)); do
		ip -n "$NETNS" link add dum0 type veth peer name dum1
		stopped_after sendmsg "$n" apply x.conf || break
		ip -n "$NETNS" link del dum0
		go_on
		if [ "$status" = 0 ]; then
			# gone when all was done already
			run 0 weir down
		else
			expect_eq "$status" 1 "status when it goes at send $n" || return
			one_error || return
		fi
		unchanged "$before" "state when it goes at send $n ($status: $err)" || return
	done
	[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
}

# Somebody changes what was just applied: that is no success.
test_verified() {
	local before sends
	router
	files
	from b.conf
	before=$(state)
	from a.conf
	from b.conf
	traced sendmsg "" "$WEIR" -n "$NETNS" apply a.conf >out
	sends=$(grep -c sendmsg trace)
	from b.conf
	traced sendmsg "delay_enter=500000:when=$((sends - 2))" "$WEIR" -n "$NETNS" apply a.conf >out 2>err &
	while ! in_ns r tc class show dev wan0 | grep -q 'rate 20Mbit'; do
		sleep 0.01
	done
	while ! grep -q DELAYED trace; do
		in_ns r tc class change dev wan0 parent 77e0: classid 77e0:1 htb rate 77mbit
		sleep 0.05
	done
	wait $!
	expect_eq "$?" 1 "status"
	err=$(<err)
	one_error
	expect_match "$err" 'holds something else|keeps changing'
	unchanged "$before"
}

# In the middle of one send of many messages the kernel refuses one, and carries on with the others.
test_one_message_is_refused() {
	local before
	router
	echo 'link wan0 { egress rate 9mbit { class a rate 1mbit { match tcp dport 22 } } }' | conf x
	echo 'link wan0 { egress rate 8mbit {
		class b rate 1mbit { match tcp dport 23 }
		class bik rate 1mbit { match tcp dport 24 }
		class c rate 1mbit { match tcp dport 25 }
	} }' | conf y
	from x.conf
	before=$(state)
	# the state file is written when it is clear what is to be done
	stopped_after rename 1 apply y.conf || die "not stopped"
	in_ns r tc class add dev wan0 parent 77e0:1 classid 77e0:7b97 htb rate 5mbit || die "tc"
	go_on
	expect_eq "$status" 1 "status"
	one_error
	expect_match "$err" 'wan0: class bik \(77e0:7b97\): .*as it was before'
	unchanged "$before"
}

# The same in the phase that removes: the class that is to go has become somebody's.
test_one_removal_is_refused() {
	local before n
	router
	echo 'link wan0 { egress rate 9mbit { class a rate 1mbit { match tcp dport 22 }
		class bik rate 1mbit { match tcp dport 24 } } }' | conf x
	echo 'link wan0 { egress rate 8mbit { class a rate 2mbit { match tcp dport 23 } } }' | conf y
	from x.conf
	before=$(state)
	n=$(first_send '0x29|RTM_DELTCLASS' apply y.conf)
	from x.conf
	stopped_after sendmsg $((n - 1)) apply y.conf || die "not stopped"
	in_ns r tc filter add dev wan0 parent 77e0: protocol ip prio 60000 u32 match u32 0 0 flowid 77e0:7b97
	go_on
	expect_eq "$status" 1 "status"
	one_error
	expect_match "$err" 'wan0: class 77e0:7b97: .*as it was before'
	unchanged "$before"
}

run_tests "$@"
