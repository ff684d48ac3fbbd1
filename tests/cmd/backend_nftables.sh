#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: plain
#
# Limits through nftables: real sockets, and `nft` as the independent reader.
. "$(dirname "$0")/sockets.bash"

# In r, with the cgroups a, a/in and b, and a server at the other end.
box() {
	need cgroup v2
	need command nft
	unshare --net nft add table inet t 2>/dev/null || skip "kernel has no nftables"
	CGROUPS=$(cgroup_dir v2)
	cgroup a/in && cgroup b
	router6
	lab_serve s 5202 || die "no server"
}

weir() {
	"$WEIR" -n "$NETNS" "$@"
}

limit() {
	run 0 weir limit cgroup "$CG/$1" --backend nftables "${@:2}"
}

nft_r() {
	in_ns r nft "$@"
}

# Bytes that a counter of a direction and a cgroup has.
counted() {
	nft_r -j list counters table inet weir | jq "[.nftables[].counter | select(. != null and
		(.name | startswith(\"$1-cgroup\")) and (.name | endswith(\"-$(stat -c %i "$CGROUPS/$CG/$2")-$3\"))).bytes][0]"
}

test_available() {
	box
	run 0 weir backends
	expect_match "$out" 'nftables'
}

test_up_and_down() {
	box
	limit a --upload 800kbit --download 800kbit
	expect_match "$out" '^cgroup .*: .*upload 800kbit.*nftables'
	send tcp 4 within a
	receive tcp 4 within a
	send tcp 6 within a
	expect_between "$(counted egress a passed)" 200000 2000000 "bytes sent"
	expect_between "$(counted ingress a passed)" 200000 2000000 "bytes received"
	check "drops" [ "$(counted egress a dropped)" -gt 50000 ]
	run 0 weir limits --interval 10ms --json
	expect_eq "$(jq -c '.limits[0] | [.name, .upload.rate_bit, .download.rate_bit, .upload.backend]' <<<"$out")" \
		"[\"$CG/a\",800000,800000,\"nftables\"]"
	expect_eq "$(jq ".limits[0].upload.dropped_packets > 0 or .limits[0].upload.drops > 0 or
		.limits[0].upload.dropped > 0" <<<"$out")" true "drops in $out"
	feature Hosts 'limits: nftables' yes
}

# A limit holds for the cgroups in its own, and for nothing else.
test_only_its_own() {
	box
	limit a --upload block --download block
	run 1 within a/in nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 192.0.2.2 -n 1000
	send tcp 4 within b
	receive udp 6 within b
	limit b --upload 100mbit
	run 0 weir unlimit cgroup "$CG/b"
	run 1 within a/in nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 192.0.2.2 -n 1000
	run 0 weir unlimit cgroup "$CG/a"
	send tcp 4 within a/in
	expect_eq "$(nft_r list ruleset)" "" "what is left"
}

test_a_user() {
	box
	run 0 weir limit user 65534 --backend nftables --upload block
	send tcp 4
	run 1 in_ns r setpriv --reuid=65534 --clear-groups iperf3 --connect-timeout 500 -c 192.0.2.2 -n 1000
	run 0 weir unlimit user 65534
	expect_eq "$(nft_r list ruleset)" ""
}

# Changed in place: counters stay, and so do other limits; tables of others are not touched.
test_change_keeps_counters() {
	local before foreign
	box
	nft_r add table inet other
	nft_r add chain inet other output '{ type filter hook output priority 0; }'
	nft_r add rule inet other output counter
	limit a --upload 80mbit
	limit b --download 4mbit
	send tcp 4 within a
	before=$(counted egress a passed)
	limit a --upload 40mbit
	expect_eq "$(counted egress a passed)" "$before" "counter"
	expect_eq "$(weir limits --interval 10ms --json | jq -c '[.limits[] | .upload.rate_bit, .download.rate_bit]')" \
		"[40000000,null,null,4000000]"
	foreign=$(nft_r -s list table inet other)
	run 0 weir unlimit --all
	expect_eq "$(nft_r list tables)" "table inet other"
	expect_eq "$(nft_r -s list table inet other)" "$foreign"
}

test_only_internet() {
	box
	in_ns r ip address add 203.0.113.1/24 dev lo
	limit a --upload block --only internet
	send tcp 4 within a		# its own network: local
	in_ns s ip address add 198.51.100.9/32 dev lo
	in_ns r ip route replace 198.51.100.0/24 via 192.0.2.2
	run 1 within a nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 198.51.100.9 -n 1000
	limit a --upload block --only local
	run 0 within a nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 198.51.100.9 -n 1000
	run 1 within a nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 192.0.2.2 -n 1000
}

# nft cannot name a cgroup that is no more; others stay as they are.
test_a_cgroup_that_is_gone() {
	box
	limit a/in --upload 8mbit
	limit b --upload block
	rmdir "$CGROUPS/$CG/a/in"
	run 0 weir limits --interval 10ms --json
	run 1 within b nsenter --net="/run/netns/$NETNS" iperf3 --connect-timeout 500 -c 192.0.2.2 -n 1000
	run 0 weir unlimit --all
	expect_eq "$(nft_r list ruleset)" ""
}

test_what_it_cannot() {
	box
	run 1 weir limit pid $$ --backend nftables --upload 8mbit
	expect_match "$err" '^weir: backend nftables: '
	run 1 weir limit cgroup / --backend nftables --upload 8mbit
	expect_match "$err" 'root'
	run 1 weir limit cgroup "$CG/none" --backend nftables --upload 8mbit
	expect_eq "$(nft_r list ruleset)" ""
}

# However many messages were sent: what is listed is what there is, and it can be taken away.
test_killed() {
	local n listed rules
	need command strace
	box
	for ((n = 1; n < 200; n += STRIDE)); do
		strace -f -qq -o /dev/null -e trace=sendmsg,sendto -e inject=sendmsg,sendto:signal=KILL:when=$n \
			"$WEIR" -n "$NETNS" limit cgroup "$CG/a" --backend nftables --upload 8mbit \
			--download 8mbit >/dev/null 2>&1 && break
		listed=$(weir limits --interval 10ms --json | jq '.limits | length') || not_ok "limits after $n"
		rules=$(nft_r list ruleset | grep -c 'limit rate over')
		expect_eq "$((listed * 2))" "$rules" "limits, killed at message $n"
		[ "$listed" = 0 ] || run 0 weir unlimit cgroup "$CG/a"
		expect_eq "$(nft_r list ruleset)" "" "what is left, killed at message $n"
	done
	check "it came to its end" [ "$n" -lt 200 ]
}

run_tests "$@"
