#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# classify - what classifying a packet costs, and what it takes to install the rules.
. "$(dirname "$0")/lib.sh"

CLASSES=16 PACKETS=${CLASSIFY_PACKETS:-30000} ROUNDS=${CLASSIFY_ROUNDS:-20}

# Rules of every field, each of which is one u32 filter too: a prefix, an aligned range of ports, a
# DSCP. Line i is of class i mod 16.
general_weir() {
	awk -v n="$1" -v classes="$CLASSES" 'BEGIN {
		for (c = 0; c < classes; c++) {
			print "\t\tclass c" c " rate 10mbit {"
			for (i = c; i < n; i += classes)
				printf "\t\t\tmatch udp to 10.%d.%d.0/24 dport %d-%d dscp %d\n", \
					int(i / 250), i % 250, 1024 + 16 * i, 1024 + 16 * i + 15, i % 4 * 8
			print "\t\t}"
		} }'
}

general_u32() {
	awk -v n="$1" -v classes="$CLASSES" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "filter add dev v0 egress prio 1 protocol ip u32 match ip protocol 17 0xff " \
				"match ip dst 10.%d.%d.0/24 match ip dport %d 0xfff0 match ip tos %d 0xfc flowid 77e0:%x\n", \
				int(i / 250), i % 250, 1024 + 16 * i, i % 4 * 32, i % classes + 16 }'
}

general_flows() {
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			print "10." int(i / 250) "." i % 250 "." 1 + i % 250, 1024 + 16 * i + i % 16, i % 4 * 32 }'
}

# Subscribers: an address each, a line each.
prefixes_weir() {
	awk -v n="$1" -v classes="$CLASSES" 'BEGIN {
		for (c = 0; c < classes; c++) {
			print "\t\tclass c" c " rate 10mbit {"
			for (i = c; i < n; i += classes)
				printf "\t\t\tmatch to 10.%d.%d.%d\n", int(i / 62500), int(i / 250) % 250, i % 250
			print "\t\t}"
		} }'
}

prefixes_u32() {
	awk -v n="$1" -v classes="$CLASSES" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "filter add dev v0 egress prio 1 protocol ip u32 match ip dst 10.%d.%d.%d " \
				"flowid 77e0:%x\n", int(i / 62500), int(i / 250) % 250, i % 250, i % classes + 16 }'
}

# The best that u32 can be made to do by hand: a table for the third byte, one each for the fourth.
prefixes_hash() {
	awk -v n="$1" -v classes="$CLASSES" 'BEGIN {
		head = "filter add dev v0 egress prio 1 protocol ip "
		print head "handle 1: u32 divisor 256"
		for (t = 0; t < n / 250; t++) {
			printf "%shandle %x: u32 divisor 256\n", head, t + 2
			printf "%su32 ht 1:%x: match ip dst 10.0.%d.0/24 link %x: hashkey mask 0xff at 16\n", \
				head, t, t, t + 2
		}
		for (i = 0; i < n; i++)
			printf "%su32 ht %x:%x: match ip dst 10.0.%d.%d flowid 77e0:%x\n", head, \
				int(i / 250) + 2, i % 250, int(i / 250), i % 250, i % classes + 16
		print head "u32 ht 800:: match ip dst 10.0.0.0/16 link 1: hashkey mask 0xff00 at 16"
	}'
}

prefixes_flows() {
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			print "10." int(i / 62500) "." int(i / 250) % 250 "." i % 250, 5000, 0 }'
}

conf() {
	printf 'link v0 {\n\tclassifier bpf\n\tegress rate 10gbit {\n'
	"$1_weir" "$2"
	printf '\t}\n}\n'
}

in_sender() {
	in_ns sender "$@"
}

lab() {
	lab_ns sender && lab_ns sink && lab_link sender v0 sink v1 || return
	in_sender ip addr add 192.0.2.1/24 dev v0 && in_sender ip route add 10.0.0.0/8 via 192.0.2.2 &&
		in_sender ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent
}

cost() {
	in_sender "$BENCH_BIN/spray" "$PACKETS" "$ROUNDS" <flows
}

clear_link() {
	in_sender tc qdisc del dev v0 clsact >"$BENCH_LOG" 2>&1 || die "tc qdisc del clsact"
}

# The classifier alone: the classes that the packets would go to are taken away.
start_weir() {
	conf "$1" "$2" >weir.conf
	elapsed_ms in_sender "$WEIR" apply weir.conf >>"install.weir.$1.$2"
	in_sender tc qdisc del dev v0 root || die "tc qdisc del root"
}

# start_tc WORKLOAD N TOOL
start_tc() {
	local write=$1_$3
	in_sender tc qdisc add dev v0 clsact
	"$write" "$2" >"$PWD/rules"
	elapsed_ms in_sender tc -batch rules >>"install.$3.$1.$2"
}

start_empty() {
	in_sender tc qdisc add dev v0 clsact
}

# above WORKLOAD N TOOL...: what each tool costs above an empty clsact, into $DIR/TOOL.WORKLOAD.N
above() {
	local workload=$1 n=$2 tool run empty
	shift 2
	"${workload}_flows" "$n" >flows
	for ((run = 0; run < BENCH_RUNS; run++)); do
		start_empty
		empty=$(cost) || die "spray"
		clear_link
		for tool; do
			if [ "$tool" = weir ]; then
				start_weir "$workload" "$n"
			else
				start_tc "$workload" "$n" "$tool"
			fi
			awk -v a="$(cost)" -v b="$empty" 'BEGIN { print a - b }' >>"cost.$tool.$workload.$n"
			clear_link
		done
	done
}

report() {
	local workload=$1 n=$2 peer
	shift 2
	for peer; do
		figure "classify/$workload/$n" cost "$(median <"cost.weir.$workload.$n")" ns \
			"$peer" "$(median <"cost.$peer.$workload.$n")"
	done
}

cd /run && lab || die "no lab"
note "What a packet costs above an empty clsact, UDP over veth, the packets evenly over all rules." \
	"general: a prefix, a range of ports and a DSCP a rule; prefixes: an address a rule. u32 is flat," \
	"hash its best two-level hash made by hand. install: from nothing, weir with 17 HTB classes and" \
	"reading all back, tc -batch the filters alone."
quiet
for n in 10 100 1000; do
	above general "$n" weir u32
	report general "$n" u32
done
for n in 10 1000 10000; do
	PACKETS=$((n > 1000 ? PACKETS / 10 : PACKETS)) above prefixes "$n" weir u32 hash
	report prefixes "$n" u32 hash
done
figure classify/install/10000 time "$(median <install.weir.prefixes.10000)" ms \
	u32 "$(median <install.u32.prefixes.10000)"
