#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# accuracy - TCP goodput through a router whose link has a limit, with weir's bursts and, in the same
# tree otherwise, with tc's.
. "$(dirname "$0")/lib.sh"

# What the limit leaves at an MTU of 1500: 1448 bytes of data in a frame of 1514, with timestamps.
share=$(awk 'BEGIN { print 1448 / 1514 }')
rates=(10 100 1000 5000)
PORT=7000

# Milliseconds of warm-up and of measurement: a queue of 64 KiB packets takes its time at low rates.
windows() {
	case $1 in
	10) echo 2000 6000 ;;
	100) echo 1000 3000 ;;
	*) echo 1000 2000 ;;
	esac
}

policy() {
	echo "link wan0 { $1 rate ${2}mbit }"
}

set_up() {
	if [ "$1" = weir ]; then
		policy "$2" "$3" | in_router "$WEIR" apply - >"$BENCH_LOG" 2>&1
	else
		policy "$2" "$3" | in_router "$WEIR" plan --tc - |
			sed -E 's/ c?burst [0-9]+b//g' >"tree.$2.$3" &&
			in_router sh -e "tree.$2.$3" >"$BENCH_LOG" 2>&1
	fi
}

# The tree that tc made bears weir's marks, so it goes the same way.
take_down() {
	in_router "$WEIR" down >"$BENCH_LOG" 2>&1
	if [ "$1" = ingress ]; then
		! in_router tc qdisc show dev wan0 | grep -q clsact || in_router tc qdisc del dev wan0 clsact
	fi
}

# measure DIRECTION MBIT FLOWS: goodput and processor time, as tcp.c prints them.
measure() {
	local from=client to=server address=192.0.2.2 sink warmup window
	[ "$1" = egress ] || from=server to=client address=10.9.1.2
	read -r warmup window < <(windows "$2")
	in_ns "$to" "$BENCH_BIN/tcp" sink "$PORT" "$3" "$warmup" "$window" &
	sink=$!
	lab_listens "$to" "$PORT" &&
		in_ns "$from" "$BENCH_BIN/tcp" source "$address" "$PORT" "$3" $((warmup + window + 10000)) >/dev/null
	wait "$sink"
}

one() {
	local tool=$1 direction=$2 mbit=$3 flows=$4 result
	set_up "$tool" "$direction" "$mbit" || die "$tool: no tree"
	quiet
	result=$(measure "$direction" "$mbit" "$flows") || die "$tool: no measurement"
	take_down "$direction" || die "$tool: still there"
	awk -v r="$result" -v mbit="$mbit" -v share="$share" -v key="$tool.$direction.$mbit.$flows" 'BEGIN {
		split(r, v, " ")
		printf "%.2f\n", v[1] / (mbit * share) * 100 >>"goodput." key
		printf "%.2f\n", v[2] >>"cpu." key }'
}

cd /run && lab_router || die "no lab"
note "TCP through a router, steady state, in percent of what the limit leaves after headers" \
	"($share of it at MTU 1500). Peer: the same tree with the bursts that tc chooses. ns/byte is" \
	"what the processors spent in soft interrupts, where packets are queued and forwarded."
for direction in egress ingress; do
	for mbit in "${rates[@]}"; do
		for flows in 1 8; do
			for ((run = 0; run < BENCH_RUNS; run++)); do
				for tool in weir tc; do
					one "$tool" "$direction" "$mbit" "$flows"
				done
			done
			key=$direction.$mbit.$flows
			name=accuracy/$direction/${mbit}mbit/$flows
			figure "$name" goodput "$(median <"goodput.weir.$key")" % \
				tc-burst "$(median <"goodput.tc.$key")"
			[ "$mbit" -lt 1000 ] || figure "$name" cpu "$(median <"cpu.weir.$key")" ns/byte \
				tc-burst "$(median <"cpu.tc.$key")"
		done
	done
done
