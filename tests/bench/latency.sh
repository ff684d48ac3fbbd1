#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# latency - the delay of a sparse flow beside one that fills the link, in a stock kernel under qemu.
. "$(dirname "$0")/lib.sh"

KERNEL=6.12
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64 (Debian: qemu-system-x86)"

cd /run || die "no /run"
note "Round trip of a ping, in the class and direction of a TCP flow that fills 20 Mbit/s, through a" \
	"router in Debian's kernel $KERNEL under emulation; weir's default leaf fq_codel, peer pfifo with" \
	"100 ms of the rate. mtu: the router is handed frames of the MTU, gso: packets of up to 64 KiB," \
	"which no queue here takes apart; 64 KiB alone are 26 ms at 20 Mbit/s."
for ((run = 0; run < BENCH_RUNS; run++)); do
	quiet
	timeout -k 5 600 "$TOP/tests/vm/run" -v --kernel "$KERNEL" --build "$BUILD" \
		tests/bench/latency-guest.sh >"$BENCH_LOG" 2>&1 || die "the guest failed"
	grep '^# latency' "$BENCH_LOG" >>figures
done

# value LEAF PACKETS COLUMN
value() {
	awk -v leaf="$1" -v packets="$2" -v column="$3" \
		'$3 == leaf && $4 == packets { print $column }' figures | median
}

for packets in mtu gso; do
	for what in median:6 p95:7 max:8; do
		figure "latency/20mbit/$packets" "${what%:*}" "$(value fq_codel "$packets" "${what#*:}")" ms \
			pfifo "$(value pfifo "$packets" "${what#*:}")"
	done
	figure "latency/20mbit/$packets" idle "$(value fq_codel "$packets" 5)" ms
done
