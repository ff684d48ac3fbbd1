#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Limits queued in the HTBs of links that weir shapes: bpf_htb. `tc` and iperf3 are the independent readers. In
# the test's cgroup namespace (limits.bash) the level of a cgroup cannot be told, so what comes in is limited
# by user.
. "$(dirname "$0")/limits.bash"

# As box, with wan0, by which the route to the world leads, shaped.
shaped() {
	box
	in_ns r ip route add default via 192.0.2.2 dev wan0
	links "${1-}"
	tc_state r wan0 >unshaped.txt
	run 0 weir apply links.conf
	tc_state r wan0 >before.txt
}

links() {
	conf links <<-EOF
		link wan0 {
			$1
			egress rate 100mbit { class dns rate 1mbit { match udp dport 53 } }
			ingress rate 100mbit
		}
	EOF
}

# minor, rate in Mbit and what it is the child of, of the classes that are limits'
classes() {
	in_ns r tc class show dev "${1-wan0}" 2>/dev/null |
		sed -nE 's/^class htb (77e0:f[0-9a-f]+) parent ([^ ]+) .* ceil ([^ ]+) .*/\1 \2 \3/p' | sort | paste -sd,
}

# Mbit/s of payload and retransmits, as `goodput retransmits`
transfer() {
	in_ns r bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUPS/$CG/a" \
		setpriv --reuid=65534 --clear-groups iperf3 -c "${address:-192.0.2.2}" -t 4 -J "$@" >iperf.json
	jq -r '[.end.sum_received.bits_per_second / 1e6, .end.sum_sent.retransmits // 0] | join(" ")' iperf.json
}

as_before() {
	expect_eq "$(tc_state r wan0)" "$(cat before.txt)" "wan0"
	expect_eq "$(classes ifb-wan0)" "" "classes of the IFB"
	nothing_left </dev/null
}

test_both_directions_without_losses() {
	local up down
	shaped
	cgroup a
	run 0 weir backends
	expect_match "$out" '^upload +bpf_htb +chosen '
	expect_match "$out" '^download +bpf_htb +chosen '
	run 0 weir limit user 65534 --upload 8mbit --download 6mbit
	expect_match "$out" 'upload 8mbit \(bpf_htb\), download 6mbit \(bpf_htb\)'
	expect_eq "$(classes)" "77e0:f000 77e0:1 8Mbit"
	expect_eq "$(classes ifb-wan0)" "77e0:f000 77e0:1 6Mbit"
	read -r up lost < <(transfer)
	expect_between "$up" 7.2 8.1 "upload"
	expect_between "$lost" 0 5 "its retransmits"
	read -r down lost < <(transfer -R)
	expect_between "$down" 5.4 6.1 "download"
	expect_between "$lost" 0 5 "its retransmits"
	expect_eq "$(field .upload.drops user nobody)" 0
	run 0 weir limit user 65534 --upload 4mbit
	expect_eq "$(classes)" "77e0:f000 77e0:1 4Mbit" "changed in place"
	expect_eq "$(classes ifb-wan0)" "77e0:f000 77e0:1 6Mbit" "the other direction"
	run 0 weir unlimit user 65534
	as_before
	run 0 weir down
	expect_eq "$(tc_state r wan0)" "$(cat unshaped.txt)" "wan0"
	feature Hosts 'limits: bpf_htb' yes
}

# A cgroup, a process, and what is in no class of a limit.
test_uploads_of_others() {
	local p q
	shaped
	flow p a -- -t 900
	flow q "" -- -t 900 -p 5202
	run 0 weir limit cgroup a --upload 4mbit
	run 0 weir limit pid "$q" --upload 2mbit
	expect_eq "$(classes)" "77e0:f000 77e0:1 4Mbit,77e0:f001 77e0:1 2Mbit"
	sleep 1
	expect_between "$(measured upload cgroup a)" 2000 4400
	expect_between "$(measured upload pid "$q")" 1000 2300
	run 0 weir limit pid "$q" --download 2mbit
	expect_match "$out" 'download 2mbit \(ebpf\)' "which has no process at ingress"
	run 0 weir unlimit cgroup a
	expect_eq "$(classes)" "77e0:f001 77e0:1 2Mbit" "the other one"
	# the class goes with the first command after its process
	stop "$p" "$q"
	run 0 weir limits
	as_before
}

test_what_it_cannot() {
	local what
	shaped 'classifier kernel'
	for what in "--upload:egress" "--download:ingress"; do
		run 1 weir limit user 65534 --backend bpf_htb "${what%:*}" 1mbit
		expect_match "$err" "^weir: backend bpf_htb: wan0: what weir shapes its ${what#*:} by is the classifier kernel; "
	done
	run 0 weir limit user 65534 --upload 1mbit
	expect_match "$out" '\(ebpf\)'
	run 0 weir unlimit --all
	run 0 weir down
	run 1 weir limit user 65534 --backend bpf_htb --upload 1mbit
	expect_match "$err" '^weir: backend bpf_htb: weir shapes the egress of no link$'
	links ''
	run 0 weir apply links.conf
	run 1 weir limit user 65534 --backend bpf_htb --upload block
	expect_match "$err" 'a class cannot block'
	run 1 weir limit user 65534 --backend bpf_htb --download 1mbit --only local
	run 1 weir limit pid $$ --backend bpf_htb --download 1mbit
	expect_match "$err" 'processes'
	# unasked they go elsewhere
	run 0 weir limit user 65534 --upload block --download 1mbit --only local
	expect_match "$out" 'upload block \(ebpf\), download 1mbit \(ebpf\)'
	run 0 weir unlimit --all
	nothing_left </dev/null
}

test_in_a_file() {
	local ops
	box
	in_ns r ip route add default via 192.0.2.2 dev wan0
	links ''
	echo 'limit user 65534 { egress rate 8mbit; ingress rate 6mbit }' >>links.conf
	run 2 weir plan links.conf
	expect_match "$out" '^\+ limit user 65534: upload 8mbit \(bpf_htb\), download 6mbit \(bpf_htb\)$'
	run 0 weir apply links.conf
	tc_state r wan0 >first.txt
	expect_eq "$(classes)" "77e0:f000 77e0:1 8Mbit"
	run 0 weir plan links.conf
	expect_eq "$(tail -n 1 <<<"$out")" "nothing to change"
	run 0 weir apply links.conf
	expect_eq "$out" "nothing to change"
	expect_eq "$(tc_state r wan0)" "$(cat first.txt)" "the second time"
	run 0 weir show
	expect_no_match "$out" drift
	# another file with other classes of the link
	sed -i 's/rate 100mbit/rate 90mbit/; s/dport 53/dport 53,123/' links.conf
	run 0 weir apply links.conf
	expect_eq "$(classes)" "77e0:f000 77e0:1 8Mbit" "after another file"
	# a root that is built anew
	in_ns r tc qdisc del dev wan0 root
	in_ns r ip link del ifb-wan0
	run 0 weir apply links.conf
	expect_eq "$(classes)" "77e0:f000 77e0:1 8Mbit" "with another root"
	expect_eq "$(classes ifb-wan0)" "77e0:f000 77e0:1 6Mbit" "with another IFB"
	run 0 weir plan links.conf
	expect_eq "$(tail -n 1 <<<"$out")" "nothing to change"
	run 0 weir down
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_fall_back_to_the_bucket() {
	shaped
	cgroup a
	run 0 weir limit user 65534 --upload 8mbit --download 6mbit
	run 0 weir down
	expect_match "$err" '^weir: warning: user nobody: no link that weir shapes is left to queue its uploads: backend ebpf$'
	expect_match "$err" 'queue its downloads: backend ebpf$'
	expect_eq "$(tc_state r wan0)" "$(cat unshaped.txt)" "wan0"
	expect_eq "$(field '[.upload.backend, .upload.rate_bit, .download.backend, .download.rate_bit]')" \
		'["ebpf",8000000,"ebpf",6000000]'
	read -r up lost < <(transfer)
	expect_between "$up" 1 10 "upload"
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# Each of two links has the class; what leaves by a third has the bucket, at once.
test_several_links() {
	local address up
	shaped
	cgroup a
	lab_addr r lan0 198.51.100.1/24 && lab_addr c eth0 198.51.100.2/24 && lab_serve c || die "no lab"
	run 0 weir limit user 65534 --upload 8mbit
	address=198.51.100.2
	read -r up lost < <(transfer)
	expect_between "$up" 1 10 "by a link that is not shaped"
	echo 'link lan0 { egress rate 50mbit }' >>links.conf
	run 0 weir apply links.conf
	expect_eq "$(classes lan0)" "77e0:f000 77e0:1 8Mbit" "on a link that came later"
	read -r up lost < <(transfer)
	expect_between "$up" 7.2 8.1 "there"
	expect_between "$lost" 0 5 "its retransmits"
	run 0 weir down wan0
	expect_eq "$(classes lan0)" "77e0:f000 77e0:1 8Mbit" "when the other is not shaped any more"
	expect_eq "$(field .upload.backend)" '"bpf_htb"'
	run 0 weir unlimit --all
	expect_eq "$(classes lan0)" ""
	run 0 weir down
	nothing_left </dev/null
}

# Without its class nothing would hold a limit that is left to it.
test_class_that_others_delete() {
	shaped
	run 0 weir limit user 65534 --upload 8mbit --download 6mbit
	in_ns r tc qdisc del dev ifb-wan0 root
	run 0 weir limits --interval 10ms
	expect_match "$err" '^weir: warning: user nobody: no link that weir shapes is left to queue its downloads: backend ebpf$'
	expect_eq "$(field '[.upload.backend, .download.backend]')" '["bpf_htb","ebpf"]'
	in_ns r tc class del dev wan0 classid 77e0:f000
	run 0 weir limits --interval 10ms
	expect_eq "$(classes)" "77e0:f000 77e0:1 8Mbit" "made again"
	in_ns r tc qdisc del dev wan0 root
	run 0 weir limits --interval 10ms
	expect_match "$err" 'queue its uploads: backend ebpf$'
	expect_eq "$(field '[.upload.backend, .upload.rate_bit]')" '["ebpf",8000000]'
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# The number may be another process's by now: the limit is known by its key.
test_bucket_of_a_process_that_left_others() {
	local p
	shaped
	bash -c 'sleep 60 & echo $! >child; exec sleep 3' &
	p=$!
	sleep 0.3
	run 0 weir limit pid "$p" --upload 2mbit
	wait "$p"
	run 0 weir down
	expect_match "$err" "^weir: warning: pid $p: no link that weir shapes is left to queue its uploads: backend ebpf$"
	expect_eq "$(field .upload.backend)" '"ebpf"'
	kill "$(cat child)"
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# As weir, in another network namespace.
there() {
	nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$LAB-s" "$@"
}

classes_there() {
	in_ns s tc class show dev eth0 | sed -nE 's/^class htb (77e0:f[0-9a-f]+) .* ceil ([^ ]+) .*/\1 \2/p' | sort | paste -sd,
}

test_several_namespaces() {
	shaped
	run 0 weir limit user 65534 --upload 8mbit --download 6mbit
	run 0 there unlimit user 65534
	expect_eq "$err" ""
	as_before
	conf there <<<'link eth0 { egress rate 100mbit }'
	run 0 there apply there.conf
	run 0 weir limit user 65534 --upload 8mbit
	run 0 weir limit user 1001 --upload 4mbit
	run 0 there limit user 65534 --upload 2mbit --backend bpf_htb
	expect_eq "$(classes)" "77e0:f000 77e0:1 2Mbit,77e0:f001 77e0:1 4Mbit" "changed from there"
	expect_eq "$(classes_there)" "77e0:f000 2Mbit"
	run 0 there unlimit user 65534
	expect_eq "$(classes)" "77e0:f001 77e0:1 4Mbit" "removed from there"
	expect_eq "$(classes_there)" ""
	run 0 there limit user 1002 --upload 3mbit --backend bpf_htb
	expect_eq "$(classes)" "77e0:f001 77e0:1 4Mbit" "a class that is another limit's now"
	expect_eq "$(classes_there)" "77e0:f000 3Mbit"
	run 0 weir unlimit --all
	expect_eq "$(classes_there)" ""
	run 0 there down
	as_before
}

# Two at once, in two namespaces: each limit has a class of its own.
test_several_namespaces_at_once() {
	local ns n=1001
	need command strace
	shaped
	conf there <<<'link eth0 { egress rate 100mbit }'
	run 0 there apply there.conf
	run 0 weir limit user 1 --upload 1mbit
	for ns in r s; do
		nsenter --cgroup="$HERE/namespace" strace -qq -o /dev/null -e trace=flock -e inject=flock:delay_exit=50000 \
			"$WEIR" -n "$LAB-$ns" limit user "$n" --backend bpf_htb --upload 2mbit >/dev/null &
		n=1002
	done
	wait -n
	wait -n
	expect_eq "$( (classes; classes_there) | grep -o '77e0:f00[12]' | sort | paste -sd,)" "77e0:f001,77e0:f002"
	run 0 weir unlimit --all
	run 0 there down
	as_before
}

# However many requests were made: the next command sets it right.
killed() {
	local n
	need command strace
	shaped
	for ((n = $1; n < 60000; n += 97 * STRIDE)); do
		[ "$2" = limit ] || weir limit user 65534 --upload 8mbit --download 6mbit >/dev/null
		nsenter --cgroup="$HERE/namespace" strace -f -qq -o /dev/null -e trace=sendmsg,sendto,bpf \
			-e inject=sendmsg,sendto,bpf:signal=KILL:when=$n "$WEIR" -n "$NETNS" "${@:2}" >/dev/null 2>&1 && break
		run 0 weir apply links.conf
		run 0 weir limits --interval 10ms --json
		weir unlimit --all >/dev/null 2>&1
		as_before || break
	done
	check "$2 came to its end" [ "$n" -lt 60000 ]
	weir unlimit --all >/dev/null
	as_before
}

test_killed_while_setting() {
	killed $((RANDOM % 97 + 1)) limit user 65534 --upload 8mbit --download 6mbit
}

test_killed_while_removing() {
	killed $((RANDOM % 97 + 1)) unlimit user 65534
}

run_tests "$@"
