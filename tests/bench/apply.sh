#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# apply - how long it takes to set up the tree of 18 classes from nothing, program start included.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/bench/tree.sh"

# set_up DIRECTION: the classes are really there.
check_tree() {
	local dev=wan0 n
	case $1 in
	ingress-weir) dev=ifb-wan0 ;;
	ingress-fireqos) dev=wan0-ifb ;;
	ingress-tc) dev=ifb0 ;;
	esac
	n=$(in_router tc class show dev "$dev" | grep -c 'class htb')
	[ "$n" = $((TREE_CLASSES + 1)) ] || die "$1: $n classes on $dev, not $((TREE_CLASSES + 1))"
}

with_weir() {
	elapsed_ms in_router "$WEIR" apply "weir.$1"
	check_tree "$1-weir"
	in_router "$WEIR" down >"$BENCH_LOG" 2>&1 || die "weir down"
}

with_fireqos() {
	elapsed_ms in_router fireqos "$PWD/fireqos.$1" start
	check_tree "$1-fireqos"
	in_router fireqos stop >"$BENCH_LOG" 2>&1 || die "fireqos stop"
	[ "$1" = egress ] || in_router tc qdisc del dev wan0 ingress	# which FireQOS leaves behind
}

tc_ifb() {
	[ "$1" = egress ] || { in_router ip link add ifb0 type ifb && in_router ip link set ifb0 up; }
	in_router tc -batch "tc.$1"
}

with_tc() {
	elapsed_ms tc_ifb "$1"
	check_tree "$1-tc"
	if [ "$1" = egress ]; then
		in_router tc qdisc del dev wan0 root
	else
		in_router tc qdisc del dev wan0 ingress && in_router ip link del ifb0
	fi || die "tc qdisc del"
}

cd /run && lab_router || die "no lab"
peers=(tc)
if command -v fireqos >/dev/null; then peers=(fireqos tc); else note "No FireQOS (Debian: fireqos)."; fi
note "From nothing to $TREE_CLASSES classes with their queues and matches, IPv4 and IPv6, in" \
	"milliseconds; weir's time includes reading back what the kernel then holds."
quiet
for direction in egress ingress; do
	tree_weir a "$direction" >"weir.$direction"
	tree_fireqos a "$direction" >"fireqos.$direction"
	tree_tc a "$direction" | grep -v '^qdisc del' >"tc.$direction"
	for ((run = 0; run < BENCH_RUNS; run++)); do
		for tool in weir "${peers[@]}"; do
			"with_$tool" "$direction" >>"ms.$tool.$direction" || exit 1
		done
	done
	for peer in "${peers[@]}"; do
		figure "apply/$direction" time "$(median <"ms.weir.$direction")" ms \
			"$peer" "$(median <"ms.$peer.$direction")"
	done
done
