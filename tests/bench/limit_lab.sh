# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit_lab.sh - a host with limits, for tests/bench/limit.sh, which sources it after lib.sh.
#
# weir's limits are the host's. Here they are on what is below a cgroup of the benchmark's own, $CG, by a
# cgroup namespace, and are pinned in a bpffs that only this mount namespace has: others on the
# machine never see them, and nothing of them outlives it.
#
#   limits_begin         all that; promises to end it
#   limits_link RTT      namespaces host-RTT (limited, by its device wan0) and peer-RTT; 50us: veth; 20ms:
#                        a relay that holds packets back for 10 ms, as kernels may lack netem
#   within CG CMD...     runs CMD in the cgroup $CG/CG
#   weir RTT ARG...      the program on host-RTT
#   limit BACKEND RTT up|down BYTES...      sets limits of BYTES a second each, 1 when it cannot: the reason
#                        is in $BENCH_LOG then. BACKEND is weir's or auto, or naive or naive-10ms, the
#                        bucket of naive.h with bursts of two seconds or 10 ms
#   limited RTT N CMD... runs CMD on host-RTT under the Nth of them, from 0 on
#   unlimit              takes them away

CG=weir-bench-$$
ADDRESS_HOST=192.0.2.1 ADDRESS_PEER=192.0.2.2
FIRST_UID=210000	# nobody's
RUNNING=()		# processes in the background

limits_end() {
	local tries
	kill "${RUNNING[@]}" 2>/dev/null
	wait "${RUNNING[@]}" 2>/dev/null
	[ -n "${CGROUPS-}" ] && [ -d "$CGROUPS/$CG" ] || return 0
	echo 1 >"$CGROUPS/$CG/cgroup.kill"
	for ((tries = 0; tries < 100; tries++)); do
		find "$CGROUPS/$CG" -depth -type d -exec rmdir {} + 2>/dev/null && return 0
		sleep 0.05
	done
	echo "limit: cgroup $CG is left over" >&2
}

cgroup() {
	mkdir -p "$CGROUPS/$CG/$1" || die "no cgroup $1"
}

limits_begin() {
	CGROUPS=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-") { if ($(i + 1) == "cgroup2") print $5; next } }' \
		/proc/self/mountinfo | head -n 1)
	[ -n "$CGROUPS" ] || skip "no cgroup v2 is mounted"
	trap 'limits_end; bench_end' EXIT
	cgroup ""
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf && mkdir /run/cgroup && : >/run/cgroup-ns &&
		within "" unshare --cgroup=/run/cgroup-ns true &&
		nsenter --cgroup=/run/cgroup-ns mount -t cgroup2 none /run/cgroup || die "no cgroup namespace"
}

ENTER='echo $$ >"$0/cgroup.procs" && exec "$@"'

within() {
	local dir=$CGROUPS/$CG/$1
	shift
	bash -c "$ENTER" "$dir" "$@"
}

# Windows large enough for 100 MB/s over 20 ms; nothing of a connection helps the next one.
tune() {
	in_ns "$1" sh -c 'cd /proc/sys/net/ipv4 && echo 4096 131072 33554432 >tcp_wmem &&
		echo 4096 1048576 33554432 >tcp_rmem && echo 1 >tcp_no_metrics_save'
}

relay() {
	local tries
	cgroup relay
	bash -c "$ENTER" "$CGROUPS/$CG/relay" "$BENCH_BIN/relay" "/run/netns/$LAB-$1" wan0 \
		"/run/netns/$LAB-$2" eth0 "$3" >"relay.$1" &
	RUNNING+=($!)
	for ((tries = 0; tries < 100; tries++)); do
		! grep -q ready "relay.$1" || break
		sleep 0.05
	done
	ip -n "$LAB-$1" link set wan0 txqueuelen 20000 up && ip -n "$LAB-$2" link set eth0 txqueuelen 20000 up
}

limits_link() {
	local host=host-$1 peer=peer-$1
	lab_ns "$host" "$peer" || return
	if [ "$1" = 50us ]; then
		lab_link "$host" wan0 "$peer" eth0 || return
	else
		relay "$host" "$peer" $((${1%ms} * 500)) || return
	fi
	lab_addr "$host" wan0 "$ADDRESS_HOST/24" && lab_addr "$peer" eth0 "$ADDRESS_PEER/24" &&
		lab_route "$host" "$ADDRESS_PEER" && tune "$host" && tune "$peer"
}

weir() {
	local rtt=$1
	shift
	nsenter --cgroup=/run/cgroup-ns "$WEIR" -n "$(lab_netns "host-$rtt")" "$@"
}

# naive CGROUP WAY BYTES BURST_MS
naive() {
	local tries
	cgroup naive
	bash -c "$ENTER" "$CGROUPS/$CG/naive" "$BENCH_BIN/limit_run" attach "$CGROUPS/$CG/$1" "$2" "$3" "$4" \
		>"ready.$1" 2>>"$BENCH_LOG" &
	NAIVE+=($!)
	for ((tries = 0; tries < 200; tries++)); do
		! grep -qs ready "ready.$1" || return 0
		kill -0 $! 2>/dev/null || return
		sleep 0.02
	done
	return 1
}

# A file with the limits. Those that classify at ingress have users: how deep a cgroup is cannot be told in
# a cgroup namespace. nftables looks cgroups up from the real root on.
limits_file() {
	local backend=$1 way=$2 bytes i=0 subject clause=
	shift 2
	[ "$backend" != bpf_htb ] || echo 'link wan0 { egress rate 20gbit; ingress rate 20gbit }'
	[ "$backend" = auto ] || clause="; backend $backend"
	[ "$way" = up ] && way=egress || way=ingress
	for bytes; do
		case $backend in
		ifb_tc | bpf_htb) subject="user $((FIRST_UID + i))" ;;
		nftables) subject="cgroup $CG/${CGS[i]}" ;;
		*) subject="cgroup ${CGS[i]}" ;;
		esac
		echo "limit $subject { $way rate $((bytes * 8))bit$clause }"
		i=$((i + 1))
	done
}

CGS=() NAIVE=() COUNT=0 UNLIMIT=()
limit() {
	local backend=$1 rtt=$2 way=$3 bytes
	shift 3
	CGS=() NAIVE=() UNLIMIT=()
	: >"$BENCH_LOG"
	for bytes; do
		CGS+=("c$((++COUNT))")	# never one that was used before
		cgroup "c$COUNT"
		case $backend in
		naive) naive "c$COUNT" "$way" "$bytes" 2000 || return ;;
		naive-10ms) naive "c$COUNT" "$way" "$bytes" 10 || return ;;
		esac
	done
	[[ $backend != naive* ]] || return 0
	limits_file "$backend" "$way" "$@" >limits.conf
	UNLIMIT=(weir "$rtt" down)
	[ "$backend" != nftables ] || UNLIMIT=("$WEIR" -n "$(lab_netns "host-$rtt")" down)
	"${UNLIMIT[@]/%down/apply}" limits.conf >"$BENCH_LOG" 2>&1
}

limited() {
	local rtt=$1 n=$2
	shift 2
	within "${CGS[n]}" nsenter --net="/run/netns/$LAB-host-$rtt" -- \
		setpriv --reuid $((FIRST_UID + n)) --clear-groups --inh-caps +net_admin --ambient-caps +net_admin \
		"$@"
}

unlimit() {
	local cg
	if [ ${#NAIVE[@]} -gt 0 ]; then
		kill "${NAIVE[@]}" 2>/dev/null
		wait "${NAIVE[@]}" 2>/dev/null
	fi
	NAIVE=()
	[ ${#UNLIMIT[@]} -eq 0 ] || "${UNLIMIT[@]}" >"$BENCH_LOG" 2>&1 || die "down"
	for cg in "${CGS[@]}"; do
		rmdir "$CGROUPS/$CG/$cg" || die "cgroup $cg"
	done
}
