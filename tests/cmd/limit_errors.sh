#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# What cannot be limited: one clear line, the exit status, and nothing left.
. "$(dirname "$0")/limits.bash"

# The status, what the error must match, the arguments.
refused() {
	local status=$1 pattern=$2
	shift 2
	run "$status" weir "$@"
	expect_match "$err" "$pattern" "weir $*"
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	expect_match "$err" '^weir: '
	expect_eq "$out" ""
}

test_words() {
	box
	refused 2 "needs 'pid', 'cgroup' or 'user' and a name" limit --upload 1mbit
	refused 2 "unknown word 'pids'; did you mean 'pid'" limit pids 1 --upload 1mbit
	refused 2 "unknown word '4242'; it is 'pid', 'cgroup' or 'user'" limit 4242 --upload 1mbit
	refused 2 "'pid' needs a name" limit pid --upload 1mbit
	refused 2 "'x' is not the number of a process" limit pid x --upload 1mbit
	refused 2 "'0' is not the number of a process" limit pid 0 --upload 1mbit
	refused 2 "unknown option '-1'" limit --upload 1mbit pid -1
	refused 2 "'1.5' is not the number of a process" limit pid 1.5 --upload 1mbit
	refused 2 "takes one user, and 'b' is a second" limit user a b --upload 1mbit
	refused 2 "is not the path of a cgroup" limit cgroup ../a --upload 1mbit
	refused 2 "is not the path of a cgroup" limit cgroup a/../b --upload 1mbit
	refused 2 "unknown option '--uplaod'; did you mean '--upload'" limit pid 1 --uplaod 1mbit
	refused 2 "did you mean '--all'" unlimit --al
	refused 2 "--all is every limit: no 'pid' goes with it" unlimit --all pid 1
	refused 2 "needs 'pid', 'cgroup' or 'user' and a name" unlimit
	refused 2 "'x' is one word too many" limits x
	nothing_left </dev/null
}

test_values() {
	box
	refused 2 "needs --download RATE, --upload RATE or --block" limit pid $$
	refused 2 "--upload 0 would let nothing pass: if that is meant, say --block" limit pid $$ --upload 0
	refused 2 "--download 0 would" limit pid $$ --download 0mbit
	refused 2 "is out of range: 8kbit to 1tbit" limit pid $$ --download 7kbit
	refused 2 "is out of range: 8kbit to 1tbit" limit pid $$ --download 2tbit
	refused 2 "needs a rate such as 20mbit, not '5mbitt'" limit pid $$ --download 5mbitt
	refused 2 "needs a rate such as 20mbit, not '10%'" limit pid $$ --upload 10%
	refused 2 "--upload needs RATE" limit pid $$ --upload
	refused 2 "--burst needs a time, 1ms to 60s" limit pid $$ --upload 1mbit --burst 61s
	refused 2 "--burst needs a time, 1ms to 60s" limit pid $$ --upload 1mbit --burst 250
	refused 2 "--burst belongs to a rate" limit pid $$ --block --burst 250ms
	refused 2 "--block lets nothing pass, so there is no rate beside it" limit pid $$ --block --upload 1mbit
	refused 2 "unknown word 'intenet'; did you mean 'internet'" limit pid $$ --upload 1mbit --only intenet
	refused 2 "--no-children is about what a process starts" limit user 1 --upload 1mbit --no-children
	refused 2 "--each is for several processes" limit user 1 --upload 1mbit --each
	nothing_left </dev/null
}

test_who_is_not_there() {
	local ended
	box
	sleep 0 &
	ended=$!
	wait
	refused 1 "there is no process $ended" limit pid "$ended" --upload 1mbit
	refused 1 "there is no process 4194303" limit pid $$ 4194303 --upload 1mbit
	refused 1 "there is no user 'no-such-user'" limit user no-such-user --upload 1mbit
	refused 1 "cgroup 'no/such' " limit cgroup no/such --upload 1mbit
	refused 1 "there is no backend 'ebfp'; did you mean 'ebpf'" limit pid $$ --upload 1mbit --backend ebfp
	refused 1 "pid $$ has no limit" unlimit pid $$
	refused 1 "user 64999 has no limit" unlimit user 64999
	refused 1 "there is no process $ended" unlimit pid "$ended"
	nothing_left </dev/null
}

# The number of a process that has ended, for another one: no limit.
test_a_zombie_is_no_process() {
	local zombie
	box
	bash -c 'sleep 0 & echo $! >zombie; exec sleep 5' &
	sleep 0.5
	zombie=$(<zombie)
	expect_match "$(cat "/proc/$zombie/stat")" ' Z '
	refused 1 "there is no process $zombie" limit pid "$zombie" --upload 1mbit
	kill %1
	wait
	nothing_left </dev/null
}

test_without_privilege() {
	box
	run 1 nsenter --cgroup="$HERE/namespace" setpriv --bounding-set -all --inh-caps -all --no-new-privs \
		"$WEIR" limit user 64999 --upload 1mbit --backend ebpf
	expect_match "$err" "CAP_BPF"
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	nothing_left </dev/null
}

test_without_cgroup_v2() {
	box
	run 1 unshare --mount bash -c 'umount -R "$1" && umount -R "$2"; exec "$3" limit cgroup a --upload 1mbit' \
		bash "$HERE/cgroup" "$CGROUPS" "$WEIR"
	expect_match "$err" "cgroup v2"
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	nothing_left </dev/null
}

run_tests "$@"
