# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - what every shell test is written with. A test file is
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-or-later
#	. "$(dirname "$0")/../lib.sh"
#
#	test_rate_is_set() {
#		lab_ns router
#		...
#		run 0 "$WEIR" -n "$(lab_netns router)" apply file.conf
#		expect_match "$(tc_state router wan0)" 'rate 20Mbit'
#	}
#
#	run_tests "$@"
#
# and is run as `FILE [TEST...]` (tests/run does that), as root. It prints TAP with a plan.
#
# Each test_* function runs in a process of its own, in a fresh network namespace (lo is up), in a
# mount namespace of its own where /run/netns, /run/weir and /sys/fs/bpf are empty, in an empty
# working directory $PWD that is removed afterwards. Nothing it does to interfaces or to those
# folders outlives it, even when it is killed; what runs in its namespaces is killed at its end. The
# lab of scripts/lab.sh is ready to use (lab_begin has been called), and `self` names the test's own
# namespace (in_ns self, lab_netns self).
#
# A test fails when any check in it failed, and when it ends early with an exit status that is not 0;
# it goes on after a failed check. What it prints is shown only then. The status of its last command
# means nothing. $TEST_TIMEOUT (120) seconds are the most it may take, twice that with sanitizers, four
# times in a guest.
#
# Variables: TOP    the source tree
#            BUILD  where it was built; default TOP
#            WEIR   the built program, absolute; default $BUILD/src/weir
#            PLACE  where this runs: host, sanitize, vm-6.1, vm-6.12 (tests/skips)
#            GUEST  in a guest, which kind of it: tests/vm/run says which there are and how a test
#                   asks for another one than the plain one
#            STRIDE 1 on the host, more where programs are slow: a test that walks over very many
#                   cases may take every STRIDE-th (for ((n = 1; n < max; n += STRIDE)))
#            TEST_NO_NS=1, set before run_tests: no namespaces, no root needed, no lab
#            TEST_DIR=DIR, set before run_tests: tests start there, not in an empty folder
#
# Checks, each prints what was wrong, returns 0 or 1:
#   ok DESCRIPTION, not_ok DESCRIPTION      a check decided by the caller
#   check DESCRIPTION CMD...                CMD succeeds
#   run STATUS CMD...                       CMD exits with STATUS; leaves its standard output in $out
#                                           and its standard error in $err
#   expect_eq ACTUAL WANTED [WHAT]          equal strings; a diff is shown
#   expect_match TEXT REGEX [WHAT]          some line of TEXT matches (grep -E)
#   expect_no_match TEXT REGEX [WHAT]       none does
#   expect_between VALUE LOW HIGH [WHAT]    LOW <= VALUE <= HIGH, decimals allowed
# To leave a test:
#   skip REASON          skipped; a reason that tests/skips does not foresee for PLACE makes it fail
#   die MESSAGE          failed, at once
#   need KIND NAME       skips unless the kernel has it: need qdisc cake, need filter flower,
#                        need action police, need link ifb, need command strace; or a machine
#                        that is set up for it (tests/vm/run): need cgroup v1 (net_cls is mounted),
#                        need cgroup v2, need guest multiqueue
#   without_module NAME...   in a guest of tests/vm, hides kernel modules until the test ends; skips
#                        elsewhere
# To tell:
#   feature SECTION NAME yes|no   for the table doc/kernels.md: what this kernel was seen to do, or not
#                        to have, by a test that tried. Only in a guest does it go anywhere. A "yes"
#                        of any test wins. Sections: tests/vm/kernels-doc
# To look:
#   reach NS ADDRESS     a ping is answered (a check, as above)
#   in_guest             whether this is a guest of tests/vm
#   cgroup_dir v1|v2     where the hierarchy of net_cls, or the one of cgroup v2, is mounted; not
#                        inside `ip netns exec`, which hides it
#   tc_state NS DEV      DEV's qdiscs, classes and filters as tc prints them, in a stable order,
#                        without counters and without handles that the kernel chose
#   mutations CMD...     runs CMD under strace, prints how many rtnetlink requests it sent that would
#                        change something, then a line each; standard output and error of CMD are in
#                        $PWD/mutations.out, its exit status in $PWD/mutations.status

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD=${BUILD:-$TOP}
WEIR=${WEIR:-$BUILD/src/weir}
PLACE=${PLACE:-host}
TEST_FILE=$(realpath "$0")
case $PLACE in
host) STRIDE=1 SLOWNESS=1 ;;
vm-*) STRIDE=17 SLOWNESS=4 ;;
*) STRIDE=3 SLOWNESS=2 ;;
esac
export TOP BUILD WEIR PLACE
. "$TOP/scripts/lab.sh"

# ---- checks

# Where the test file itself called: the first caller outside this library.
test_place() {
	local depth
	for ((depth = 1; depth < ${#BASH_SOURCE[@]}; depth++)); do
		[ "${BASH_SOURCE[depth]}" = "${BASH_SOURCE[0]}" ] || break
	done
	printf '%s:%s' "${BASH_SOURCE[depth]##*/}" "${BASH_LINENO[depth - 1]}"
}

ok() {
	echo "ok: $1"
}

# A file, not a variable: a check may stand in a subshell.
not_ok() {
	echo "FAILED $(test_place): $1"
	: >"$TEST_STATE/failed"
	return 1
}

check() {
	local what=$1
	shift
	if "$@"; then
		ok "$what"
	else
		not_ok "$what: exit status $? of: $*"
	fi
}

# contents VARIABLE FILE: as VARIABLE=$(<FILE), but without a process.
contents() {
	local -n into=$1
	IFS= read -rd '' into <"$2"
	while [[ $into == *$'\n' ]]; do
		into=${into%$'\n'}
	done
}

run() {
	local wanted=$1 status
	shift
	"$@" >"$TEST_STATE/out" 2>"$TEST_STATE/err"
	status=$?
	contents out "$TEST_STATE/out"
	contents err "$TEST_STATE/err"
	[ "$status" = "$wanted" ] && return 0
	not_ok "exit status $status, not $wanted, of: $*"
	sed 's/^/  out: /' "$TEST_STATE/out"
	sed 's/^/  err: /' "$TEST_STATE/err"
	return 1
}

expect_eq() {
	[ "$1" = "$2" ] && return 0
	not_ok "${3-value} is not as wanted (- wanted, + actual)"
	diff -u <(printf '%s\n' "$2") <(printf '%s\n' "$1") | tail -n +3
	return 1
}

# Short texts are looked through here: a process takes longer. What bash takes for no expression (2) is
# left to grep, too.
has_line() {
	local line status=2
	while [ ${#1} -lt 4000 ] && IFS= read -r line; do
		[[ $line =~ $2 ]]
		status=$?
		[ $status = 1 ] || break
	done <<<"$1"
	[ $status = 2 ] || return $status
	grep -qE -- "$2" <<<"$1"
}

expect_match() {
	has_line "$1" "$2" && return 0
	not_ok "${3-text} has no match for: $2"
	sed 's/^/  /' <<<"$1"
	return 1
}

expect_no_match() {
	has_line "$1" "$2" || return 0
	not_ok "${3-text} has a match for: $2"
	sed 's/^/  /' <<<"$1"
	return 1
}

expect_between() {
	awk -v v="$1" -v low="$2" -v high="$3" \
		'BEGIN { exit !(v ~ /^-?[0-9.]+$/ && v + 0 >= low + 0 && v + 0 <= high + 0) }' && return 0
	not_ok "${4-value} is $1, not from $2 to $3"
}

reach() {
	in_ns "$1" busybox ping -q -c 1 -W 2 "$2" >/dev/null 2>&1 || not_ok "$2 does not answer $1"
}

# ---- leaving

SKIPPED=77
HIDDEN_MODULES=/etc/modprobe.d/weir-tests.conf

skip() {
	echo "$1" >"$TEST_STATE/skipped"
	exit "$SKIPPED"
}

die() {
	not_ok "$1"
	exit 1
}

# The kernel is asked by adding one in a namespace that is thrown away.
need_add() {
	case "$1 $2" in
	"link "*) echo "ip link add need0 type $2" ;;
	"qdisc ingress") echo "tc qdisc add dev lo ingress" ;;
	"qdisc clsact") echo "tc qdisc add dev lo clsact" ;;
	"qdisc tbf") echo "tc qdisc add dev lo root tbf rate 1mbit burst 10kb limit 10kb" ;;
	"qdisc mq") echo "ip link add need0 numtxqueues 2 type dummy && tc qdisc add dev need0 root mq" ;;
	"qdisc netem") echo "tc qdisc add dev lo root netem delay 1ms" ;;
	"qdisc red") echo "tc qdisc add dev lo root red limit 100kb avpkt 1000" ;;
	"qdisc "*) echo "tc qdisc add dev lo root $2" ;;
	"filter u32") echo "$NEED_HTB $NEED_FILTER u32 match u32 0 0 flowid 1:1" ;;
	"filter flower") echo "$NEED_HTB $NEED_FILTER flower classid 1:1" ;;
	"filter bpf") echo "$NEED_HTB $NEED_FILTER bpf bytecode '1,6 0 0 0' classid 1:1" ;;
	"filter cgroup") echo "$NEED_HTB $NEED_FILTER handle 1 cgroup" ;;
	"filter "*) echo "$NEED_HTB $NEED_FILTER $2 classid 1:1" ;;
	"action police") echo "$NEED_HTB $NEED_FILTER u32 match u32 0 0 police rate 1mbit burst 10kb drop" ;;
	"action mirred")
		echo "$NEED_HTB $NEED_FILTER u32 match u32 0 0 action mirred egress redirect dev lo" ;;
	"action gact") echo "$NEED_HTB $NEED_FILTER u32 match u32 0 0 action drop" ;;
	"action "*) echo "$NEED_HTB $NEED_FILTER u32 match u32 0 0 action $2" ;;
	*) return 1 ;;
	esac
}

NEED_HTB="tc qdisc add dev lo root handle 1: htb &&"
NEED_FILTER="tc filter add dev lo parent 1: protocol all prio 1"

need() {
	local add
	if [ "$1" = command ]; then
		command -v "$2" >/dev/null || skip "no command $2"
		return 0
	fi
	if [ "$1" = cgroup ]; then
		cgroup_dir "$2" >/dev/null || skip "no cgroup $2 is mounted"
		return 0
	fi
	if [ "$1" = guest ]; then
		[ "${GUEST-}" = "$2" ] || skip "needs the guest $2"
		return 0
	fi
	add=$(need_add "$1" "$2") || die "need $1 $2: no such thing to ask for"
	unshare --net sh -c "ip link set lo up && $add" >/dev/null 2>&1 || skip "kernel has no $1 $2"
}

# A module is in use until the namespaces of earlier tests are gone, which takes the kernel a moment.
without_module() {
	local name tries
	in_guest || skip "modules are hidden only in a guest"
	printf 'install %s /bin/false\n' "$@" >"$HIDDEN_MODULES"
	for name; do
		! grep -q "/$name\.ko" "/lib/modules/$(uname -r)/modules.builtin" || die "$name is built in"
		for ((tries = 0; tries < 100; tries++)); do
			[ -d "/sys/module/$name" ] || break
			rmmod "$name" 2>/dev/null || sleep 0.1
		done
		[ ! -d "/sys/module/$name" ] || die "$name stays loaded"
	done
}

feature() {
	[ -z "${FEATURES-}" ] || printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$FEATURES"
}

# ---- looking

# Fields of mountinfo: 5 is where, after " - " come type, source, options of the superblock.
cgroup_dir() {
	awk -v version="$1" '{
		for (i = 7; i < NF && $i != "-"; i++)
			;
		if (version == "v1" ? $(i + 1) == "cgroup" && $(i + 3) ~ /(^|,)net_cls(,|$)/ : $(i + 1) == "cgroup2") {
			print $5
			found = 1
			exit
		}
	}
	END { exit !found }' /proc/self/mountinfo
}

# Handles from 8000: up are those that the kernel picks; indexes of actions, and the ids, tags and
# hash tables of filters are its choice too. An adaptive red moves its probability.
TC_NORMAL='
s/ refcnt [0-9]+//g
s/\bffff:/FFFF:/g
s/\b[89a-f][0-9a-f]{3}:( |$)/auto:\1/g
s/\bFFFF:/ffff:/g
s/[ \t](index|ref|bind|id|installed|used|firstused|expires) [0-9]+//g
s/ (sec|rule hit [0-9]+ success [0-9]+)\b//g
s/ (tag [0-9a-f]+|jited|not_in_hw|skip_hw|in_hw|(load_time|created_by_uid|btf_id) [0-9]+)\b//g
s/ fh [0-9a-f]+:[0-9a-f:]*/ fh */g
s/ ht divisor [0-9]+//g
s/( adaptive .*) probability [^ ]+/\1/
s/[ \t]+$//
/^[ \t]*$/d'

# Some kinds show each flow that has packets as a class.
TC_FLOWS='^class: class (cake|codel|fq_codel|fq_pie|sfq) '

# tc_lines KIND NS ARG...: what tc prints, each line behind KIND.
tc_lines() {
	local kind=$1 ns=$2
	shift 2
	tc -n "$LAB-$ns" "$@" | sed -E "$TC_NORMAL"$'\n'"s/^/$kind: /"
}

tc_state() {
	local hook qdiscs
	qdiscs=$(tc_lines qdisc "$1" qdisc show dev "$2" | sort)
	[ -z "$qdiscs" ] || echo "$qdiscs"
	tc_lines class "$1" class show dev "$2" | grep -vE "$TC_FLOWS" | sort
	tc_lines filter "$1" filter show dev "$2"
	[[ $qdiscs =~ (^|$'\n')'qdisc: qdisc '(clsact|ingress)' ' ]] || return 0
	for hook in ingress egress; do
		tc_lines "filter $hook" "$1" filter show dev "$2" "$hook" 2>/dev/null
	done
	return 0
}

# RTM_NEW*, RTM_DEL* and RTM_SET*: of each four numbers all but the third. strace tells numbers where it
# cannot find the socket, as in another network namespace than its own. What the kernel sends comes by
# recv*, which is not traced; what a process does in a network namespace that it made is not counted.
MUTATIONS='
BEGIN {
	split("NEW DEL GET SET", verb, " ")
	name[16] = "LINK"; name[36] = "QDISC"; name[40] = "TCLASS"; name[44] = "TFILTER"
}
/unshare\(.*CLONE_NEWNET.* = 0/ { apart[$1] }
$1 in apart { next }
{
	while (match($0, /nlmsg_type=[A-Za-z0-9_]+/)) {
		count(substr($0, RSTART + 11, RLENGTH - 11))
		$0 = substr($0, RSTART + RLENGTH)
	}
}
function count(type, number, i) {
	if (type ~ /^0x/) {
		for (i = 3; i <= length(type); i++)
			number = number * 16 + index("0123456789abcdef", substr(type, i, 1)) - 1
		if (number < 16)
			return
		i = number - number % 4
		type = "RTM_" verb[number % 4 + 1] (i in name ? name[i] : i)
	}
	if (type ~ /^RTM_(NEW|DEL|SET)/)
		print type
}'

mutations() {
	local trace="$TEST_STATE/strace"
	strace -f -qq -v -s 4000000 -e trace=sendto,sendmsg,sendmmsg,unshare -e signal=none -o "$trace" \
		"$@" >"$PWD/mutations.out" 2>&1
	echo $? >"$PWD/mutations.status"
	awk "$MUTATIONS" "$trace" >"$TEST_STATE/mutations"
	wc -l <"$TEST_STATE/mutations"
	cat "$TEST_STATE/mutations"
}

# ---- running

in_guest() {
	[ "${PLACE#vm-}" != "$PLACE" ]
}

# Inside the namespaces: one test function, then the lab's end by its trap.
test_body() {
	if [ -z "${TEST_NO_NS-}" ]; then
		mount -t tmpfs -o mode=0755 tmpfs /run && mkdir /run/netns && mkdir -m 0700 /run/weir &&
		mount -t bpf bpf /sys/fs/bpf && eval "$LAB_NO_DAD" || exit 1
		lab_begin
		printf '%s\n' 'link set lo up' "netns attach $LAB-self $$" | ip -batch - || exit 1
	fi
	cd "${TEST_DIR:-$TEST_STATE/work}" || exit 1
	"$1"
	exit 0
}

# One test in processes of its own; prints its line of TAP.
test_one() {
	local number=$1 name=$2 status enter=() seconds=$((${TEST_TIMEOUT:-120} * SLOWNESS))
	export TEST_STATE=$TEST_STATES/$number
	mkdir "$TEST_STATE" "$TEST_STATE/work" || exit 1
	[ -n "${TEST_NO_NS-}" ] || enter=(unshare --mount --propagation private --net)
	in_guest && echo "<3>weir: ${TEST_FILE##*/} $name" >/dev/kmsg
	TEST_BODY=$name attend timeout -k 5 "$seconds" "${enter[@]}" bash "$TEST_FILE" \
		>"$TEST_STATE/log" 2>&1 </dev/null
	status=$?
	test_report "$number" "$name" "$status" "$seconds"
	[ ! -e "$HIDDEN_MODULES" ] || ! in_guest || rm -f "$HIDDEN_MODULES"
}

test_report() {
	local number=$1 name=${2#test_} status=$3
	if [ ! -e "$TEST_STATE/failed" ]; then
		case $status in
		0) echo "ok $number - $name"; return ;;
		"$SKIPPED")
			if [ -s "$TEST_STATE/skipped" ]; then
				echo "ok $number - $name # SKIP $(<"$TEST_STATE/skipped")"
				return
			fi ;;
		124 | 137) echo "no end within $4 s" >>"$TEST_STATE/log" ;;
		esac
	fi
	echo "not ok $number - $name"
	sed 's/^/# /' "$TEST_STATE/log"
	[ "$status" = 0 ] || echo "# exit status $status"
}

run_tests() {
	local names number=0 name
	if [ -n "${TEST_BODY-}" ]; then
		name=$TEST_BODY
		unset TEST_BODY
		test_body "$name"
	fi
	. "$TOP/tests/attend.sh"
	if [ -z "${TEST_NO_NS-}" ] && [ "$EUID" -ne 0 ]; then
		echo "1..0 # SKIP needs root"
		exit 0
	fi
	if [ -z "${TEST_NO_NS-}" ] && [ ! -x "$WEIR" ]; then
		echo "Bail out! $WEIR is not there: build it, or say where with BUILD"
		exit 1
	fi
	names=("$@")
	# The order of the file: bash lists functions by name.
	[ $# -gt 0 ] || mapfile -t names < <(sed -nE 's/^(test_[a-zA-Z0-9_]+)\(\).*/\1/p' "$TEST_FILE")
	TEST_STATES=$(mktemp -d) && chmod 711 "$TEST_STATES" || exit 1
	trap 'rm -rf "$TEST_STATES"' EXIT
	echo "1..${#names[@]}"
	for name in "${names[@]}"; do
		test_one $((++number)) "test_${name#test_}"
	done
	exit 0
}
