#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program itself with random policies: what was applied needs no change; from A to B leads where B
# alone leads; cut short on the way it leads back to A; down leads back to the beginning. Very many more,
# inside one process: tests/kernel/test_random, which also makes these.
#
#   roundtrip.sh [--count N] [--seed N] [TEST...]
#
# A failure tells the seed, and --count 1 --seed N repeats it.
. "$(dirname "$0")/common.bash"

while [[ ${1-} = --* ]]; do
	case $1 in
	--count) export ROUNDTRIP_COUNT=$2 ;;
	--seed) export ROUNDTRIP_SEED=$2 ;;
	*) echo "usage: roundtrip.sh [--count N] [--seed N] [TEST...]" >&2; exit 2 ;;
	esac
	shift 2
done
COUNT=${ROUNDTRIP_COUNT-$((9 / STRIDE + 2))}
SEED=${ROUNDTRIP_SEED-1}

programs() {
	[ -x "$BUILD/tests/kernel/test_random" ] || die "no $BUILD/tests/kernel/test_random"
}

# The next seed from $1 on whose policy this kernel can carry, in NAME.conf; $seed is that.
valid_policy() {
	local tries
	for ((seed = $1, tries = 0; tries < 20; seed += 1000003, tries++)); do
		"$BUILD/tests/kernel/test_random" --print "$seed" | sed '/^link old0 {$/,/^}$/d' | conf "$2"
		weir plan "$2.conf" >plan.out 2>plan.err
		[ $? = 1 ] || return 0
	done
	not_ok "of 20 policies none was valid, the last (seed $seed): $(<plan.err)"
	cat "$2.conf"
	return 1
}

# apply and expect no message but warnings, then no change.
settled() {
	run 0 weir apply "$1.conf" && run 0 weir plan "$1.conf" && return 0
	echo "policy $1, seed $SEED_NOW:"
	cat "$1.conf"
	return 1
}

round() {
	local alone
	valid_policy "$SEED_NOW" a && valid_policy $((SEED_NOW + 500)) b || return
	settled b || return
	alone=$(state)
	run 0 weir down && unchanged "$nothing" "the state after down from b" || return
	settled a || return
	if ! settled b; then
		echo "and before it a:"
		cat a.conf
		return 1
	fi
	if ! unchanged "$alone" "b after a"; then
		head -n 999 a.conf b.conf
		return 1
	fi
	run 0 weir down && unchanged "$nothing" "the state after down from a and b"
}

test_random_policies() {
	local i nothing
	programs
	router
	nothing=$(state)
	for ((i = 0; i < COUNT; i++)); do
		SEED_NOW=$((SEED + i))
		if ! round; then
			not_ok "seed $SEED_NOW: repeat with --count 1 --seed $SEED_NOW"
			return
		fi
	done
}

# Cut short anywhere on the way from A to B, A comes back: one send of each pair fails.
test_random_faults() {
	local i before
	programs
	router
	for ((i = 0; i < COUNT; i++)); do
		SEED_NOW=$((SEED + 20000 + i))
		valid_policy "$SEED_NOW" a && settled a || return
		before=$(state)
		valid_policy $((SEED_NOW + 500)) b || return
		traced sendmsg "error=ENOBUFS:when=$((6 + i % 16))" "$WEIR" -n "$NETNS" apply b.conf >out 2>err
		status=$?
		injected || continue
		if [ "$status" != 1 ] || ! unchanged "$before" "a after a failed b: $(<err)"; then
			not_ok "seed $SEED_NOW: status $status, send $((6 + i % 16)): $(<err)"
			head -n 999 a.conf b.conf
			return
		fi
	done
}

TEST_TIMEOUT=${TEST_TIMEOUT:-$((120 + COUNT * 6))}
run_tests "$@"
