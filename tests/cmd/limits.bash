# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limits.bash - what the tests of limits on a host share, besides sockets.bash, which it sources.
#
# weir attaches to the root of the cgroup hierarchy. Here that is the root of a cgroup namespace: the test's
# own cgroup $CG, so that nothing outside of it ever runs a program of the test's.
#
#   box [6]              router (router6), an iperf3 server in s, and the cgroup namespace
#   weir ARG...          the program in r and in the cgroup namespace: the cgroup a is $CG/a outside
#   flow NAME CGROUP [CMD...] -- ARG...    starts `CMD... iperf3 -c s ARG...` in $CG/CGROUP, in r; its pid is
#                        in $NAME as soon as it sends or receives
#   stop PID...          ends flows
#   measured DIRECTION [SUBJECT NAME]      what `weir limits` measures in a second, in kbit/s
#   field JQ [SUBJECT NAME]                of the limit, from `weir limits --json`; null: no such limit
#   limited              how many limits there are
#   pins                 what weir has pinned, an id a line
#   nothing_left         a check: no pin, and nothing attached to the test's cgroup; with ids from `pins`
#                        on standard input none of these is in the kernel any more

. "$(dirname "${BASH_SOURCE[0]}")/sockets.bash"

box() {
	need cgroup v2
	CGROUPS=$(cgroup_dir v2)
	cgroup ""
	"router${1-}"
	[ -n "${1-}" ] || lab_serve s || die "no server"
	lab_serve s 5202 && lab_serve s 5203 || die "no server"
	HERE=$PWD
	mkdir "$HERE/cgroup" && : >"$HERE/namespace" &&
		within "" unshare --cgroup="$HERE/namespace" true &&
		nsenter --cgroup="$HERE/namespace" mount -t cgroup2 none "$HERE/cgroup" ||
		skip "no cgroup namespace"
}

weir() {
	nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$NETNS" "$@"
}

flow() {
	local -n flow_pid=$1
	local dir=$2 command=() pace=() tries log
	shift 2
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	cgroup "$dir"
	log=$(mktemp -p "$HERE")
	chmod a+r "$log"
	# an emulated processor has more to do than to send what no limit lets through
	! in_guest || pace=(-b 40M --pacing-timer 20000)
	# nothing forks, so that it is one process
	nsenter --net="/run/netns/$NETNS" -- bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' \
		"$CGROUPS/$CG/$dir" "${command[@]}" \
		iperf3 --forceflush -i 0.2 -c 192.0.2.2 -t 60 "${pace[@]}" "$@" >"$log" 2>&1 &
	flow_pid=$!
	for ((tries = 0; tries < 100; tries++)); do
		grep -q bits/sec "$log" && return 0
		kill -0 "$flow_pid" 2>/dev/null || break
		sleep 0.1
	done
	cat "$log"
	die "no flow"
}

stop() {
	kill -KILL "$@" 2>/dev/null
	wait "$@" 2>/dev/null
	return 0
}

field() {
	weir limits --interval 10ms --json >limits.json || die "weir limits"
	jq -c "([.limits[] | select(${2+.subject == \"$2\" and .name == \"$3\" and} true)][0]) | $1" limits.json
}

measured() {
	local direction=$1
	shift
	weir limits --interval 1500ms --json >limits.json || die "weir limits"
	jq "[.limits[] | select(${1+.subject == \"$1\" and .name == \"$2\" and} true) |
		.$direction.measured_bit // 0][0] / 1000 | floor" limits.json
}

limited() {
	weir limits --interval 10ms --json | jq '.limits | length'
}

pins() {
	local pin kind
	command -v bpftool >/dev/null || return 0
	for pin in /sys/fs/bpf/weir/limits/*; do
		for kind in map prog; do
			bpftool -j "$kind" show pinned "$pin" 2>/dev/null | jq -r --arg kind "$kind" \
				'select(.id?) | "\($kind) \(.id)"'
		done
	done
}

# Whether it is not in the kernel any more. What is freed is freed a moment later: storage of sockets after a
# grace period.
is_freed() {
	local tries
	for ((tries = 0; tries < 50; tries++)); do
		bpftool "$1" show id "$2" >/dev/null 2>&1 || return 0
		sleep 0.2
	done
	return 1
}

nothing_left() {
	local kind id
	[ ! -e /sys/fs/bpf/weir ] || not_ok "left over: $(find /sys/fs/bpf/weir)"
	command -v bpftool >/dev/null || return 0
	expect_eq "$(bpftool cgroup show "$CGROUPS/$CG")" "" "programs at the cgroup"
	[ -t 0 ] || while read -r kind id; do
		is_freed "$kind" "$id" || not_ok "left over: $kind $id"
	done
}
