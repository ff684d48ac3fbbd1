#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not weir's: refused by name, or with --take-over put aside and put back.
. "$(dirname "$0")/common.bash"

tcr() {
	in_ns r tc "$@" || die "tc $*"
}

files() {
	echo 'link wan0 { egress rate 20mbit { class a rate 1mbit { match tcp dport 22 } }; ingress rate 9mbit }' |
		conf a
	echo 'link wan0 { egress rate 10mbit { class b rate 1mbit { match tcp dport 23 } } }' | conf b
}

# restored: refused, taken over, applied again, changed, and back as it was.
restored() {
	local before
	before=$(state)
	run 1 weir apply a.conf
	one_error
	expect_match "$err" "wan0: root qdisc $1 .*--take-over" "the refusal"
	unchanged "$before" "state after the refusal"
	run 1 weir plan a.conf
	run 2 weir plan a.conf --take-over
	unchanged "$before" "state after plan"
	run 0 weir apply a.conf --take-over
	expect_match "$(in_ns r tc qdisc show dev wan0)" 'qdisc htb 77e0: root'
	run 0 weir apply a.conf
	expect_match "$out" 'nothing to change'
	run 0 weir apply b.conf
	run 0 weir down
	unchanged "$before" "state after down" || return
	run 0 weir down
	expect_match "$out" 'nothing to change'
	# a file that wants no egress tree gives it back, too
	run 0 weir apply a.conf --take-over
	run 0 weir apply - <<<'link wan0 { ingress rate 9mbit }'
	run 0 weir apply - <<<'link lan0 { egress rate 9mbit }'
	run 0 weir down
	unchanged "$before" "state after other files"
}

test_pfifo() {
	router
	files
	tcr qdisc add dev wan0 root handle 5: pfifo limit 77
	restored pfifo
}

test_tbf() {
	router
	files
	need qdisc tbf
	tcr qdisc add dev wan0 root handle 6: tbf rate 3mbit burst 20kb latency 30ms peakrate 4mbit mtu 2000
	tcr qdisc add dev wan0 parent 6:1 handle 61: pfifo limit 5
	restored tbf
}

# Classes of two depths, leaves, u32 filters with hash tables and an action.
test_htb_tree() {
	router
	files
	tcr qdisc add dev wan0 root handle 1: htb default 20 r2q 5 direct_qlen 123
	tcr class add dev wan0 parent 1: classid 1:1 htb rate 9mbit burst 20kb overhead 10 mpu 64
	tcr class add dev wan0 parent 1:1 classid 1:10 htb rate 5mbit ceil 9mbit prio 2 quantum 2000
	tcr class add dev wan0 parent 1:10 classid 1:11 htb rate 5gbit ceil 40gbit
	tcr class add dev wan0 parent 1:1 classid 1:20 htb rate 1mbit linklayer atm overhead 8
	tcr qdisc add dev wan0 parent 1:11 handle 11: pfifo limit 33
	tcr qdisc add dev wan0 parent 1:20 handle 20: bfifo limit 3300
	tcr filter add dev wan0 parent 1: protocol ip prio 3 u32 match ip dport 22 0xffff match ip protocol 6 0xff flowid 1:11
	tcr filter add dev wan0 parent 1: protocol ip prio 3 u32 match ip src 10.0.0.0/8 flowid 1:20
	tcr filter add dev wan0 parent 1: protocol ipv6 prio 4 u32 match ip6 dst 2001:db8::/32 flowid 1:11
	restored htb
}

test_u32_hash_tables() {
	router
	files
	tcr qdisc add dev wan0 root handle 1: htb
	tcr class add dev wan0 parent 1: classid 1:1 htb rate 9mbit
	tcr filter add dev wan0 parent 1: prio 5 protocol ip handle 2: u32 divisor 16
	tcr filter add dev wan0 parent 1: prio 5 protocol ip u32 ht 2:3: match ip src 10.0.0.3 flowid 1:1
	tcr filter add dev wan0 parent 1: prio 5 protocol ip u32 ht 800:: match ip src 10.0.0.0/24 hashkey mask 0xf at 12 link 2:
	restored htb
}

test_prio_bands() {
	router
	files
	need qdisc prio
	tcr qdisc add dev wan0 root handle 3: prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 3
	tcr qdisc add dev wan0 parent 3:2 handle 32: pfifo limit 44
	tcr filter add dev wan0 parent 3: protocol all prio 1 u32 match u32 0 0 flowid 3:4
	restored prio
}

test_sfq() {
	router
	files
	need qdisc sfq
	tcr qdisc add dev wan0 root handle 4: sfq perturb 10 limit 100 divisor 512
	restored sfq
}

test_fq_codel() {
	router
	files
	need qdisc fq_codel
	tcr qdisc add dev wan0 root handle 4: fq_codel limit 1000 target 7ms noecn
	restored fq_codel
}

test_red() {
	router
	files
	need qdisc red
	tcr qdisc add dev wan0 root handle 4: red limit 100kb min 10kb max 30kb avpkt 1000 burst 20 bandwidth 5mbit ecn
	restored red
}

test_size_table() {
	router
	files
	tcr qdisc add dev wan0 root handle 7: stab overhead 18 linklayer atm mtu 2047 tsize 512 pfifo limit 20
	restored pfifo
}

# A root with weir's handle that is not weir's.
test_same_handle() {
	router
	files
	tcr qdisc add dev wan0 root handle 77e0: pfifo limit 20
	restored pfifo
}

# The default of the kernel is nobody's.
test_default_root_is_no_obstacle() {
	local before
	router
	files
	tcr qdisc replace dev wan0 root pfifo
	tcr qdisc del dev wan0 root
	before=$(state)
	run 0 weir apply a.conf
	run 0 weir down
	unchanged "$before"
}

# What an error leaves behind after a take-over is the foreign tree.
test_error_at_every_send() {
	local before n
	router
	files
	tcr qdisc add dev wan0 root handle 1: htb default 20
	tcr class add dev wan0 parent 1: classid 1:20 htb rate 9mbit
	tcr qdisc add dev wan0 parent 1:20 handle 20: bfifo limit 3300
	tcr filter add dev wan0 parent 1: protocol ip prio 3 u32 match ip dport 22 0xffff flowid 1:20
	before=$(state)
	for ((n = 1; n < 100; n += STRIDE)); do
		traced sendmsg "error=ENOBUFS:when=$n" "$WEIR" -n "$NETNS" apply a.conf --take-over >out 2>err
		status=$?
		err=$(<err)
		injected || break
		expect_eq "$status" 1 "status with an error at send $n" || return
		one_error
		unchanged "$before" "state after an error at send $n: $err" || return
		run 1 weir apply a.conf || return
	done
	expect_eq "$status" 0
	# down puts it back; when that fails, weir's own is still there
	before=$(state)
	for ((n = 1; n < 100; n += STRIDE)); do
		traced sendmsg "error=ENOBUFS:when=$n" "$WEIR" -n "$NETNS" down >out 2>err
		status=$?
		err=$(<err)
		injected || break
		expect_eq "$status" 1 "status with an error at send $n of down" || return
		one_error
		unchanged "$before" "state after an error at send $n of down: $err" || return
	done
	expect_eq "$status" 0
}

test_killed_at_every_send() {
	local before n
	router
	files
	tcr qdisc add dev wan0 root handle 1: htb default 20
	tcr class add dev wan0 parent 1: classid 1:20 htb rate 9mbit
	tcr qdisc add dev wan0 parent 1:20 handle 20: bfifo limit 3300
	before=$(state)
	for ((n = 1; n < 100; n += STRIDE)); do
		traced sendmsg "signal=KILL:when=$n" "$WEIR" -n "$NETNS" apply a.conf --take-over >out 2>err
		[ $? = 137 ] || break
		run 0 weir down || return
		unchanged "$before" "state after a take-over killed at send $n, and down" || return
	done
	[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
}

# Somebody replaced weir's tree since: that is left alone, by down too.
test_replaced_since() {
	local before
	router
	files
	tcr qdisc add dev wan0 root handle 5: pfifo limit 77
	sed -i 's/link wan0 {/& classifier kernel;/' b.conf
	run 0 weir apply b.conf --take-over
	tcr qdisc replace dev wan0 root handle 9: pfifo limit 99
	before=$(state)
	run 1 weir apply b.conf
	one_error
	run 0 weir down
	unchanged "$(grep -v '^qdisc clsact ' <<<"$before")"
}

# Foreign clsact with foreign filters, foreign qdiscs elsewhere, foreign IFBs.
test_foreign_objects_survive() {
	local before
	router
	files
	tcr qdisc add dev wan0 clsact
	tcr filter add dev wan0 ingress prio 10 protocol ip u32 match ip src 10.0.0.1 flowid 1:1
	tcr filter add dev wan0 egress prio 65000 protocol ip u32 match ip src 10.0.0.2 classid 1:2
	tcr qdisc add dev lan0 root handle 8: pfifo limit 8
	tcr qdisc add dev lan0 ingress
	in_ns r ip link add ifb7 type ifb
	in_ns r ip link set ifb7 up alias "somebody else's"
	tcr qdisc add dev ifb7 root handle 9: pfifo limit 9
	tcr filter add dev lan0 ingress prio 7 protocol all u32 match u32 0 0 action mirred egress redirect dev ifb7
	before=$(state)
	run 0 weir apply a.conf
	foreign='pref (10|65000|7) u32 chain 0 fh \* order|qdisc pfifo [89]:'
	expect_eq "$(state | grep -E "$foreign")" "$(grep -E "$foreign" <<<"$before")" "foreign objects"
	run 0 weir apply - <<<'link wan0 { ingress rate 1mbit }; link lan0 { ingress rate 1mbit }'
	run 0 weir apply b.conf
	run 0 weir apply a.conf
	run 0 weir down
	unchanged "$before"
}

# The clsact that weir made stays when somebody else uses it by now.
test_foreign_filter_in_weirs_clsact() {
	router
	files
	run 0 weir apply a.conf
	tcr filter add dev wan0 ingress prio 10 protocol ip u32 match ip src 10.0.0.1 flowid 1:1
	run 0 weir down
	expect_match "$(in_ns r tc filter show dev wan0 ingress)" '0a000001'
	tcr filter del dev wan0 ingress
	run 0 weir down
	expect_no_match "$(in_ns r tc qdisc show dev wan0)" clsact
}

# An interface with the name of the IFB that is not weir's.
test_foreign_ifb_of_that_name() {
	local before kind
	router
	files
	for kind in ifb "veth peer name x0"; do
		# shellcheck disable=SC2086
		in_ns r ip link add ifb-wan0 type $kind
		before=$(state)
		run 1 weir apply a.conf
		one_error
		expect_match "$err" 'ifb-wan0: .*not weir'
		unchanged "$before"
		run 0 weir down
		unchanged "$before"
		in_ns r ip link del ifb-wan0
	done
}

# The alias was taken off, or the interface set down: put right.
test_damaged_ifb() {
	local after
	router
	files
	run 0 weir apply a.conf
	after=$(state)
	in_ns r ip link set ifb-wan0 down
	run 2 weir plan a.conf
	run 0 weir apply a.conf
	unchanged "$after"
	in_ns r ip link set ifb-wan0 alias weir:other
	run 0 weir apply a.conf
	unchanged "$after"
}

# Whatever somebody changed in weir's tree, apply brings it back.
test_drift_is_mended() {
	local after change
	router
	files
	sed -i 's/link wan0 {/& classifier kernel;/' a.conf
	run 0 weir apply a.conf
	after=$(state)
	leaf=$(in_ns r tc qdisc show dev wan0 | sed -nE 's/.* parent (77e0:[0-9a-f]{3,}) .*/\1/p')
	while read -r change; do
		# shellcheck disable=SC2086
		in_ns r tc $change || not_ok "tc $change"
		[ "$(state)" != "$after" ] || not_ok "no difference by tc $change"
		run 2 weir plan a.conf
		run 0 weir apply a.conf
		unchanged "$after" "state after tc $change and apply" || return
	done <<-EOF
		qdisc del dev wan0 root
		qdisc del dev wan0 clsact
		filter del dev wan0 parent 77e0:
		filter del dev wan0 ingress
		qdisc del dev ifb-wan0 root
		class change dev wan0 parent 77e0:1 classid $leaf htb rate 7mbit
		qdisc del dev wan0 parent $leaf
		qdisc replace dev wan0 parent $leaf handle 55: bfifo limit 5000
		class add dev wan0 parent 77e0:1 classid 77e0:5 htb rate 1mbit
		class add dev wan0 parent $leaf classid 77e0:5 htb rate 1mbit
		filter add dev wan0 parent 77e0: protocol ip prio 1 u32 match u32 0 0 flowid 77e0:2
	EOF
}

run_tests "$@"
