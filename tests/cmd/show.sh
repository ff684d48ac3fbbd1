#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir show: the numbers are those of tc, the names those of the file, and what somebody else changed
# is told.
. "$(dirname "$0")/common.bash"

# applied [CLASSIFIER]. The files name their queues, so that every kernel makes the same.
applied() {
	router
	sed "s/CLASSIFIER/${1:-bpf}/" <<-'EOF' | conf a
		link wan0 {
			framing adsl-llc
			classifier CLASSIFIER
			egress rate 20mbit {
				class voip rate 1mbit prio 0 queue pfifo limit 50 { match udp dport 5060 }
				class lab rate 5mbit {
					class a rate 3mbit queue bfifo limit 30kb { match udp dport 7001 }
					class b rate 1mbit queue pfifo limit 10 { match udp dport 7002 }
					default rate 8kbit queue pfifo limit 10
					match from 10.0.0.0/8
				}
				default rate 4mbit queue pfifo limit 100
			}
			ingress rate 100mbit { default rate 1mbit queue pfifo limit 100 }
		}
	EOF
	weir apply a.conf >/dev/null || die "apply"
}

# send PORT COUNT BYTES: so many UDP packets to s.
send() {
	local i data
	data=$(printf '%*s' "$3" '')
	for ((i = 0; i < $2; i++)); do
		printf %s "$data" >"/dev/udp/192.0.2.2/$1"
	done
}

send_from_r() {
	in_ns r bash -c "$(declare -f send); send $*"
}

classid() {
	weir show --json | jq -r ".. | objects | select(.path? == \"$1\" and .rate_bit > 0) | .classid"
}

# of_class PATH KEY: from the egress tree.
of_class() {
	jq -c ".links[0].egress | .. | objects | select(.path? == \"$1\") | .$2" <<<"$out"
}

drift() {
	run 0 weir show --interval 10ms "$@" || return
	drift=$(grep '^drift: ' <<<"$out")
}

test_text_tree() {
	applied
	LC_ALL=C run 0 weir show --interval 10ms
	expect_eq "$err" ""
	# nothing but what does not depend on traffic
	expect_eq "$(awk '/^wan0/ { print } /^ *(class|all|voip|lab|a|b|default) / { $1 = $1; print $1, $2, $3, $4, $5, $NF }' <<<"$out")" \
"wan0 egress rate 20.0 Mbit/s overhead 18 atm classifier bpf
class rate ceil measured % queue
all 20.0 Mbit/s 20.0 Mbit/s 0
voip 1.00 Mbit/s 1.00 Mbit/s pfifo
lab 5.00 Mbit/s 5.00 Mbit/s 0
a 3.00 Mbit/s 3.00 Mbit/s bfifo
b 1.00 Mbit/s 1.00 Mbit/s pfifo
default 8.00 kbit/s 5.00 Mbit/s pfifo
default 4.00 Mbit/s 20.0 Mbit/s pfifo
wan0 ingress (ifb-wan0) rate 100 Mbit/s overhead 18 atm classifier bpf
class rate ceil measured % queue
all 100 Mbit/s 100 Mbit/s 0
default 1.00 Mbit/s 100 Mbit/s pfifo" "the tree"
	expect_no_match "$out" '^drift|[^ -~]|[[:blank:]]$'
	# columns end in one place
	expect_eq "$(awk '/queue$/ { p = index($0, "overlimits") + 9 } /fifo$/ { sub(/  [a-z]*fifo$/, ""); print length($0) - p }' <<<"$out" | sort -u)" 0 "alignment"
}

test_counters_are_tcs() {
	local id line
	applied kernel
	send_from_r 5060 7 100
	send_from_r 7001 3 200
	run 0 weir show --json
	for path in voip lab/a lab; do
		read -r id line <<<"$(of_class "$path" '| "\(.classid) \(.bytes) \(.packets)"' | tr -d '"')"
		expect_eq "$line" "$(in_ns r tc -s class show dev wan0 classid "$id" |
			sed -n 's/^ Sent \([0-9]*\) bytes \([0-9]*\) pkt.*/\1 \2/p')" "bytes and packets of $path"
	done
	expect_eq "$(of_class voip '| [.packets, .bytes]')" "[7,$((7 * 142))]"
	expect_eq "$(of_class lab packets)" 3 "what a class counts for the one in it"
	expect_eq "$(of_class voip '| [.rate_bit, .ceil_bit, .prio, .queue.kind, .queue.options.limit]')" \
		'[1000000,1000000,0,"pfifo",50]'
	expect_between "$(of_class voip filters)" 1 4 "filters of voip"
	expect_eq "$(of_class lab/a '| [.name, .path, .queue.kind]')" '["a","lab/a","bfifo"]'
	expect_eq "$(jq -c '[.drift, .interval_ns, .links[0].police]' <<<"$out")" '[[],0,[]]'
	expect_eq "$(jq '[.. | objects | has("measured_bit")] | any' <<<"$out")" false "rates without an interval"
}

# The queue of 10 packets at 1 Mbit/s gets 60 at once: some wait, most are lost.
test_backlog_and_drops() {
	local drops
	applied
	send_from_r 7002 60 1000
	run 0 weir show --json
	drops=$(of_class lab/b drops)
	expect_between "$drops" 20 50 "drops"
	expect_eq "$drops" "$(of_class lab drops)" "drops of the class around it"
	expect_eq "$drops" "$(jq '.links[0].egress.drops' <<<"$out")" "drops of the link"
	expect_eq "$drops" \
		"$(in_ns r tc -s qdisc show dev wan0 | awk -v p="$(classid lab/b)" '$5 == p { hit = 1; next } /^qdisc/ { hit = 0 } hit && /dropped/ { gsub(",", ""); print $7 }')" \
		"drops, as tc has them"
	expect_between "$(of_class lab/b overlimits)" 1 10000 "overlimits"
}

test_measured_rate() {
	applied
	lab_serve s
	in_ns r iperf3 -u -c 192.0.2.2 -b 2M -l 1000 -t 6 >/dev/null 2>&1 &
	sleep 1
	run 0 weir show --json --interval 2s
	wait
	expect_between "$(of_class default measured_bit)" 1800000 2400000 "the rate of a 2 Mbit/s flow"
	expect_eq "$(of_class voip measured_bit)" 0
	expect_between "$(jq .interval_ns <<<"$out")" 2000000000 3000000000 "the interval"
}

test_drift_names_what_changed() {
	applied
	id=$(classid voip)
	in_ns r tc class change dev wan0 parent 77e0:1 classid "$id" htb rate 5mbit ceil 5mbit prio 0
	drift
	expect_match "$drift" "^drift: wan0: class voip \\($id\\): rate is 5mbit, applied was 1mbit; ceil is 5mbit"
	expect_eq "$(wc -l <<<"$drift")" 1 "lines of drift"
	run 0 weir show --json
	expect_eq "$(jq -c '.drift[] | [.link, .what, .is.rate, .applied.rate]' <<<"$out")" \
		'["wan0","changed",5000000,1000000]'
	run 0 weir apply a.conf
	drift
	expect_eq "$drift" "" "drift after the next apply"
}

test_drift_of_objects() {
	applied
	voip=$(classid voip) b=$(classid lab/b)
	in_ns r tc class add dev wan0 parent 77e0:1 classid 77e0:99 htb rate 1mbit
	in_ns r tc qdisc del dev wan0 parent "$voip"
	in_ns r tc qdisc replace dev wan0 parent "$b" bfifo limit 5000
	in_ns r tc filter add dev wan0 parent 77e0: prio 1 u32 match u32 0 0 flowid 77e0:2
	drift
	expect_match "$drift" '^drift: wan0: class 77e0:99: was added by someone else$'
	expect_match "$drift" "^drift: wan0: the queue of class voip \\($voip\\): is missing, applied was pfifo limit 50\$"
	expect_match "$drift" "^drift: wan0: the queue of class lab/b \\($b\\): is bfifo limit .*, applied was pfifo limit 10\$"
	expect_match "$drift" '^drift: wan0: the filters of class default \(77e0:2\): one was added by someone else$'
	expect_eq "$(wc -l <<<"$drift")" 4 "lines of drift"
	expect_match "$out" '77e0:99  *1.00 Mbit/s'
}

test_drift_of_filters() {
	applied kernel
	in_ns r tc filter del dev wan0 parent 77e0:
	in_ns r tc filter del dev wan0 ingress
	drift
	expect_match "$drift" '^drift: wan0: the filters of class voip \(.*\): [0-9a-z]* (is|are) missing$'
	expect_match "$drift" '^drift: wan0: the filter that hands ingress to the IFB: is missing: ingress is not shaped$'
	expect_eq "$(wc -l <<<"$drift")" 5 "lines of drift"
}

test_replaced_root() {
	applied
	in_ns r tc qdisc replace dev wan0 root handle 5: pfifo
	drift
	expect_eq "$drift" 'drift: wan0: root qdisc htb: has been replaced by pfifo (5:), so this direction is not shaped'
	expect_no_match "$out" '^wan0 egress'
	expect_match "$out" '^wan0 ingress'
	run 0 weir show --json
	expect_eq "$(jq -c '[.links[0].egress, .drift[0].what]' <<<"$out")" '[null,"replaced"]'
	in_ns r tc qdisc del dev wan0 root
	drift
	expect_eq "$drift" 'drift: wan0: root qdisc htb: is gone, so this direction is not shaped'
	in_ns r ip link del ifb-wan0
	in_ns r tc qdisc del dev wan0 clsact
	drift
	expect_match "$out" '^wan0: not shaped by weir$'
	expect_match "$drift" '^drift: ifb-wan0: interface: is gone: what is handed to it is dropped$'
	expect_match "$drift" '^drift: wan0: qdisc clsact: is gone: ingress is not shaped, nothing is policed$'
	expect_eq "$(wc -l <<<"$drift")" 3 "lines of drift"
}

test_without_memory() {
	applied
	id=$(classid voip)
	rm /run/weir/*.json
	run 0 weir show --interval 10ms
	expect_match "$out" "$id  *1.00 Mbit/s"
	expect_match "$out" '^drift: unknown: weir does not remember what was applied$'
	run 0 weir show --json
	expect_eq "$(jq -c "[.drift, (.. | objects | select(.classid? == \"$id\") | .name, .path)]" <<<"$out")" \
		"[null,\"$id\",null]"
}

test_one_link_without_memory() {
	applied
	conf lan <<<'link lan0 { egress rate 10mbit }'
	run 0 weir apply --link lan0 lan.conf
	jq 'del(.links.lan0)' /run/weir/*.json >state
	cp state /run/weir/*.json
	drift
	expect_eq "$drift" 'drift: lan0: the link: is shaped, but what was applied to it is not known'
	drift wan0
	expect_eq "$drift" ""
}

test_named_links() {
	applied
	run 0 weir show --interval 10ms lan0
	expect_eq "$out" 'lan0: not shaped by weir'
	expect_eq "$err" ""
	run 0 weir show --interval 10ms lan0 wan0
	expect_match "$out" '^lan0: not shaped by weir$'
	expect_match "$out" '^wan0 egress rate'
	run 0 weir show --interval 10ms ifb-wan0
	expect_match "$out" '^wan0 ingress'
	run 0 weir show --json lan0
	expect_eq "$(jq -c .links <<<"$out")" '[{"link":"lan0","classifier":null,"classifier_reason":null,"egress":null,"ingress":null,"police":[]}]'
	run 1 weir show wan7
	expect_eq "$err" 'weir: wan7: no such interface'
	expect_eq "$out" ''
}

test_nothing() {
	router
	run 0 weir show
	expect_eq "$err" 'weir shapes nothing in this network namespace'
	expect_eq "$out" ''
	run 0 weir show --json
	expect_eq "$(jq -c .links <<<"$out")" '[]'
}

test_interface_is_gone() {
	applied
	in_ns r ip link del wan0
	run 0 weir show --interval 10ms
	expect_match "$err" '^weir: .*wan0: was shaped, but there is no such interface any more$'
	expect_match "$out" '^drift: ifb-wan0: interface: is left over: nothing that was applied needs it$'
	run 0 weir show --interval 10ms wan0
}

test_foreign_qdiscs_are_not_shown() {
	router
	in_ns r tc qdisc add dev wan0 root handle 1: htb default 1
	in_ns r tc class add dev wan0 parent 1: classid 1:1 htb rate 1mbit
	run 0 weir show
	expect_eq "$out" ''
	run 0 weir show wan0
	expect_eq "$out" 'wan0: not shaped by weir'
}

test_police() {
	need action police
	router
	conf a <<-'EOF'
		link wan0 {
			police egress rate 100kbit burst 64kb { match udp dport 7000; match udp dport 7002 }
			police ingress rate 2mbit { match from 192.0.2.0/24 }
		}
	EOF
	run 0 weir apply a.conf
	send_from_r 7000 200 1000
	send_from_r 7002 100 1000
	run 0 weir show --json
	expect_eq "$(jq -c '.links[0].police[] | [.direction, .rate_bit, .burst_bytes, .conform, .exceed]' <<<"$out")" \
		'["egress",100000,65536,"continue","drop"]
["ingress",2000000,65536,"continue","drop"]'
	expect_eq "$(jq '.links[0].police[0] | .packets' <<<"$out")" 300 "packets that came to the bucket"
	expect_between "$(jq '.links[0].police[0] | .drops' <<<"$out")" 150 245 "drops"
	expect_eq "$(jq '.links[0].police[0] | .conform_packets + .exceed_packets - .packets' <<<"$out")" 0
	run 0 weir show --interval 10ms
	expect_match "$out" '^wan0 police$'
	expect_match "$out" '^egress +100 kbit/s +64.0 KiB '
	expect_no_match "$out" '^drift'
	in_ns r tc filter del dev wan0 egress
	drift
	expect_match "$drift" '^drift: wan0: the filters that police egress: (one is|[0-9]+ are) missing$'
}

run_tests "$@"
