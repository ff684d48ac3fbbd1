# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab.sh - networks of namespaces to try weir in. Sourced by scripts/demo, tests/lib.sh and
# tests/bench; needs root, bash, ip, nsenter, and for the rates iperf3 and jq.
#
# A lab touches nothing that it did not make: every namespace is called $LAB-NAME with a LAB that no
# other process has, and every interface lives in one of them.
#
#   lab_begin            sets LAB, promises lab_end on EXIT, INT, TERM and HUP
#   lab_end              ends the processes in the lab's namespaces, then deletes those
#   lab_ns NAME...       makes namespaces, loopback up
#   lab_netns NAME       prints the namespace's full name, as `weir -n` and `ip -n` want it
#   in_ns NAME CMD...    runs CMD there; /sys stays the caller's, so that cgroups are still seen
#   lab_link NS1 DEV1 NS2 DEV2 [QUEUES]     a veth pair, up at both ends
#   lab_ip NS            runs the lines of standard input there, as of `ip -batch`
#   lab_addr NS DEV ADDRESS/LEN...          adds IPv4 and IPv6 addresses
#   lab_router           the standard lab, below
#   lab_serve NS [PORT]  starts an iperf3 server, waits until it listens; ends with the lab
#   tcp_rate NS ADDRESS [SECONDS [IPERF3-OPTION...]]   prints the TCP goodput received, in Mbit/s
#   udp_rate NS ADDRESS MBIT [SECONDS [IPERF3-OPTION...]]   the same for UDP sent at MBIT
#   tcp_rate and udp_rate need lab_serve at the other end; -R measures the other direction, and the
#   port goes in as `-p PORT`.
#
# lab_router:
#
#   client eth0 ---- lan0 router wan0 ---- eth0 server
#                                wan1 ---- eth0 server2
#
#          client                           router              server, server2
#   LAN    10.9.1.2, 10.9.2.2               .1 of each
#          2001:db8:1::2, 2001:db8:2::2     ::1 of each
#   wan0                                    192.0.2.1           192.0.2.2, 203.0.113.2
#                                           2001:db8:a::1       2001:db8:a::2
#   wan1                                    198.51.100.1        198.51.100.2
#                                           2001:db8:b::1       2001:db8:b::2
#   The router forwards both families; everybody reaches everybody.

lab_begin() {
	LAB="weir-$$"
	trap lab_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

lab_names() {
	ip netns list | awk -v prefix="$LAB-" 'index($1, prefix) == 1 { print $1 }'
}

lab_end() {
	local places place process pids=()
	[ -n "${LAB-}" ] || return 0
	places=("/run/netns/$LAB-"*)
	[ -e "${places[0]}" ] || return 0
	for process in /proc/[0-9]*; do
		for place in "${places[@]}"; do
			[ ! "$process/ns/net" -ef "$place" ] || [ "${process#/proc/}" = "$$" ] || pids+=("${process#/proc/}")
		done
	done
	[ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	printf 'netns del %s\n' "${places[@]##*/}" | ip -force -batch -
	return 0
}

lab_netns() {
	printf '%s-%s\n' "$LAB" "$1"
}

in_ns() {
	local name=$1
	shift
	nsenter --net="/run/netns/$LAB-$name" -- "$@"
}

# Addresses are usable at once: no duplicate address detection. /proc/sys/net shows the network
# namespace of whoever opens it.
LAB_NO_DAD='for dir in all default; do
	echo 0 >/proc/sys/net/ipv6/conf/$dir/accept_dad
	echo 0 >/proc/sys/net/ipv6/conf/$dir/dad_transmits
done'

# As few processes as can be, here and below: emulated machines take long for each.
lab_ip() {
	ip -n "$LAB-$1" -batch -
}

# As lab_ns, but loopback is left for what the caller does by lab_ip.
lab_ns_bare() {
	local name
	printf "netns add $LAB-%s\n" "$@" | ip -batch - || return
	for name; do
		in_ns "$name" sh -c "$LAB_NO_DAD" || return
	done
}

lab_ns() {
	local name
	lab_ns_bare "$@" || return
	for name; do
		ip -n "$LAB-$name" link set lo up || return
	done
}

lab_link() {
	local queues=
	[ $# -lt 5 ] || queues="numtxqueues $5 numrxqueues $5"
	lab_ip "$1" <<-EOF && ip -n "$LAB-$3" link set "$4" up
		link add $2 $queues type veth peer name $4 $queues netns $LAB-$3
		link set $2 up
	EOF
}

lab_addr() {
	local ns=$1 dev=$2
	shift 2
	printf "addr add %s dev $dev\n" "$@" | lab_ip "$ns"
}

# lab_route NS GATEWAY...: default routes, a family each.
lab_route() {
	local ns=$1 gateway
	shift
	for gateway; do
		case $gateway in
		*:*) ip -n "$LAB-$ns" -6 route add default via "$gateway" || return ;;
		*) ip -n "$LAB-$ns" route add default via "$gateway" || return ;;
		esac
	done
}

lab_forward() {
	in_ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

lab_router() {
	lab_ns client router server server2 &&
	lab_link client eth0 router lan0 &&
	lab_link router wan0 server eth0 &&
	lab_link router wan1 server2 eth0 &&
	lab_addr client eth0 10.9.1.2/24 10.9.2.2/24 2001:db8:1::2/64 2001:db8:2::2/64 &&
	lab_ip router <<-EOF &&
		addr add 10.9.1.1/24 dev lan0
		addr add 10.9.2.1/24 dev lan0
		addr add 2001:db8:1::1/64 dev lan0
		addr add 2001:db8:2::1/64 dev lan0
		addr add 192.0.2.1/24 dev wan0
		addr add 2001:db8:a::1/64 dev wan0
		addr add 198.51.100.1/24 dev wan1
		addr add 2001:db8:b::1/64 dev wan1
	EOF
	lab_addr server eth0 192.0.2.2/24 2001:db8:a::2/64 203.0.113.2/32 &&
	lab_addr server2 eth0 198.51.100.2/24 2001:db8:b::2/64 &&
	lab_forward router &&
	lab_route client 10.9.1.1 2001:db8:1::1 &&
	lab_route server 192.0.2.1 2001:db8:a::1 &&
	lab_route server2 198.51.100.1 2001:db8:b::1 &&
	ip -n "$LAB-router" route add 203.0.113.0/24 via 192.0.2.2
}

# Waits up to ten seconds for a TCP listener, which a connection would use up: in one process, by the
# kernel's tables (local address, ..., state 0A).
LAB_LISTENS='for ((tries = 0; tries < 200; tries++)); do
	for table in /proc/net/tcp /proc/net/tcp6; do
		while read -r _ address _ state _; do
			[[ $address != *:$0 || $state != 0A ]] || exit 0
		done <$table
	done
	sleep 0.05
done
exit 1'

lab_listens() {
	local ns=$1 port=$2
	in_ns "$ns" bash -c "$LAB_LISTENS" "$(printf %04X "$port")" && return
	echo "nothing listens on port $port in $ns" >&2
	return 1
}

lab_serve() {
	local ns=$1 port=${2-5201}
	in_ns "$ns" iperf3 -s -p "$port" >/dev/null 2>&1 </dev/null &
	disown
	lab_listens "$ns" "$port"
}

# Mbit/s, three decimals, from the JSON of iperf3; its own error text and 1 when there is no result.
lab_iperf() {
	local ns=$1 expression=$2 report
	shift 2
	report=$(in_ns "$ns" iperf3 -J "$@")
	if ! jq -e -r "if .error then error(.error) else $expression / 1e6 * 1000 | round / 1000 end" \
		<<<"$report"; then
		echo "iperf3 $* in $ns gave no rate" >&2
		return 1
	fi
}

tcp_rate() {
	local ns=$1 address=$2 seconds=${3-3}
	shift $(($# < 3 ? $# : 3))
	lab_iperf "$ns" '.end.sum_received.bits_per_second' -c "$address" -t "$seconds" "$@"
}

udp_rate() {
	local ns=$1 address=$2 mbit=$3 seconds=${4-3}
	shift $(($# < 4 ? $# : 4))
	lab_iperf "$ns" '(.end.sum | .bits_per_second * (1 - .lost_percent / 100))' \
		-u -c "$address" -b "${mbit}M" -t "$seconds" "$@"
}
