#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reload - what passes while the tree of 18 classes is changed under an overload of 20 times the
# link's rate: every rate changes, a class goes, one comes.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/bench/tree.sh"

BIN_MS=50
BINS=80			# four seconds; the reload begins with the second one
OVERLOAD=20

# What is delivered in a bin at the link's rate, in bytes; set a's rate is the higher one.
limit_bytes=$((TREE_LINK * 1000 / 8 * BIN_MS / 1000))

start_weir() {
	in_router "$WEIR" apply "weir.$2.$1"
}

stop_weir() {
	in_router "$WEIR" down
}

start_fireqos() {
	in_router fireqos "$PWD/fireqos.$2.$1" start
}

# FireQOS leaves the ingress qdisc behind.
stop_fireqos() {
	in_router fireqos stop || return
	[ "$1" = egress ] || in_router tc qdisc del dev wan0 ingress
}

start_tc-batch() {
	if [ "$2" = b ]; then
		in_router tc -batch "tc.b.$1"
		return
	fi
	[ "$1" = egress ] || { in_router ip link add ifb0 type ifb && in_router ip link set ifb0 up; } || return
	grep -v '^qdisc del' "tc.a.$1" >tc.first
	in_router tc -batch tc.first
}

stop_tc-batch() {
	if [ "$1" = egress ]; then
		in_router tc qdisc del dev wan0 root
	else
		in_router tc qdisc del dev wan0 ingress && in_router ip link del ifb0
	fi
}

# once TOOL DIRECTION: one reload from a to b; adds to the files over.*, most.* and under.*.
once() {
	local tool=$1 direction=$2 from=client to=server address=192.0.2.2 flood bins
	[ "$direction" = egress ] || from=server to=client address=10.9.1.2
	"start_$tool" "$direction" a >"$BENCH_LOG" 2>&1 || die "$tool: no first start"
	in_ns "$from" "$BENCH_BIN/udp" flood "$address" $((TREE_PORT + 1)) "$TREE_PORTS" \
		$((TREE_LINK * OVERLOAD / 1000)) $((BINS * BIN_MS + 2000)) &
	flood=$!
	sleep 0.5	# the bursts that the classes have saved up are gone by then
	in_ns "$to" "$BENCH_BIN/udp" bins $((TREE_PORT + 1)) "$TREE_PORTS" "$BIN_MS" "$BINS" >bins &
	bins=$!
	sleep 1
	"start_$tool" "$direction" b >"$BENCH_LOG" 2>&1 || die "$tool: no reload"
	wait_all "$bins" "$flood" || die "no measurement"
	"stop_$tool" "$direction" >"$BENCH_LOG" 2>&1 || die "$tool: no end"
	grep -qx 'lost 0' bins || die "the receiver was too slow: $(tail -n 1 bins)"
	grep -v lost bins | awk -v limit="$limit_bytes" -v key="$tool.$direction" '
		{ if ($1 > 1.5 * limit) over++; if ($1 < 0.5 * limit) under++; if ($1 > most) most = $1 }
		END { print over + 0 >>"over." key; print under + 0 >>"under." key
			printf "%.2f\n", most / limit >>"most." key }'
}

report() {
	local direction=$1 peer
	for peer in "${peers[@]}"; do
		figure "reload/$direction" over-1.5 "$(median <"over.weir.$direction")" bins \
			"$peer" "$(median <"over.$peer.$direction")"
		figure "reload/$direction/worst-run" over-1.5 "$(worst <"over.weir.$direction")" bins \
			"$peer" "$(worst <"over.$peer.$direction")"
		figure "reload/$direction" largest-bin "$(median <"most.weir.$direction")" x-limit \
			"$peer" "$(median <"most.$peer.$direction")"
		figure "reload/$direction" under-0.5 "$(median <"under.weir.$direction")" bins \
			"$peer" "$(median <"under.$peer.$direction")"
	done
}

cd /run && lab_router || die "no lab"
peers=(tc-batch)
if command -v fireqos >/dev/null; then peers=(fireqos tc-batch); else note "No FireQOS (Debian: fireqos)."; fi
note "$TREE_CLASSES classes at $((TREE_LINK / 1000)) Mbit/s get other rates, one goes, one comes, while UDP" \
	"arrives at $OVERLOAD times the link's rate. Bins of $BIN_MS ms at the receiver: how many are above 1.5" \
	"times the limit (leaked), the largest one, how many are below half of it (held up)." \
	"tc-batch deletes the tree and builds the new one. sqm-scripts is not packaged for Debian, so it" \
	"is not here."
for direction in egress ingress; do
	for set in a b; do
		tree_weir $set $direction >weir.$set.$direction
		tree_fireqos $set $direction >fireqos.$set.$direction
		tree_tc $set $direction >tc.$set.$direction
	done
	for ((run = 0; run < BENCH_RUNS; run++)); do
		for tool in weir "${peers[@]}"; do
			quiet
			once "$tool" "$direction"
		done
	done
	report "$direction"
done
