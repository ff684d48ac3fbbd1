#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# guest: multiqueue
#
# A NIC with several queues: its default root is mq, with a child a queue.
. "$(dirname "$0")/common.bash"

QUEUES=4

# The guest's NIC, in namespace r; the kernel gives it back to the first one with the test's end.
nic() {
	need guest multiqueue
	lab_ns r
	NETNS=$(lab_netns r)
	nsenter --net=/proc/1/ns/net ip link set eth0 netns "$NETNS" || die "no eth0"
	in_ns r ip link set eth0 up
	lab_addr r eth0 192.0.2.1/24
	in_ns r ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
	expect_eq "$(in_ns r tc qdisc show dev eth0 | grep -c ' parent :[1-9a-f]')" "$QUEUES" "children of mq"
	expect_match "$(in_ns r tc qdisc show dev eth0)" '^qdisc mq 0: root'
}

test_default_mq_is_no_obstacle() {
	local before
	nic
	before=$(state)
	conf x <<<'link eth0 { egress rate 10mbit { class a rate 1mbit { match udp dport 9 } }; ingress rate 10mbit }'
	run 0 weir apply x.conf
	expect_match "$(in_ns r tc qdisc show dev eth0)" '^qdisc htb 77e0: root'
	run 0 weir plan x.conf
	expect_eq "$(mutations "$WEIR" -n "$NETNS" apply x.conf)" 0 "changes of the second apply"
	in_ns r bash -c 'for ((i = 0; i < 20; i++)); do echo >/dev/udp/192.0.2.2/9; done'
	run 0 weir show --json --interval 10ms
	expect_match "$out" '"packets": 20,?$' "the packets of class a"
	run 0 weir down
	unchanged "$before" "the state after down"
	feature "Classes and links" 'root mq replaced, and back' yes
}

test_children_of_ones_own_are_foreign() {
	local before queue
	nic
	in_ns r tc qdisc replace dev eth0 root handle 1: mq
	for ((queue = 1; queue <= QUEUES; queue++)); do
		in_ns r tc qdisc replace dev eth0 parent "1:$queue" handle "1$queue:" fq limit "$((1000 * queue))"
	done
	before=$(state)
	conf x <<<'link eth0 { egress rate 10mbit }'
	run 1 weir apply x.conf
	one_error
	expect_match "$err" 'eth0: .*\bmq\b.*--take-over'
	unchanged "$before" "the state after a refusal"
	run 0 weir apply --take-over x.conf
	run 0 weir plan x.conf
	run 0 weir down
	unchanged "$before" "the state after down"
	feature "Classes and links" 'mq of the administrator taken over, and back' yes
}

# Only what arrives is shaped: mq stays as it is.
test_ingress_leaves_mq() {
	local before
	nic
	before=$(state)
	run 0 weir apply - <<<'link eth0 { ingress rate 10mbit; police ingress rate 1mbit }'
	expect_match "$(in_ns r tc qdisc show dev eth0)" '^qdisc mq 0: root'
	run 0 weir down
	unchanged "$before" "the state after down"
}

run_tests "$@"
