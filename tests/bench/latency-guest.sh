#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# latency-guest.sh - what tests/bench/latency.sh runs inside a stock kernel, as a test of
# tests/vm/run: the delay of a ping beside a TCP flow that fills the link, in the same class. Prints
# lines `# latency LEAF PACKETS IDLE MEDIAN P95 MAX`, in milliseconds.
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$TOP/scripts/lab.sh"
MBIT=20
PINGS=100

# What the sender hands down: frames of the MTU, as a wire brings them, or packets of up to 64 KiB.
packets() {
	in_ns client ethtool -K eth0 tso "$1" gso "$1" >/dev/null
}

# Round trips in milliseconds, a line each.
ping_times() {
	in_ns client busybox ping -c "$1" -i 0.05 -W 5 192.0.2.2 | sed -n 's/.* time=\([0-9.]*\) ms.*/\1/p'
}

at() {
	sort -g "$2" | awk -v share="$1" '{ v[NR] = $1 } END { i = int(share * NR + 0.999999); print v[i] }'
}

one() {
	local leaf=$1 name=$2 idle
	[ "$name" = gso ] && packets on || packets off
	echo "link wan0 { egress rate ${MBIT}mbit { default rate ${MBIT}mbit queue $leaf } }" |
		in_ns router "$WEIR" apply - >&2 || return
	ping_times 10 >idle
	in_ns client iperf3 -c 192.0.2.2 -t 9 >/dev/null 2>&1 &
	sleep 3
	ping_times "$PINGS" >loaded
	wait $!
	in_ns router "$WEIR" down >&2
	[ "$(wc -l <loaded)" -ge $((PINGS * 9 / 10)) ] || return
	echo "# latency ${leaf%% *} $name $(at 0.5 idle) $(at 0.5 loaded) $(at 0.95 loaded) $(at 1 loaded)"
}

cd "$(mktemp -d)" || exit 1
echo 1..1
lab_begin
lab_router && lab_serve server || exit 1
# pfifo: the limit that weir chooses where the kernel has no fq_codel, 100 ms of the rate.
for name in mtu gso; do
	for leaf in fq_codel "pfifo limit 165"; do
		one "$leaf" "$name" || { echo "not ok 1 - $leaf $name"; exit 1; }
	done
done
echo "ok 1 - latency"
