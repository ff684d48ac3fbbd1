# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# common.bash - what the tests of the program share, besides tests/lib.sh, which it sources.
#
# They work in one router, namespace r, with the links wan0 and lan0 to namespaces s and c.
#
#   router             makes it
#   weir ARG...        the program in r
#   state [NS]         all that ip and tc tell of the links in r, or NS, but for counters, carriers
#                      and what the kernel numbers as it likes (interfaces, hash tables and
#                      filters of u32, indexes of actions, programs), and for the priorities of weir's own filters: only their order
#                      matters, and dumps are in that order
#   traced SYSCALL INJECTION CMD...   CMD with strace's fault injection on the system calls named.
#                      The trace is in $PWD/trace
#   injected           whether that injected anything
#   one_error          $err (of run) is one line, and weir's
#   unchanged BEFORE [WHAT]    state is still BEFORE
#   conf NAME          standard input into NAME.conf

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

router() {
	lab_ns_bare r s c || die "no lab"
	NETNS=$LAB-r
	lab_ip r <<-EOF && lab_ip c <<-'EOF2' && lab_ip s <<-'EOF3' || die "no links"
		link set lo up
		link add wan0 type veth peer name eth0 netns $LAB-s
		link add lan0 type veth peer name eth0 netns $LAB-c
		link set wan0 up
		link set lan0 up
		addr add 192.0.2.1/24 dev wan0
	EOF
		link set lo up
		link set eth0 up
	EOF2
		link set lo up
		link set eth0 up
		addr add 192.0.2.2/24 dev eth0
	EOF3
}

weir() {
	"$WEIR" -n "$NETNS" "$@"
}

STATE_NORMAL='
/^class (cake|codel|fq_codel|fq_pie|sfq) /d
s/^[0-9]+: //
s/@[^ :]+:/:/
s/<NO-CARRIER,/</
s/,(LOWER_UP|M-DOWN)//g
s/ state [A-Z]+ / state * /
s/direct_packets_stat [0-9]+/direct_packets_stat */
s/ refcnt [0-9]+//
s/[ \t](index|ref|bind) [0-9]+//g
s/ fh [0-9a-f]+:[0-9a-f:]*/ fh */
s/ fh 0x[0-9a-f]+/ fh */
s/ handle 0x[0-9a-f]+/ handle */
s/ (id|load_time|created_by_uid|btf_id) [0-9]+//g
s/ jited\b//
s/ key ht [0-9a-f]+ bkt [0-9a-f]+/ key ht */
s/ ht divisor / divisor /
s/ link [0-9a-f]+: / link * /
/parent 77e0:/s/ pref [0-9]+/ pref */
s/ pref 30(46[4-9]|4[7-9][0-9]|[56][0-9][0-9]|70[0-9]|71[0-9]) / pref weir /
s/^[ \t]*index [0-9]+//
s/[ \t](not_in_hw|in_hw|used_hw_stats (disabled|immediate|delayed))\b//g
s/( adaptive .*) probability [^ ]+/\1/
s/link\/ether [0-9a-f:]+ /link\/ether * /
s/[ \t]+$//
/^$/d'

# Runs of lines that have no order of their own, sorted.
STATE_SORT='
function flush(i, j, line) {
	for (i = 2; i <= n; i++) {
		line = run[i]
		for (j = i - 1; j > 0 && run[j] > line; j--)
			run[j + 1] = run[j]
		run[j + 1] = line
	}
	for (i = 1; i <= n; i++)
		print run[i]
	n = 0
}
/^(qdisc|class) / { if ($1 != of) flush(); of = $1; run[++n] = $0; next }
{ flush(); print }
END { flush() }'

# As few processes as can be: this is called often. tc complains of hooks that are not there. What lo
# has says where the next link begins. Links come in the order of their names.
state() {
	local ns=${1-r} line dev devs=() i LC_ALL=C
	local -A text=()
	while IFS= read -r line; do
		if [[ $line == [0-9]* ]]; then
			dev=${line#*: } dev=${dev%%: <*} dev=${dev%%@*}
			for ((i = ${#devs[@]}; i > 0; i--)); do
				[[ ${devs[i - 1]} > $dev ]] || break
				devs[i]=${devs[i - 1]}
			done
			devs[i]=$dev
		fi
		text[$dev]+=$line$'\n'
	done < <(ip -n "$LAB-$ns" -d link show)
	{
		echo "qdisc show"
		for dev in "${devs[@]}"; do
			[ "$dev" != lo ] || continue
			echo "qdisc show dev lo"
			printf "%s show dev $dev %s\n" class '' filter '' filter ingress filter egress
		done
	} >"$TEST_STATE/batch"
	{
		for dev in "${devs[@]}"; do
			printf %s "${text[$dev]}"
		done
		tc -n "$LAB-$ns" -d -force -batch "$TEST_STATE/batch" 2>/dev/null
	} | sed -E "$STATE_NORMAL" | awk "$STATE_SORT"
}

traced() {
	local calls=$1 injection=$2
	shift 2
	strace -qq -e trace="$calls" -e signal=none ${injection:+-e "inject=$calls:$injection"} \
		-o "$PWD/trace" "$@"
}

injected() {
	[[ $(<"$PWD/trace") == *INJECTED* ]]
}

one_error() {
	[[ $err == "weir: "* && $err != *$'\n'* ]] || not_ok "not one line of weir's: $err"
}

unchanged() {
	expect_eq "$(state)" "$1" "${2-the state}"
}

# Most are short.
conf() {
	local text
	if IFS= read -rd '' -n 4000 text; then
		{ printf %s "$text"; cat; } >"$1.conf"
	else
		printf %s "$text" >"$1.conf"
	fi
}
