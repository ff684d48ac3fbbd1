#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit - limits on a host: TCP under them by every backend, what they cost a packet, processors at one
# bucket at the same time, ten thousand limits; beside them a bucket as it is often written (naive.h).
#
# LIMIT_PARTS (goodput cost contention many) says which figures. For goodput: LIMIT_FIRST seconds from
# the first packet on (3), and LIMIT_SECONDS (20; not more than LIMIT_FIRST: none) for some of them;
# LIMIT_RATES in bytes a second, LIMIT_FLOWS, LIMIT_RTTS (50us 20ms), LIMIT_WAYS (up down), LIMIT_BACKENDS,
# and LIMIT_CONGESTION, what TCP uses (cubic: machines differ in what they are set up for). All of it
# takes about twenty minutes, goodput nearly all of them.
# LIMIT_MANY: how many limits (10000).
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/bench/limit_lab.sh"

read -ra parts <<<"${LIMIT_PARTS:-goodput cost contention many}"
read -ra rates <<<"${LIMIT_RATES:-50000 1000000 10000000 100000000}"
read -ra flows <<<"${LIMIT_FLOWS:-1 16}"
read -ra rtts <<<"${LIMIT_RTTS:-50us 20ms}"
read -ra ways <<<"${LIMIT_WAYS:-up down}"
read -ra backends <<<"${LIMIT_BACKENDS:-auto ebpf nftables tc_htb ifb_tc bpf_htb naive naive-10ms}"
FIRST=${LIMIT_FIRST:-3} LONG=${LIMIT_SECONDS:-20} MANY=${LIMIT_MANY:-10000}
CONGESTION=${LIMIT_CONGESTION:-cubic}
LONG_OF=" auto ebpf bpf_htb naive "	# over 50us, with one flow; fast ones once
TOGETHER=10000000		# limits of up to so many bytes a second are measured side by side
[ "$LONG" -gt "$FIRST" ] || LONG=
MISSING='' WHY=''		# BACKEND-WAY that is not available, and the last reason

has_part() {
	[[ " ${parts[*]} " = *" $1 "* ]]
}

# ---- goodput

# 50kB, 1MB
size() {
	if [ "$1" -ge 1000000 ]; then echo "$(($1 / 1000000))MB"; else echo "$(($1 / 1000))kB"; fi
}

# Of what the limit leaves after the headers of IP and TCP, with an MTU of 1500 and timestamps.
percent() {
	awk -v bytes="$1" '{ printf "%.1f\n", $1 * 1e6 / 8 / (bytes * 1448 / 1500) * 100 }'
}

# one KEY RTT WAY FLOWS RATE NTH SECONDS...: a transfer under the Nth limit; adds to the files
# goodput.KEY.RATE.SECONDS and again.KEY.RATE, the latter how many segments were sent again.
one() {
	local key=$1.$5 rtt=$2 way=$3 n=$4 rate=$5 nth=$6 port=$((7000 + $6)) sink ends=() i mbit
	local from=(limited "$rtt" "$6") to=(within peer nsenter --net="/run/netns/$LAB-peer-$rtt" --)
	local at=peer-$rtt address=$ADDRESS_PEER
	if [ "$way" = down ]; then
		from=("${to[@]}") to=(limited "$rtt" "$nth") at=host-$rtt address=$ADDRESS_HOST
	fi
	shift 6
	for i; do ends+=($((i * 1000))); done
	"${to[@]}" "$PWD/tcp" start "$port" "$n" "${ends[@]}" >"sink.$nth" 2>"error.$nth" &
	sink=$!
	lab_listens "$at" "$port" || return
	"${from[@]}" "$PWD/tcp" source "$address" "$port" "$n" $(((${!#} + 15) * 1000)) "$CONGESTION" \
		>"again.$nth" 2>>"error.$nth" || { tail -n 3 "error.$nth" >&2; return 1; }
	wait "$sink" || { tail -n 3 "error.$nth" >&2; return 1; }
	for i; do
		read -r mbit
		percent "$rate" <<<"$mbit" >>"goodput.$key.$i"
	done <"sink.$nth"
	cat "again.$nth" >>"again.$key"
}

# together KEY BACKEND RTT WAY FLOWS RATE...: transfers at the same time, each under its own limit.
together() {
	local key=$1 backend=$2 rtt=$3 way=$4 n=$5 rate nth=0 pids=() seconds=("$FIRST")
	shift 5
	[ -z "$LONG" ] || [ -s "goodput.$key.$1.$LONG" ] || [[ $LONG_OF != *" $backend "* || $rtt != 50us || $n != 1 ]] || seconds+=("$LONG")
	if ! limit "$backend" "$rtt" "$way" "$@"; then
		WHY=$(sed -nE '1s/^(weir|[^ ]*:[0-9]+:[0-9]+): //p' "$BENCH_LOG")
		unlimit
		return 1
	fi
	for rate; do
		one "$key" "$rtt" "$way" "$n" "$rate" "$nth" "${seconds[@]}" &
		pids+=($!)
		nth=$((nth + 1))
	done
	wait_all "${pids[@]}" || die "$key: no measurement"
	unlimit
}

missing() {
	MISSING+=" $1-$2"
	echo "$1, $2: $WHY" >>missing
}

# Slow ones at once, fast ones one by one. Where a backend is not available the reason is told once.
by_backend() {
	local backend=$1 rtt=$2 way=$3 n=$4 key=$1.$2.$3.$4 rate slow=() fast=() run
	[[ " $MISSING " != *" $backend-$way "* ]] || return
	[ "$backend" != auto ] || [ -z "${AUTO[$way]-}" ] || return
	for rate in "${rates[@]}"; do
		for ((run = 0; run < BENCH_RUNS; run++)); do
			if [ "$rate" -gt "$TOGETHER" ]; then fast+=("$rate"); else slow+=("$rate"); fi
		done
	done
	if [ ${#slow[@]} -gt 0 ]; then
		together "$key" "$backend" "$rtt" "$way" "$n" "${slow[@]}" || { missing "$backend" "$way"; return; }
	fi
	for rate in "${fast[@]}"; do
		together "$key" "$backend" "$rtt" "$way" "$n" "$rate" || { missing "$backend" "$way"; return; }
	done
}

# row NAME METRIC UNIT FILE.BACKEND.REST: a line, every backend that has figures.
row() {
	local name=$1 metric=$2 unit=$3 file=$4 rest=$5 backend values=()
	for backend in "${backends[@]}"; do
		[ ! -s "$file.$backend.$rest" ] || values+=("$backend=$(median <"$file.$backend.$rest")")
	done
	[ ${#values[@]} -eq 0 ] || echo "$name $metric $unit: ${values[*]}"
}

rows() {
	local rtt=$1 way=$2 n=$3 rate name
	for rate in "${rates[@]}"; do
		name=limit/$way/$rtt/$(size "$rate")/$n
		row "$name" "goodput-${FIRST}s" % goodput "$rtt.$way.$n.$rate.$FIRST"
		[ -z "$LONG" ] || row "$name" "goodput-${LONG}s" % goodput "$rtt.$way.$n.$rate.$LONG"
		row "$name" sent-again segments again "$rtt.$way.$n.$rate"
	done
}

# How much of the table a backend has within what it should be.
summary() {
	local backend
	for backend in "${backends[@]}"; do
		cat goodput."$backend".*."$FIRST" 2>/dev/null | sort -g | awk -v backend="$backend" -v first="$FIRST" '
			{ v[NR] = $1; if ($1 >= 95 && $1 <= 101) good++ }
			END { if (NR) printf "limit/all/%s goodput-%ds %%: least=%s median=%s most=%s 95-to-101=%d/%d\n", \
				backend, first, v[1], v[int((NR + 1) / 2)], v[NR], good, NR }'
	done
}

# The queues of HTB beside the buckets that drop: all transfers of a direction.
queued() {
	local queue way peer at
	for queue in bpf_htb-up bpf_htb-down tc_htb-up ifb_tc-down; do
		way=${queue#*-} queue=${queue%-*}
		for peer in "$queue" ebpf naive naive-10ms; do
			for at in goodput:median again:total; do
				! cat "${at%:*}.$peer".*."$way".* >all 2>/dev/null || "${at#*:}" <all >"${at%:*}-$peer"
			done
			[ "$peer" != "$queue" ] && [ -s "goodput-$peer" ] && [ -s "goodput-$queue" ] || continue
			figure "limit/queued/$queue/$way" goodput "$(cat "goodput-$queue")" % \
				"$peer" "$(cat "goodput-$peer")"
			figure "limit/queued/$queue/$way" sent-again "$(cat "again-$queue")" segments \
				"$peer" "$(cat "again-$peer")"
		done
		rm -f goodput-* again-*
	done
}

total() {
	awk '{ n += $1 } END { print n + 0 }'
}

# Which backend is chosen where no link is shaped: nothing to measure twice.
what_auto_is() {
	local way name
	declare -gA AUTO=()
	for way in "${ways[@]}"; do
		limit auto "${rtts[0]}" "$way" 1000000 || die "limit auto"
		name=$(weir "${rtts[0]}" limits --interval 10ms --json |
			jq -r '.limits[0] | (.upload // .download).backend')
		unlimit
		[[ " ${backends[*]} " != *" $name "* ]] || AUTO[$way]=$name
		note "auto is $name ($way)."
	done
}

goodput() {
	local rtt way n backend
	note "Goodput in percent of what a limit leaves after headers (1448 of 1500 bytes), in the first $FIRST s" \
		"of a transfer${LONG:+ and for some over $LONG s}, and how many segments were sent again. Rows:" \
		"direction, round-trip time, limit a second, flows ($CONGESTION). 50us: veth; 20ms: two TAP" \
		"devices and a relay in user space that holds every packet back for 10 ms. Limits of up to" \
		"$((TOGETHER / 1000000)) MB/s are measured side by side. naive: a bucket that drops, with a burst of" \
		"two seconds, naive-10ms: of 10 ms. bpf_htb: on a link that weir shapes to 20 Gbit/s, the others on" \
		"one that it does not. queued: all transfers of a direction together."
	: >missing
	[[ " ${backends[*]} " != *" auto "* ]] || what_auto_is
	for way in "${ways[@]}"; do
		for rtt in "${rtts[@]}"; do
			for n in "${flows[@]}"; do
				for backend in "${backends[@]}"; do
					by_backend "$backend" "$rtt" "$way" "$n"
				done
				rows "$rtt" "$way" "$n"
			done
		done
	done
	summary
	queued
	[ ! -s missing ] || note "Not available here: $(paste -sd';' missing | sed 's/;/; /g')."
}

# ---- a packet

# users N [RATE]: a file with limits of so many users, the first root.
users() {
	awk -v n="$1" -v rate="${2:-1tbit}" 'BEGIN {
		for (i = 0; i < n; i++)
			print "limit user " (i ? 200000 + i : 0) " { egress rate " rate "; backend ebpf }" }'
}

apply_users() {
	users "$@" >limits.conf
	weir "${rtts[0]}" apply limits.conf >"$BENCH_LOG" 2>&1 || die "apply $*"
}

in_box() {
	within box "$BENCH_BIN/limit_run" "$1" "$CGROUPS/$CG/box" "${@:2}"
}

cost() {
	local n run tool
	cgroup box
	note "cost: ns that a packet of 1000 bytes is in the program, by the kernel's own test run, when there are" \
		"so many limits and it is under one of them; 0: there is one, of somebody else. naive-in-place: the" \
		"naive bucket without the storing of its state by a call."
	for n in 0 1 10 "$MANY"; do
		if [ "$n" = 0 ]; then
			echo 'limit user 200000 { egress rate 1tbit; backend ebpf }' | weir "${rtts[0]}" apply - \
				>"$BENCH_LOG" 2>&1 || die "apply"
		else
			apply_users "$n"
		fi
		for ((run = 0; run < BENCH_RUNS; run++)); do
			for tool in weir naive in-place; do
				in_box cost "$tool" "$n" >>"cost.$tool.$n" 2>"$BENCH_LOG" || die "cost $tool $n"
			done
		done
		figure "limit/cost/$n" packet "$(median <"cost.weir.$n")" ns naive "$(median <"cost.naive.$n")"
		figure "limit/cost/$n" packet "$(median <"cost.weir.$n")" ns \
			naive-in-place "$(median <"cost.in-place.$n")"
	done
	figure "limit/cost/$MANY" packet "$(median <"cost.weir.$MANY")" ns 10-limits "$(median <cost.weir.10)"
	weir "${rtts[0]}" down >"$BENCH_LOG" 2>&1 || die "down"
}

# ---- two processors

contention() {
	local bytes run tool asked
	cgroup box
	note "contention: a thread on each processor runs the program for packets of one limit as fast as it" \
		"can; what passed within a second, of the limit, with a burst of two seconds, which is used up before." \
		"asked: what they asked for, of the limit."
	for bytes in 1000000 100000000 1000000000; do
		apply_users 1 "$((bytes * 8))bit burst 2s"
		for ((run = 0; run < BENCH_RUNS; run++)); do
			for tool in weir naive in-place; do
				in_box contend "$tool" "$bytes" >contended 2>"$BENCH_LOG" || die "contend $tool $bytes"
				read -r passed asked <contended
				echo "$passed" >>"passed.$tool.$bytes"
				echo "$asked" >>"asked.$tool.$bytes"
			done
		done
		echo "limit/contention/$(size "$bytes") passed %:" \
			"weir=$(median <"passed.weir.$bytes") naive=$(median <"passed.naive.$bytes")" \
			"naive-in-place=$(median <"passed.in-place.$bytes") asked=$(median <"asked.weir.$bytes")"
	done
	weir "${rtts[0]}" down >"$BENCH_LOG" 2>&1 || die "down"
}

# ---- many

many() {
	local run
	note "many: a file with $MANY limits of users: from nothing, again without a change, with one more," \
		"and taken away; all as a command, with reading everything back."
	for ((run = 0; run < BENCH_RUNS; run++)); do
		users "$MANY" >limits.conf
		elapsed_ms weir "${rtts[0]}" apply limits.conf >>many.set
		elapsed_ms weir "${rtts[0]}" apply limits.conf >>many.again
		users $((MANY + 1)) >limits.conf
		elapsed_ms weir "${rtts[0]}" apply limits.conf >>many.one-more
		elapsed_ms weir "${rtts[0]}" down >>many.down
		users "$MANY" >limits.conf
		elapsed_ms weir "${rtts[0]}" apply limits.conf >"$BENCH_LOG"
		elapsed_ms weir "${rtts[0]}" unlimit --all >>many.unlimit-all
		elapsed_ms weir "${rtts[0]}" down >"$BENCH_LOG"
		[ ! -e /sys/fs/bpf/weir ] || die "left over: $(find /sys/fs/bpf/weir)"
	done
	for run in set again one-more down unlimit-all; do
		figure "limit/many/$MANY" "$run" "$(median <"many.$run")" ms
	done
}

cd /run || die "no /run"
limits_begin
has_part goodput || rtts=(50us)
for rtt in "${rtts[@]}"; do
	limits_link "$rtt" || die "no lab with $rtt"
done
cgroup peer
cp "$BENCH_BIN/tcp" tcp || die "tcp"	# where every user may run it
quiet
for part in goodput cost contention many; do
	! has_part "$part" || "$part"
done
