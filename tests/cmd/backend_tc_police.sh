#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Limits that are police actions at ingress: tc_police. `tc` is the independent reader.
. "$(dirname "$0")/limits.bash"

# As box, with a route to the world by wan0.
police_box() {
	need filter bpf
	need action police
	box "${1-}"
	in_ns r ip route add default via 192.0.2.2 dev wan0
	tc_state r wan0 >before.txt
	weir limits >/dev/null 2>&1
}

# The rates of wan0's police actions, in the order of the filters.
rates() {
	in_ns r tc filter show dev wan0 ingress | sed -nE 's/.* police .* rate ([^ ]+) .*/\1/p' | paste -sd,
}

as_before() {
	expect_eq "$(tc_state r wan0)" "$(cat before.txt)" "wan0"
	nothing_left
}

# A TCP flow that is held down by drops is slower than its limit at times, but never faster.
test_download() {
	local p q
	police_box
	flow p a -- -t 900 -R
	flow q b setpriv --reuid=65534 --clear-groups -- -t 900 -R -p 5202
	run 0 weir limit user 0 --backend tc_police --download 8mbit
	expect_eq "$out" "user 0: download 8mbit (tc_police)"
	run 0 weir limit user 65534 --backend tc_police --download 2mbit
	expect_eq "$(rates)" "8Mbit,2Mbit"
	sleep 1
	expect_between "$(measured download user root)" 2500 12000 "8mbit"
	expect_between "$(jq '[.limits[] | select(.name == "nobody").download.measured_bit][0] / 1000 | floor' \
		limits.json)" 500 3500 "2mbit"
	expect_eq "$(field .download.backend user root)" '"tc_police"'
	run 0 weir limit user 0 --backend tc_police --download 4mbit
	expect_eq "$(rates)" "4Mbit,2Mbit" "changed in place"
	# one away, the other stays
	run 0 weir unlimit user 0
	expect_eq "$(rates)" "2Mbit" "the other one"
	sleep 0.5
	expect_between "$(measured download user nobody)" 500 3500 "the other one"
	run 0 weir unlimit user 65534
	stop "$p" "$q"
	as_before
	feature Hosts 'limits: tc_police' yes
}

test_ipv6_and_udp() {
	local p
	police_box 6
	flow p a setpriv --reuid=65534 --clear-groups -- -c 2001:db8:a::2 -t 900 -R -p 5202 -u -b 20M -l 1000
	run 0 weir limit user 65534 --backend tc_police --download 4mbit
	sleep 2
	expect_between "$(measured download user nobody)" 3200 6000 "UDP, IPv6"
	run 0 weir unlimit --all
	stop "$p"
	as_before
}

# Every limit that a packet is under has to let it pass. A cgroup is known where it is seen from the root, which
# is done in a guest only.
test_several_hold() {
	local p
	in_guest || return 0
	police_box 6
	weir() {
		"$WEIR" -n "$NETNS" "$@"
	}
	flow p a setpriv --reuid=65534 --clear-groups -- -t 900 -R -p 5202 -u -b 20M -l 1000
	run 0 weir limit user 65534 --backend tc_police --download 4mbit
	run 0 weir limit cgroup "$CG/a" --backend tc_police --download 10mbit
	sleep 2
	expect_between "$(measured download cgroup "$CG/a")" 3000 6000
	run 0 weir limit cgroup "$CG/a" --backend tc_police --download 2mbit
	sleep 1
	expect_between "$(measured download user nobody)" 1400 3500
	run 0 weir unlimit --all
	stop "$p"
	as_before
}

# What others have at clsact survives, and clsact with it; beside ifb_tc it goes with the last of both.
test_beside_others() {
	police_box
	in_ns r tc qdisc add dev wan0 clsact
	in_ns r tc filter add dev wan0 ingress prio 5 u32 match u32 0 0 classid 1:1
	tc_state r wan0 >before.txt
	run 0 weir limit user 0 --backend tc_police --download 8mbit
	run 0 weir unlimit user 0
	as_before
	in_ns r tc qdisc del dev wan0 clsact
	tc_state r wan0 >before.txt
	need link ifb
	for first in ifb_tc tc_police; do
		run 0 weir limit user 0 --backend "$first" --download 8mbit
		run 0 weir limit user 1 --backend "$([ $first = ifb_tc ] && echo tc_police || echo ifb_tc)" --download 8mbit
		run 0 weir unlimit user 0
		run 0 weir unlimit user 1
		as_before
	done
}

test_what_it_cannot() {
	police_box
	run 1 weir limit cgroup / --backend tc_police --upload 8mbit
	expect_eq "$err" "weir: backend tc_police: it does not limit uploads"
	run 1 weir limit pid $$ --backend tc_police --download 8mbit
	expect_eq "$err" "weir: backend tc_police: it does not limit processes"
	run 1 weir limit user 0 --backend tc_police --download 8mbit --only internet
	run 1 weir limit user 0 --backend tc_police --download block
	as_before
}

test_killed_anywhere() {
	local n
	need command strace
	police_box
	for ((n = 1; n < 60000; n += 17 * STRIDE)); do
		nsenter --cgroup="$HERE/namespace" strace -f -qq -o /dev/null -e trace=sendmsg,sendto,bpf,fork,clone \
			-e inject=sendmsg,sendto,bpf:signal=KILL:when=$n "$WEIR" -n "$NETNS" \
			limit user 0 --backend tc_police --download 8mbit >/dev/null 2>&1 && break
		run 0 weir limits --interval 10ms --json
		weir unlimit --all >/dev/null 2>&1
		as_before || break
	done
	check "it came to its end" [ "$n" -lt 60000 ]
	run 0 weir unlimit --all
	as_before
}

run_tests "$@"
