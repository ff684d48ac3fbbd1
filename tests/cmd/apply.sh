#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir apply: from nothing, again, and from one file to the next, in place.
. "$(dirname "$0")/common.bash"

# to TEXT: applies this file; the state is then the same as from nothing.
to() {
	local now
	echo "$1" | conf to
	run 0 weir apply to.conf || return
	now=$(state)
	run 0 weir plan to.conf
	run 0 weir down
	unchanged "$nothing" "the state after down"
	run 0 weir apply to.conf
	unchanged "$now" "the state from nothing"
}

# messages CMD...: the requests that change something, by kind: "2 RTM_NEWTCLASS ..."
messages() {
	mutations "$@" | tail -n +2 | sort | uniq -c | sed -E 's/^ +//' | paste -sd' '
}

test_second_apply_sends_nothing() {
	router
	echo 'link wan0 {
		egress rate 20mbit { class a rate 5mbit { match tcp dport 22; match ip6 from 2001:db8::/32 } }
		ingress rate 5mbit { class a rate 1mbit { match udp dport 53 } }
	}' | conf a
	run 0 weir apply a.conf
	expect_match "$out" '^[0-9]+ changes applied and verified$'
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply a.conf)" ""
	expect_eq "$(<mutations.status)" 0
	expect_eq "$(<mutations.out)" "nothing to change"
	expect_eq "$(messages "$WEIR" -n "$NETNS" plan a.conf)" ""
	run 0 weir apply --json a.conf
	expect_eq "$(jq -c . <<<"$out")" '{"changes":0,"messages":0}'
	run 0 weir down --json
	# root qdisc, clsact, its two programs, the IFB
	expect_eq "$(jq .changes <<<"$out")" 5
	expect_eq "$(messages "$WEIR" -n "$NETNS" down)" ""
}

# Packets that wait stay, and the counters go on.
test_rate_changes_in_place() {
	local before after
	router
	echo 'link wan0 { egress rate 64kbit { class a rate 32kbit queue pfifo { match udp dport 9 } } }' | conf a
	echo 'link wan0 { egress rate 48kbit { class a rate 16kbit queue pfifo { match udp dport 9 } } }' | conf b
	run 0 weir apply a.conf
	reach r 192.0.2.2
	in_ns r bash -c 'for i in {1..30}; do printf %01000d 0 >/dev/udp/192.0.2.2/9; done'
	before=$(in_ns r tc -s -j qdisc show dev wan0 | jq -c '[.[] | select(.kind == "pfifo")] | map({handle, bytes, qlen})')
	expect_match "$before" '"qlen":[1-9]' "the backlog before"
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply b.conf)" "3 RTM_NEWTCLASS"
	after=$(in_ns r tc -s -j qdisc show dev wan0 | jq -c '[.[] | select(.kind == "pfifo")] | map({handle, bytes, qlen})')
	jq -en --argjson a "$before" --argjson b "$after" '
		($a | map({(.handle): .}) | add) as $x | all($b[]; .bytes >= $x[.handle].bytes) and
		($b | map(.qlen) | add) > 0 and ($b | map(.drops // 0) | add) == 0' >/dev/null ||
		not_ok "backlog and counters: $before, then $after"
}

test_classes_come_and_go() {
	local nothing
	router
	nothing=$(state)
	echo 'link wan0 { egress rate 20mbit { class a rate 5mbit { match tcp dport 22 } } }' | conf a
	run 0 weir apply a.conf
	echo 'link wan0 { egress rate 20mbit {
		class a rate 5mbit { match tcp dport 22 }
		class b rate 5mbit { match tcp from 10.0.0.0/8 }
	} }' | conf b
	# the new class, its leaf, the program, and the default class that has less
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply b.conf)" \
		"1 RTM_NEWQDISC 2 RTM_NEWTCLASS 1 RTM_NEWTFILTER"
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply a.conf)" \
		"1 RTM_DELTCLASS 1 RTM_NEWTCLASS 1 RTM_NEWTFILTER"
	to "$(<b.conf)"
}

test_leaf_to_inner_to_leaf() {
	local nothing leaf inner
	router
	nothing=$(state)
	leaf='link wan0 { egress rate 20mbit { class a rate 5mbit prio 1 { match tcp dport 22 } } }'
	inner='link wan0 { egress rate 20mbit { class a rate 6mbit { match tcp dport 22
		class x rate 2mbit { match from 10.0.0.1 }
		class y rate 1mbit { class deep rate 500kbit { match from 10.0.0.2 } }
	} } }'
	to "$leaf"
	to "$inner"
	to "$leaf"
	to "$inner"
	# prio and quantum of a class are the kernel's business while it is inner
	to 'link wan0 { egress rate 20mbit { class a rate 9mbit prio 5 quantum 3000 { match tcp dport 23 } } }'
	to "$inner"
	to "$leaf"
}

test_queue_changes() {
	local nothing queue
	router
	nothing=$(state)
	for queue in 'pfifo limit 50' 'pfifo limit 60' 'bfifo limit 20kb' 'tbf rate 1mbit burst 10kb limit 20kb' \
		'tbf rate 2mbit burst 10kb limit 30kb' 'pfifo limit 50'; do
		to "link wan0 { egress rate 20mbit { class a rate 5mbit queue $queue { match tcp dport 22 } } }" || return
		expect_match "$(in_ns r tc qdisc show dev wan0)" "qdisc ${queue%% *}"
	done
	echo 'link wan0 { egress rate 20mbit { class a rate 5mbit queue pfifo limit 70 { match tcp dport 22 } } }' | conf a
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply a.conf)" "1 RTM_NEWQDISC"
}

# queues KIND OPTIONS...: from each of these to the next, and what is left unsaid is as it is from nothing.
queues() {
	local kind=$1 options nothing
	shift
	need qdisc "$kind"
	router
	nothing=$(state)
	for options in '' "$@" ''; do
		to "link wan0 { egress rate 20mbit { class a rate 5mbit queue $kind $options { match tcp dport 22 } } }" ||
			return
	done
}

test_queue_pfifo() { queues pfifo 'limit 9' 'limit 10'; }
test_queue_bfifo() { queues bfifo 'limit 9000'; }
test_queue_fq_codel() { queues fq_codel 'limit 100 flows 512 target 7ms interval 90ms noecn' 'ce_threshold 3ms' 'memory_limit 4mb'; }
test_queue_fq() { queues fq 'limit 100 flow_limit 20 quantum 3000' 'maxrate 2mbit' nopacing 'ce_threshold 3ms'; }
test_queue_cake() { queues cake 'besteffort bandwidth 3mbit' 'diffserv8 nat wash' 'atm overhead 40 mpu 64' 'rtt 20ms ack-filter' raw; }
test_queue_codel() { queues codel 'limit 100 target 7ms ecn' 'ce_threshold 3ms'; }
test_queue_pie() { queues pie 'limit 100 target 20ms ecn bytemode' 'alpha 4 beta 10'; }
test_queue_sfq() { queues sfq 'limit 100 perturb 10 divisor 512' 'redflowlimit 20000 min 3000 max 9000 avpkt 1000 probability 0.1 ecn' 'headdrop depth 60'; }
test_queue_netem() { queues netem 'delay 10ms 2ms 25% loss 1%' 'loss state 1%' 'loss gemodel 1% 10%' 'slot 1ms 2ms' 'rate 1mbit' 'duplicate 1% reorder 25% delay 5ms'; }

# The last digits of the 10.0.0.X that filters match, in their order; u32's words, flower's addresses.
sources() {
	in_ns r tc filter show dev wan0 | sed -nE 's/.*(match 0a0[0-9a-f]{4}|src_ip 10\.[0-9]+\.0\.)([0-9]+).*/\2/p' |
		sed 's/^0//' | paste -sd' '
}

# A filter that stays is not touched, wherever it stands.
test_matches_change_one_by_one() {
	local nothing
	router
	nothing=$(state)
	conf a <<-'EOF'
		link wan0 { classifier kernel; egress rate 20mbit {
			class a rate 1mbit { match from 10.0.0.1; match from 10.0.0.2 }
			class b rate 1mbit { match from 10.0.0.3 }
			class c rate 1mbit { match from 10.0.0.4 }
		} }
	EOF
	run 0 weir apply a.conf
	sed 's/10.0.0.2/10.0.0.9/' a.conf | conf b
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply b.conf)" "1 RTM_DELTFILTER 1 RTM_NEWTFILTER"
	sed 's/match from 10.0.0.3/match from 10.0.0.8; &/' b.conf | conf c
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply c.conf)" "1 RTM_NEWTFILTER"
	to "$(<c.conf)"
	run 0 weir apply a.conf
	# two lines change places: one of them moves
	sed 's/10.0.0.1; match from 10.0.0.2/10.0.0.2; match from 10.0.0.1/' a.conf | conf d
	expect_eq "$(messages "$WEIR" -n "$NETNS" apply d.conf)" "1 RTM_DELTFILTER 1 RTM_NEWTFILTER"
	to "$(<d.conf)"
	# two classes change places
	{ sed -n 1p a.conf; sed -n 3p a.conf; sed '1d;3d' a.conf; } | conf e
	run 0 weir apply e.conf
	expect_eq "$(sources)" "3 1 2 4"
	to "$(<e.conf)"
}

# Always a new rule at the same place: priorities run out there, and it goes on.
test_priorities_run_out() {
	local rules= i
	router
	conf a <<-'EOF'
		link wan0 { classifier kernel; egress rate 20mbit {
			class a rate 1mbit { match from 10.0.0.1 }
			class b rate 1mbit { match from 10.0.0.2 }
		} }
	EOF
	run 0 weir apply a.conf
	for i in {1..40}; do
		rules="match from 10.1.0.$i; $rules"
		sed "s/match from 10.0.0.2/$rules &/" a.conf | conf b
		run 0 weir apply b.conf || return
		((i % 5)) || run 0 weir plan b.conf
	done
	expect_eq "$(in_ns r tc filter show dev wan0 | grep -cE 'match 0a0|src_ip 10\.')" 42
}

# As many rules as u32 can hold, and all of them others afterwards: there is no room for both.
test_number_of_rules() {
	local prefix
	if in_guest; then
		without_module cls_flower
	elif (need filter flower); then
		skip "the kernel has flower, which has no such limit"
	fi
	router
	for prefix in 10 11; do
		{
			echo 'link wan0 { classifier kernel; egress rate 10gbit {'
			for i in {1..2046}; do
				echo "class c$i rate 1mbit { match ip from $prefix.$((i / 250)).$((i % 250)).1 }"
			done
			echo '} }'
		} | conf big
		run 0 weir apply big.conf || return
		run 0 weir plan big.conf
	done
	sed 's/match/match ip to 1.2.3.4; match/2; 3s/match/match ip to 1.2.3.4; match/' big.conf | conf more
	run 1 weir apply more.conf
	one_error
	run 0 weir plan big.conf
	awk 'NR == 2 { first = $0; next } /^} }/ { print first } { print }' big.conf | conf moved
	run 0 weir apply moved.conf
	run 0 weir plan moved.conf
}

test_default_changes() {
	local nothing
	router
	nothing=$(state)
	to 'link wan0 { egress rate 20mbit }'
	to 'link wan0 { egress rate 20mbit { default rate 4mbit } }'
	to 'link wan0 { egress rate 20mbit { class a rate 5mbit { match tcp dport 22 }; default rate 4mbit ceil 5mbit prio 7 queue pfifo limit 9 } }'
	to 'link wan0 { egress rate 20mbit { class a rate 5mbit { match tcp dport 22 } } }'
}

test_directions_come_and_go() {
	local nothing
	router
	nothing=$(state)
	to 'link wan0 { egress rate 20mbit }'
	to 'link wan0 { ingress rate 20mbit }'
	expect_match "$(in_ns r tc qdisc show dev wan0)" 'qdisc noqueue'
	to 'link wan0 { ingress rate 20mbit { class a rate 5mbit { match tcp dport 22 } }; egress rate 1mbit }'
	to 'link wan0 { egress rate 1mbit }'
	expect_eq "$(in_ns r ip link show type ifb)" ""
	to 'link wan0 { }'
	unchanged "$nothing"
}

# Linux before 6.2 renames no interface that is up.
rename() {
	ip -n "$NETNS" link set "$1" down
	ip -n "$NETNS" link set "$1" name "$2"
	ip -n "$NETNS" link set "$2" up
}

test_long_interface_name() {
	local nothing
	router
	nothing=$(state)
	rename wan0 abcdefghijklmno
	run 0 weir apply - <<<'link abcdefghijklmno { ingress rate 1mbit; egress rate 1mbit }'
	expect_match "$(in_ns r ip link show type ifb)" 'alias weir:abcdefghijklmno'
	run 0 weir plan - <<<'link abcdefghijklmno { ingress rate 1mbit; egress rate 1mbit }'
	run 0 weir down
	rename abcdefghijklmno wan0
	unchanged "$nothing"
}

# A file is the whole wish; --link looks at nothing else.
test_links_of_the_file() {
	local nothing wan lan both
	router
	nothing=$(state)
	wan='link wan0 { egress rate 20mbit; ingress rate 5mbit }'
	lan='link lan0 { egress rate 30mbit; ingress rate 6mbit }'
	to "$wan;$lan"
	both=$(state)
	to "$wan"
	expect_no_match "$(state)" 'ifb-lan0|77e0: dev lan0'
	run 0 weir apply - --link lan0 <<<"$lan"
	unchanged "$both" "wan0 stays with --link lan0"
	echo "$lan; link wan0 { egress rate 1mbit }" | conf x
	run 0 weir plan --link lan0 x.conf
	run 2 weir plan --link wan0 x.conf
	run 0 weir apply x.conf --link lan0
	unchanged "$both"
	run 1 weir apply - --link nosuch0 <<<"$lan"
	one_error
	# --link of a link that the file has, with another in the file that does not exist
	run 0 weir apply - --link lan0 <<<"$lan; link nosuch0 { egress rate 1mbit }"
	run 0 weir down --link lan0
	run 0 weir down wan0
	unchanged "$nothing"
	run 0 weir apply - <<<"$wan;$lan"
	run 0 weir apply - <<<''
	unchanged "$nothing" "an empty file takes all down"
}

# The paths bik, caa and nn/kra have one hash: the first in the file has its classid, the second the next.
test_classids_collide() {
	local nothing
	router
	nothing=$(state)
	to "link wan0 { egress rate 20mbit { class bik rate 1mbit { match from 10.0.0.1 } } }"
	to "link wan0 { egress rate 20mbit {
		class caa rate 2mbit { match from 10.0.0.2 }
		class bik rate 1mbit { match from 10.0.0.1 }
	} }"
	to "link wan0 { egress rate 20mbit { class bik rate 1mbit { match from 10.0.0.1 } } }"
	expect_eq "$(in_ns r tc class show dev wan0 | grep -oE '77e0:7b9[0-9]')" 77e0:7b97
	# the same with another parent: a class that cannot be moved
	to "link wan0 { egress rate 20mbit {
		class nn rate 5mbit { class kra rate 2mbit { match from 10.0.0.2 } }
		class bik rate 1mbit { match from 10.0.0.1 }
	} }"
	to "link wan0 { egress rate 20mbit { class bik rate 1mbit { match from 10.0.0.1 } } }"
}

# What is the same after the kernel has rounded it is no change.
test_odd_figures() {
	local rate
	router
	for rate in 80bit 8kbit 12345678bit 33333333bit 999999999bit 5gbit 34359738368bit 34359738367bit \
		100gbit 1tbit; do
		echo "link wan0 { egress rate $rate { class a rate 10% ceil 77.7% { match from 10.0.0.1 } } }" | conf x
		run 0 weir apply x.conf || break
		expect_eq "$err" "" "messages with the rate $rate"
		run 0 weir plan x.conf || break
	done
}

# Its name may be anything that the kernel takes.
test_interface_names() {
	local nothing name
	router
	nothing=$(state)
	for name in eth0.100 wan-0 wan_0 0wan br0:1; do
		ip -n "$NETNS" link add "$name" type veth peer name peer0 2>/dev/null || continue
		run 0 weir apply - <<<"link $name { egress rate 1mbit; ingress rate 1mbit }"
		run 0 weir down "$name"
		ip -n "$NETNS" link del "$name"
		unchanged "$nothing" "state after $name" || return
	done
}

run_tests "$@"
