#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xdp - what it costs to decide at XDP and to read that at clsact, against deciding at clsact.
. "$(dirname "$0")/lib.sh"

CLASSES=16 PREFIXES=10000 PACKETS=${XDP_PACKETS:-100000} ROUNDS=5

# Subscribers at ingress: an address each, a line each, as classify's.
conf() {
	printf 'link v1 {\n\tclassifier bpf; xdp %s\n\tingress rate 10gbit {\n' "$1"
	awk -v n="$PREFIXES" -v classes="$CLASSES" 'BEGIN {
		for (c = 0; c < classes; c++) {
			print "\t\tclass c" c " rate 100mbit {"
			for (i = c; i < n; i += classes)
				printf "\t\t\tmatch to 10.%d.%d.%d\n", int(i / 62500), int(i / 250) % 250, i % 250
			print "\t\t}"
		} }'
	printf '\t}\n}\n'
}

flows() {
	awk -v n="$PREFIXES" 'BEGIN {
		for (i = 0; i < n; i++)
			print "10." int(i / 62500) "." int(i / 250) % 250 "." i % 250, 5000, 0 }'
}

lab() {
	lab_ns sender && lab_ns sink && lab_link sender v0 sink v1 || return
	in_ns sender ip addr add 192.0.2.1/24 dev v0 && in_ns sender ip route add 10.0.0.0/8 via 192.0.2.2 &&
		in_ns sender ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent
}

# The IFB without classes: they cost the same in any case.
start() {
	conf "$1" >weir.conf
	in_ns sink "$WEIR" apply weir.conf >"$BENCH_LOG" 2>&1 || die "apply, xdp $1"
	in_ns sink tc qdisc del dev ifb-v1 root || die "tc qdisc del root"
}

stop() {
	in_ns sink "$WEIR" down >"$BENCH_LOG" 2>&1 || die "down"
}

cost() {
	in_ns sender "$BENCH_BIN/spray" "$PACKETS" "$ROUNDS" <flows || die "spray"
}

# How many of the classifier's packets had a stamp: not a figure, but what makes the figures true.
stamped() {
	in_ns sink "$WEIR" xdp status --json v1 | jq -e '.clsact.stamped > 9 * .clsact.missing' >"$BENCH_LOG" ||
		die "xdp $1: packets are not stamped"
}

# The program alone, on one packet that is in the map: `bpftool prog run` averages.
program_ns() {
	bpftool prog run id "$1" data_in packet repeat 1000000 2>/dev/null |
		sed -nE 's/.*duration \(average\): ([0-9]+)ns.*/\1/p'
}

programs() {
	local xdp tc
	printf '\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\x45\0\0\x2e\0\0\0\0\x40\x11\0\0\xc0\0\x02\x01\x0a\0\x14\x14' >packet
	head -c 26 /dev/zero >>packet
	xdp=$(in_ns sink ip -d -j link show v1 | jq '.[0].xdp.prog.id')
	tc=$(in_ns sink tc -j filter show dev v1 ingress | jq '[.[].options.prog.id | values][0]')
	program_ns "$xdp" >>program.xdp
	program_ns "$tc" >>program.clsact
}

round() {
	local mode
	for mode in off generic native; do
		start "$mode"
		cost >>"all.$mode"
		[ "$mode" = off ] || stamped "$mode"
		[ "$mode" != native ] || programs
		stop
	done
}

cd /run && lab || die "no lab"
note "UDP over veth to $PREFIXES addresses, a rule each, redirected to an IFB; ns per packet. clsact: the" \
	"classifier decides; generic, native: XDP decides, and the classifier reads that. packet: all that a packet" \
	"costs its sender and the receiver, on one processor. In generic mode the IFB's packets pass XDP a second time." \
	"program: one look-up, by the kernel's own test run; clsact's is without the reading of a stamp."
quiet
flows >flows
for ((run = 0; run < BENCH_RUNS; run++)); do
	round
done
for mode in generic native; do
	figure "xdp/$mode/$PREFIXES" packet "$(median <"all.$mode")" ns clsact "$(median <all.off)"
done
figure "xdp/program/$PREFIXES" program "$(median <program.xdp)" ns clsact "$(median <program.clsact)"
