#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir plan --tc: the commands that it prints, run in one namespace, make what `weir apply` makes in
# another.
. "$(dirname "$0")/common.bash"

# Two routers of the same make: a for apply, b for the commands.
pair() {
	lab_ns a b pa pb &&
	lab_link a wan0 pa eth0 && lab_link b wan0 pb eth0 || die "no lab"
	NETNS=$(lab_netns a)
}

# both NAME: applies NAME.conf in a, runs the commands in b. The commands are those of the kernel's own
# filters, whatever the file says.
both() {
	weir plan --tc "$1.conf" >commands || die "plan --tc: exit status $?"
	sed -i 's/^[ \t]*link [^{]*{/& classifier kernel;/' "$1.conf"
	weir apply "$1.conf" || die "apply: exit status $?"
	in_ns b sh -e commands || die "the commands failed"
}

has_flower() {
	unshare --net sh -c "$(need_add filter flower)" 2>/dev/null
}

# The kernel numbers the filters that tc adds from 2048 on. cell_log (the number behind a burst) is
# of rate tables, which the kernel does not read. A u32 without keys is beyond tc's words: it gets one
# that compares nothing. Where the kernel has flower, tc needs more filters for the same: there
# test_same_classes has to do.
state_of() {
	local filters='p'
	! has_flower || filters='/^(filter|[ \t])/d;p'
	state "$1" |
		sed -E 's/burst ([0-9a-zA-Z]+)\/[0-9]+/burst \1/g; s/ order [0-9]+ key/ order * key/
			/match 00000000\/00000000 at 0$/d; /^[ \t]*link\/ether/d' |
		sed -nE "$filters"
}

# tc keeps a burst in whole microseconds and rounds what it shows: they are compared by themselves.
bursts() {
	grep -oE 'burst [0-9]+[KMG]?b' |
		sed -E 's/Kb/ 1024/; s/Mb/ 1048576/; s/Gb/ 1073741824/; s/b$/ 1/' |
		awk '{ print $2 * $3 }'
}

without_bursts() {
	sed -E 's/burst [0-9]+[KMG]?b/burst */g'
}

same_state() {
	local a b
	a=$(state_of a) b=$(state_of b)
	expect_eq "$(without_bursts <<<"$b")" "$(without_bursts <<<"$a")" "what the commands made"
	expect_eq "$(paste <(bursts <<<"$a") <(bursts <<<"$b") | awk '
		{ d = $1 > $2 ? $1 - $2 : $2 - $1 }
		d > 16 && d > $1 / 400 { print }
		END { if (NR < 2) print "no bursts" }')" "" "bursts that differ"
}

# The demo's file; its second link has to be there too.
test_example() {
	pair
	lab_link a dmz0 pa eth1 && lab_link b dmz0 pb eth1 || die "no lab"
	cp "$TOP/doc/examples/router.conf" a.conf
	both a
	same_state
}

test_trees_and_filters() {
	pair
	conf a <<-'EOF'
		link wan0 {
			framing adsl-pppoa-llc
			egress rate 20mbit {
				class voip rate 1mbit prio 0 { match udp dport 5060-5061,10000-20000; match dscp ef,cs5 }
				class web rate 8mbit ceil 100% prio 1 { match tcp dport 80,443 }
				class bulk rate 10% ceil 100% prio 7 queue pfifo limit 77 { match mac 02:00:00:00:00:01 }
				class lab rate 4333337bit {
					class a rate 3mbit burst 12345b cburst 4567b { match from 10.9.1.0/24 }
					class b rate 1mbit queue bfifo limit 12345 { match ip6 to 2001:db8:1::/48 }
					match icmp
				}
				default rate 4mbit
			}
			ingress rate 100gbit {
				class web rate 12345678bit ceil 1000000001bit quantum 3000b { match tcp sport 443 }
				class slow rate 8kbit ceil 123456789123bit { match udp sport 53 }
				class huge rate 40gbit burst 10mb queue bfifo limit 10mb { match udp sport 443 }
			}
		}
	EOF
	both a
	same_state
}

# What is there does not matter: the commands are for a fresh link.
test_beside_what_is_there() {
	local fresh
	pair
	conf a <<<'link wan0 { egress rate 2mbit { class a rate 1mbit { match udp } }; ingress rate 3mbit }'
	conf b <<<'link wan0 { egress rate 2mbit { class b rate 1mbit { match tcp dport 1 }
		class a rate 1mbit { match udp } }; ingress rate 3mbit }'
	run 0 weir plan --tc b.conf
	fresh=$out
	run 0 weir apply a.conf
	run 0 weir plan --tc b.conf
	expect_eq "$out" "$fresh" "the commands beside weir's own"
	run 0 weir down
	in_ns a tc qdisc add dev wan0 root handle 5: pfifo || die "tc qdisc add"
	run 0 weir plan --tc b.conf
	expect_eq "$out" "$fresh" "the commands beside another's"
}

# The kinds that this kernel has, one class each.
kinds() {
	local kind options n=0
	while read -r kind options; do
		unshare --net sh -c "$(need_add qdisc "$kind")" 2>/dev/null || continue
		echo "class $kind$((++n)) rate 1mbit queue $kind $options { match udp dport $n }"
	done <<-'EOF'
		pfifo limit 10
		bfifo limit 10000
		pfifo_head_drop limit 20
		tbf rate 1mbit burst 10kb latency 50ms
		tbf rate 1mbit burst 10kb limit 20kb peakrate 2mbit mtu 2000
		fq_codel
		fq_codel limit 1000 flows 512 target 4ms interval 80ms quantum 300 noecn memory_limit 4mb drop_batch 32
		fq_codel ce_threshold 2ms
		fq
		fq limit 5000 flow_limit 50 quantum 3028 initial_quantum 15140 maxrate 500kbit nopacing
		codel limit 500 target 10ms interval 200ms ecn ce_threshold 3ms
		pie limit 500 target 20ms tupdate 30ms alpha 4 beta 30 ecn bytemode
		sfq limit 100 flows 64 perturb 10
		sfq limit 100 depth 60 divisor 512 quantum 2000
		red limit 400kb min 30kb max 90kb avpkt 1000 burst 55 probability 0.02 bandwidth 1mbit ecn
		cake
		cake bandwidth 900kbit besteffort flows nat wash ack-filter overhead 20 mpu 64 rtt 50ms memlimit 2mb
		netem delay 100ms 10ms 25% loss random 1% reorder 5% gap 5
		netem limit 100 rate 1mbit slot 10ms 20ms
	EOF
}

test_queues() {
	pair
	{
		echo 'link wan0 { egress rate 1gbit {'
		kinds
		echo '} }'
	} >a.conf
	expect_match "$(<a.conf)" 'tbf'
	both a
	same_state
}

test_police() {
	need action police
	pair
	conf a <<-'EOF'
		link wan0 {
			police egress rate 1mbit burst 64kb { match udp dport 5060; match udp dport 5070 }
			police egress rate 5gbit
			police ingress rate 2mbit burst 100kb mtu 9000 conform pass exceed reclassify { match all }
			police ingress rate 3mbit exceed pass { match all }
			ingress rate 10mbit { default rate 10mbit queue pfifo limit 10 }
		}
	EOF
	both a
	[ -s commands ] || return
	# flower would need more filters in b: these matches are for every packet and for ports
	run 0 in_ns b tc -d actions ls action police
	policed=$out
	run 0 in_ns a tc -d actions ls action police
	expect_eq "$(sed -E 's/ref [0-9]+ bind [0-9]+//; s/burst [^ ]*//' <<<"$policed" | sort)" \
		"$(sed -E 's/ref [0-9]+ bind [0-9]+//; s/burst [^ ]*//' <<<"$out" | sort)" "buckets"
}

# Where the filters differ in form, packets must come to the same classes all the same. Nobody
# answers, so nothing but these packets goes out.
packets() {
	in_ns "$1" bash -c '
		sysctl -q net.ipv4.tcp_syn_retries=1
		for port in 80 443; do
			: 2>/dev/null >/dev/tcp/10.9.7.2/$port &
			: 2>/dev/null >/dev/tcp/2001:db8:1::2/$port &
		done
		for port in 5059 5060 5061 5062 9999 10000 15000 20000 20001; do
			printf x >/dev/udp/10.9.1.2/$port
			printf x >/dev/udp/2001:db8:1::2/$port
			printf x >/dev/udp/10.9.7.2/$port
		done
		busybox ping -q -c 1 -W 1 10.9.1.2
		wait' >/dev/null 2>&1
}

quiet_addresses() {
	local ns=$1 dev=$2
	ip -n "$LAB-$ns" addr add 10.9.1.1/24 dev "$dev"
	ip -n "$LAB-$ns" addr add 10.9.7.1/24 dev "$dev"
	ip -n "$LAB-$ns" addr add 2001:db8:1::1/64 dev "$dev" nodad
	for address in 10.9.1.2 10.9.7.2 2001:db8:1::2; do
		ip -n "$LAB-$ns" neigh add "$address" lladdr 02:00:00:00:00:09 dev "$dev" nud permanent
	done
}

# Packets of each class but the default, whose packets may be the kernel's own. How often a connection
# is tried depends on the time.
counts() {
	local web
	web=$(weir show --json | jq -r '.. | objects | select(.path? == "web" and .classid) | .classid')
	in_ns "$1" tc -s class show dev wan0 | awk -v web="$web" '
		/^class/ { id = $3 }
		/^ Sent/ && id !~ /:[12]$/ { print id, (id == web ? ($4 > 0) : $4) }' | sort
}

same_counts() {
	packets a &
	packets b
	wait
	expect_eq "$(counts b)" "$(counts a)" "packets in each class"
	expect_eq "$(counts a | awk '$2 > 0' | wc -l)" "$1" "classes with packets"
}

test_same_classes() {
	pair
	conf a <<-'EOF'
		link wan0 {
			egress rate 20mbit {
				class voip rate 1mbit { match udp dport 5060-5061,10000-20000 }
				class low rate 1mbit { match udp dport 0-5059 }
				class web rate 8mbit { match tcp dport 80,443 }
				class icmp rate 1mbit { match ip icmp }
				class six rate 1mbit { match ip6 to 2001:db8:1::/64 }
				class net rate 1mbit { match from 10.9.1.0/24 to 10.9.1.0/24 }
				default rate 1mbit
			}
		}
	EOF
	both a
	quiet_addresses a wan0
	quiet_addresses b wan0
	same_counts 6
}

test_same_classes_in_a_vlan() {
	unshare --net sh -c 'ip link add v0 type veth && ip link add link v0 name v1 type vlan id 7' \
		2>/dev/null || skip "kernel has no link vlan"
	pair
	conf a <<-'EOF'
		link wan0 {
			egress rate 20mbit {
				class voip rate 1mbit { match udp dport 5060-5061 }
				class web rate 8mbit { match ip6 tcp dport 80,443 }
				class net rate 1mbit { match from 10.9.1.0/24 to 10.9.1.0/24 }
				default rate 1mbit
			}
		}
	EOF
	both a
	for ns in a b; do
		ip -n "$LAB-$ns" link add link wan0 name vlan7 type vlan id 7
		ip -n "$LAB-$ns" link set vlan7 up
		quiet_addresses "$ns" vlan7
	done
	same_counts 3
}

test_names_are_quoted() {
	pair
	ip -n "$NETNS" link set wan0 down
	ip -n "$NETNS" link set wan0 name "w'a;b"
	echo "link \"w'a;b\" { egress rate 1mbit }" >a.conf
	weir check a.conf >/dev/null 2>&1 || skip "the language has no such names"
	run 0 weir plan --tc a.conf
	expect_match "$out" "^tc qdisc add dev 'w'\\\\''a;b' root handle 77e0: htb default 0x2\$"
}

run_tests "$@"
