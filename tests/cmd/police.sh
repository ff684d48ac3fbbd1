#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Police rules that the BPF classifier carries: all matches, one filter and one charge a rule, shown, kept
# to and taken away as those of the kernel's filters are.
. "$(dirname "$0")/common.bash"

# Two lines of the first rule hold for what user 4711 sends to port 7000.
files() {
	need filter bpf
	need action police
	conf a <<-'EOF'
		link wan0 {
			police egress rate 8kbit burst 6kb { match user 4711; match udp dport 7000 }
			police ingress rate 100mbit { match user 4711; match vlan 7 from 192.0.2.0/24 }
		}
	EOF
	sed 's/rate 8kbit/rate 16kbit/' a.conf | conf rate
	sed 's/7000/7001/' a.conf | conf lines
	sed 's/link wan0 {/& egress rate 100mbit; ingress rate 100mbit;/' a.conf | conf tree
}

# send USER PORT: thirty packets.
send() {
	in_ns r setpriv --reuid="$1" --clear-groups bash -c \
		"for ((i = 0; i < 30; i++)); do printf %0972d 0 >/dev/udp/192.0.2.2/$2; done"
}

# What the egress rule has seen: packets, and whether it let through what its burst is.
seen() {
	run 0 weir show --json
	jq -c '.links[0].police[0] | [.packets, .conform_packets >= 5 and .conform_packets <= 10]' <<<"$out"
}

charged_once() {
	expect_eq "$(in_ns r tc filter show dev wan0 egress | grep -c ' bpf .*weir_classify:')" "$1" "programs"
	reach r 192.0.2.2
	send 4712 9
	expect_eq "$(seen)" '[0,false]' "of somebody else"
	send 4711 7000
	expect_eq "$(seen)" '[30,true]' "by both lines"
	send 4712 7000
	expect_eq "$(seen | jq '.[0]')" 60 "by one"
}

test_charged_once() {
	local nothing
	router
	files
	nothing=$(state)
	run 0 weir apply a.conf
	run 0 weir plan a.conf
	charged_once 1
	run 0 weir down
	unchanged "$nothing"
}

test_beside_a_tree() {
	local nothing
	router
	files
	nothing=$(state)
	run 0 weir apply tree.conf
	run 0 weir plan tree.conf
	charged_once 2
	run 0 weir down
	unchanged "$nothing"
}

# By rule, whatever carries them: a bucket is one line, with the text of all its matches.
test_counted_by_rule() {
	local choice
	router
	files
	for choice in bpf kernel; do
		sed "s/link wan0 {/& classifier $choice;/; s/match user 4711;/match udp dport 7001;/" a.conf | conf "$choice"
		run 0 weir apply "$choice.conf"
		reach r 192.0.2.2
		send 0 7000
		run 0 weir show --rules --json
		expect_eq "$(jq -c '.police[] | [.link, .direction, .applied, .rules[].match]' <<<"$out")" \
			'["wan0","egress",true,"udp dport 7001; udp dport 7000"]
["wan0","ingress",true,"udp dport 7001; from 192.0.2.0/24 vlan 7"]' "the rules by $choice"
		expect_eq "$(jq -c '.police[0].rules[0] | [.packets, .bytes > 30000, .exceed_packets >= 20]' <<<"$out")" \
			'[30,true,true]' "the counters by $choice"
		expect_eq "$(jq -c .rules <<<"$out")" '[]' "rules of classes by $choice"
		run 0 weir show --rules
		expect_match "$out" '^wan0 egress police$'
		expect_match "$out" '^ +30 +[0-9]+ +2[0-9]  udp dport 7001; udp dport 7000$'
		run 0 weir down
	done
}

# Another rate is another bucket, other lines another program; both are put in place, and back.
test_changed() {
	local first
	router
	files
	run 0 weir apply a.conf
	first=$(state)
	for other in rate lines tree; do
		run 2 weir plan "$other.conf"
		run 0 weir apply "$other.conf"
		run 0 weir plan "$other.conf"
		run 0 weir apply a.conf
		unchanged "$first" "after $other.conf and back"
	done
}

test_drift() {
	router
	files
	run 0 weir apply a.conf
	in_ns r tc filter del dev wan0 egress
	run 0 weir show
	expect_match "$out" '^drift: wan0: the filters that police egress: one is missing$'
	run 0 weir apply a.conf
	run 0 weir plan a.conf
}

# Nothing but cls_bpf.
test_no_other_filter() {
	files
	without_module cls_u32 cls_flower cls_matchall
	router
	run 0 weir apply a.conf
	charged_once 1
}

run_tests "$@"
