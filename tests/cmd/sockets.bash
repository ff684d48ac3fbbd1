# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sockets.bash - what the tests of cgroups and users share, besides common.bash, which it sources:
# real sockets, seen by the counters of the classes that their packets go to.
#
#   CGROUPS              the folder of the hierarchy to use, set by the test: $(cgroup_dir v2)
#   cgroup NAME          makes the cgroup $CG/NAME; CG is the test's own, by a name that no other has
#   within NAME CMD...   runs CMD in $CG/NAME ("" for the test's own)
#   router6              router, with IPv6, and an iperf3 server in s
#   send PROTO FAMILY CMD...      sends 400 kB to s, with `CMD... iperf3 ...`; PROTO tcp or udp
#   receive PROTO FAMILY CMD...   the same the other way
#   bytes DIRECTION CLASS         what a class of wan0 has counted
#   got DIRECTION CLASS...        prints which of the classes have counted at least 90 kB since the
#                        last `mark`, and "few" for each with less than 4 kB: "a few few"
#   mark                 begins to count

. "$(dirname "${BASH_SOURCE[0]}")/common.bash"

CG=weir-test-$$-$RANDOM

cgroup() {
	mkdir -p "$CGROUPS/$CG/$1" || die "no cgroup $1"
}

within() {
	local dir=$CGROUPS/$CG/$1
	shift
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$dir" "$@"
}

# The cgroups go when nothing is left in them.
eval "lab_end_namespaces() $(declare -f lab_end | tail -n +2)"
lab_end() {
	local tries
	lab_end_namespaces
	[ -n "${CGROUPS-}" ] || return 0
	for ((tries = 0; tries < 50; tries++)); do
		[ -d "$CGROUPS/$CG" ] || return 0
		find "$CGROUPS/$CG" -depth -type d -exec rmdir {} + 2>/dev/null && return 0
		sleep 0.1
	done
	not_ok "cgroup $CG is left over"
}

router6() {
	router
	lab_addr r wan0 2001:db8:a::1/64 && lab_addr s eth0 2001:db8:a::2/64 && lab_serve s || die "no lab"
}

traffic() {
	local proto=$1 family=$2 address=192.0.2.2 options=(-n 400000)
	shift 2
	[ "$family" = 4 ] || address=2001:db8:a::2
	[ "$proto" = tcp ] || options+=(-u -b 4M -l 1000)
	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	CGROUPS=${CGROUPS-} CG=$CG in_ns r bash -c "$(declare -f within); "'"$@"' bash \
		"$@" iperf3 -c "$address" "${options[@]}" >traffic.log 2>&1 ||
		not_ok "$proto, IPv$family: $(tail -n 1 traffic.log)"
}

send() {
	traffic "$@"
}

receive() {
	local proto=$1 family=$2
	shift 2
	traffic "$proto" "$family" -R "$@"
}

bytes() {
	jq "[.links[] | select(.link == \"${DEV-wan0}\").$1 | .. | objects | select(.path? == \"$2\").bytes] | add" \
		"${3-now.json}"
}

mark() {
	weir show --json >before.json 2>/dev/null
}

# One jq for all: it takes long to start.
got() {
	local direction=$1
	shift
	weir show --json >now.json 2>/dev/null
	jq -nr --slurpfile before before.json --slurpfile now now.json --arg link "${DEV-wan0}" \
		--arg direction "$direction" '
		def bytes($of; $class): [$of[0].links[] | select(.link == $link)[$direction] | .. | objects |
			select(.path? == $class).bytes] | add // 0;
		[$ARGS.positional[] | . as $class | bytes($now; .) - bytes($before; .) |
			if . >= 90000 then $class elif . < 4000 then "few" else tostring end] | join(" ")' --args "$@"
}
