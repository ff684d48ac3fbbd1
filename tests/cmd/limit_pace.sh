#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# TCP uploads under limits of the backend ebpf are paced: they reach their limit, and the bucket has
# next to nothing to drop.
. "$(dirname "$0")/limits.bash"

# What the sockets that send are told: "8.1Mbps/7.7Mbps" has a limit behind the slash.
pacing() {
	in_ns r ss -tinH state established dport "= :5201" | grep -oE 'pacing_rate [^ ]+'
}

PACED='pacing_rate [^ /]+/[0-9.]+[KMG]?bps'

drops_in_thousand() {
	weir limits --interval 10ms --json |
		jq '.limits[0].upload | (.drops * 1000 / (.packets + .drops + 1)) | floor'
}

sent_again() {
	in_ns r awk '$1 == "Tcp:" && $2 ~ /^[0-9]/ { print $13 }' /proc/net/snmp
}

# RATE FLOWS LEAST
reaches() {
	local p again
	run 0 weir limit cgroup a --backend ebpf --upload "$1kbit"
	again=$(sent_again)
	flow p a -- -P "$2"
	sleep 2
	expect_between "$(measured upload cgroup a)" "$(($1 * $3 / 100))" "$(($1 * 110 / 100))" "$1 kbit/s, $2 flows"
	expect_between "$(drops_in_thousand)" 0 20 "dropped, $1 kbit/s, $2 flows"
	expect_between "$(($(sent_again) - again))" 0 20 "sent again, $1 kbit/s, $2 flows"
	stop "$p"
	run 0 weir unlimit cgroup a
}

test_reaches_the_limit() {
	need command ss
	box
	cgroup a
	reaches 8000 1 75
	reaches 8000 16 70
	reaches 80000 1 75
	reaches 80000 16 70
	nothing_left </dev/null
}

# What was open before is paced too, and no more when the limit goes; from whatever network namespace
# it is taken away.
test_open_sockets() {
	local p
	need command ss
	box
	flow p "" --
	expect_no_match "$(pacing)" "$PACED" "pacing"
	run 0 weir limit pid "$p" --backend ebpf --upload 8mbit
	expect_match "$(pacing)" "$PACED" "pacing"
	sleep 1
	expect_between "$(measured upload)" 5600 8800
	run 0 nsenter --cgroup="$HERE/namespace" "$WEIR" unlimit pid "$p"
	expect_no_match "$(pacing)" "$PACED" "pacing"
	nothing_left </dev/null
	stop "$p"
}

# The least of several limits counts; each that goes leaves the others.
test_several_limits() {
	local p
	need command ss
	box
	cgroup a/b
	flow p a/b --
	run 0 weir limit cgroup a/b --backend ebpf --upload 40mbit
	run 0 weir limit cgroup a --backend ebpf --upload 4mbit
	sleep 0.5
	expect_between "$(measured upload cgroup a)" 2800 4600
	run 0 weir unlimit cgroup a
	sleep 1
	expect_between "$(measured upload cgroup a/b)" 24000 44000
	expect_match "$(pacing)" "$PACED" "pacing"
	run 0 weir unlimit cgroup a/b
	expect_no_match "$(pacing)" "$PACED" "pacing"
	stop "$p"
}

# What the limit is not about is left alone.
test_other_traffic() {
	local p
	need command ss
	box
	cgroup a
	run 0 weir limit cgroup a --backend ebpf --upload 8mbit --only internet
	flow p a --
	expect_no_match "$(pacing)" "$PACED" "pacing of what is local"
	run 0 weir limit cgroup a --backend ebpf --upload 8mbit --only local
	expect_match "$(pacing)" "$PACED" "pacing of what is local"
	run 0 weir limit cgroup a --backend ebpf --download 8mbit
	run 0 weir unlimit cgroup a
	run 0 weir limit cgroup a --backend ebpf --download 8mbit
	expect_no_match "$(pacing)" "$PACED" "pacing under a limit of downloads"
	run 0 weir unlimit --all
	nothing_left </dev/null
	stop "$p"
}

run_tests "$@"
