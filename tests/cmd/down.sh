#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir down: what weir made, and nothing else. See also takeover.sh and faults.sh.
. "$(dirname "$0")/common.bash"

files() {
	echo 'link wan0 { egress rate 20mbit { class a rate 1mbit { match tcp dport 22 } }; ingress rate 9mbit }
		link lan0 { egress rate 20mbit; ingress rate 9mbit }' | conf a
}

test_all() {
	local before
	router
	files
	before=$(state)
	run 0 weir down
	expect_eq "$out" "nothing to change"
	unchanged "$before"
	run 0 weir apply a.conf
	run 0 weir down
	unchanged "$before"
	# of actions, too, once the kernel has got round to it
	for ((i = 0; i < 100; i++)); do
		[ -z "$(in_ns r tc actions ls action mirred | grep order)" ] && break
		sleep 0.05
	done
	expect_eq "$(in_ns r tc actions ls action mirred | grep order)" "" "actions left"
	expect_eq "$(find /run/weir -name '*.json*')" "" "what is remembered"
}

test_one_link() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf
	run 0 weir down wan0
	expect_no_match "$(state)" 'ifb-wan0|77e0: dev wan0'
	expect_match "$(state)" 'ifb-lan0'
	run 0 weir down lan0 wan0
	unchanged "$before"
}

test_unknown_link() {
	router
	files
	run 0 weir apply a.conf
	run 1 weir down nosuch0
	one_error
	expect_match "$err" 'nosuch0: no such interface'
	run 1 weir down wan0 nosuch0
	run 0 weir plan a.conf
}

# The link went away meanwhile, or came back under another name: its IFB is found by its mark.
test_link_is_gone() {
	local before
	router
	files
	ip -n "$NETNS" link del lan0
	lab_link r lan0 c eth0
	before=$(state)
	run 0 weir apply a.conf
	ip -n "$NETNS" link del lan0
	run 1 weir apply a.conf
	one_error
	run 0 weir show --interval 10ms
	run 0 weir down lan0
	expect_no_match "$(state)" 'ifb-lan0'
	run 0 weir down
	lab_link r lan0 c eth0
	unchanged "$before"
	run 0 weir apply a.conf
	ip -n "$NETNS" link set lan0 name other0
	run 0 weir down
	# what is remembered of lan0's clsact does not hold for other0
	in_ns r tc qdisc del dev other0 clsact
	ip -n "$NETNS" link set other0 name lan0
	unchanged "$before"
}

# Two namespaces know nothing of each other.
test_namespaces() {
	local before
	router
	files
	before=$(state)
	run 0 weir apply a.conf
	run 0 "$WEIR" -n "$(lab_netns s)" apply - <<<'link eth0 { egress rate 1mbit; ingress rate 1mbit }'
	run 0 weir down
	unchanged "$before"
	run 0 "$WEIR" -n "$(lab_netns s)" plan - <<<'link eth0 { egress rate 1mbit; ingress rate 1mbit }'
	run 0 in_ns s "$WEIR" down
	expect_eq "$(in_ns s ip link show type ifb)" ""
}

# Traffic flows afterwards, and before.
test_traffic_flows() {
	router
	files
	reach r 192.0.2.2
	run 0 weir apply a.conf
	reach r 192.0.2.2
	run 0 weir down
	reach r 192.0.2.2
}

run_tests "$@"
