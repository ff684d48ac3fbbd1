#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: cgroup-hybrid
#
# Limits that are classes of HTB: tc_htb (upload) and ifb_tc (download). The backend's programs are attached
# inside of a cgroup namespace (limits.bash); `tc` is the independent reader.
. "$(dirname "$0")/limits.bash"

# As box, with a route to the world by wan0. Flows last longer than the slowest guest takes for a test.
tc_box() {
	box
	in_ns r ip route add default via 192.0.2.2 dev wan0
	tc_state r wan0 >before.txt
	weir limits >/dev/null 2>&1
	need qdisc htb
}

classes() {
	in_ns r tc class show dev "$1" | sed -nE 's/^class htb ([0-9a-f:]+) .* rate ([^ ]+) .*/\1 \2/p' | sort | paste -sd,
}

sent_by() {
	in_ns r tc -s class show dev "$1" | grep -A1 "^class htb $2 " | sed -nE 's/^ Sent ([0-9]+) .*/\1/p'
}

as_before() {
	expect_eq "$(tc_state r wan0)" "$(cat before.txt)" "wan0"
	expect_eq "$(in_ns r ip -br link show type ifb)" "" "interfaces"
	nothing_left
}

test_upload_is_queued() {
	local p q
	tc_box
	flow p a -- -t 900
	run 0 weir limit cgroup a --backend tc_htb --upload 8mbit
	expect_eq "$(classes wan0)" "78e0:1 8Mbit"
	sleep 0.5
	expect_between "$(measured upload cgroup a)" 4000 8800 "8mbit"
	expect_eq "$(field .upload.backend cgroup a)" '"tc_htb"'
	run 0 weir limit cgroup a --backend tc_htb --upload 2mbit
	expect_eq "$(classes wan0)" "78e0:1 2Mbit" "changed in place"
	sleep 1
	expect_between "$(measured upload cgroup a)" 1000 3000 "2mbit"
	run 0 weir unlimit cgroup a
	stop "$p"
	as_before
	feature Hosts 'limits: tc_htb' yes
}

test_upload_of_a_process() {
	local p q
	tc_box
	flow p "" -- -t 900
	flow q "" -- -t 900 -p 5202
	run 0 weir limit pid "$p" --backend tc_htb --upload 4mbit
	run 0 weir limit pid "$q" --backend tc_htb --upload 2mbit
	expect_eq "$(classes wan0)" "78e0:1 4Mbit,78e0:2 2Mbit"
	sleep 1
	expect_between "$(measured upload pid "$p")" 2000 4400
	expect_between "$(measured upload pid "$q")" 1000 2200
	run 0 weir unlimit pid "$p"
	expect_eq "$(classes wan0)" "78e0:2 2Mbit" "the other one"
	# a class ends with the next change after its process
	stop "$p" "$q"
	run 0 weir limits
	run 0 weir unlimit --all
	as_before
}

test_download_is_queued() {
	local p q
	need link ifb
	tc_box
	flow p a -- -t 900 -R
	flow q a setpriv --reuid=65534 --clear-groups -- -t 900 -R -p 5202
	run 0 weir limit user 0 --backend ifb_tc --download 8mbit
	run 0 weir limit user 65534 --backend ifb_tc --download 2mbit
	expect_eq "$(classes weir-limits)" "78e1:1 8Mbit,78e1:2 2Mbit"
	sleep 1
	expect_between "$(measured download user root)" 4000 8800 "8mbit"
	expect_between "$(measured download user nobody)" 1000 2200 "2mbit"
	run 0 weir limit user 0 --backend ifb_tc --download 4mbit
	expect_eq "$(classes weir-limits)" "78e1:1 4Mbit,78e1:2 2Mbit" "changed in place"
	run 0 weir unlimit user 0
	expect_eq "$(classes weir-limits)" "78e1:2 2Mbit" "the other one"
	check "it counts" [ "$(sent_by weir-limits 78e1:2)" -gt 100000 ]
	run 0 weir unlimit user 65534
	stop "$p" "$q"
	as_before
	feature Hosts 'limits: ifb_tc' yes
}

# What a limit has left is in nobody's way.
test_process_has_ended() {
	local p n
	tc_box
	conf links <<<'link wan0 { egress rate 100mbit }'
	for n in limits apply; do
		sleep 60 &
		p=$!
		run 0 weir limit pid "$p" --backend tc_htb --upload 2mbit
		expect_eq "$(classes wan0)" "78e0:1 2Mbit"
		stop "$p"
		[ $n = apply ] || run 0 weir limits
		[ $n = apply ] || as_before
	done
	run 0 weir apply links.conf
	run 0 weir down
	as_before
}

test_removed_in_another_namespace() {
	need link ifb
	tc_box
	run 0 weir limit user 65534 --backend tc_htb --upload 2mbit
	run 0 weir limit user 65534 --backend ifb_tc --download 2mbit
	run 0 weir limit user 1 --backend tc_htb --upload 3mbit
	nsenter --cgroup="$HERE/namespace" "$WEIR" -n "$LAB-s" unlimit user 65534 >/dev/null || not_ok "unlimit"
	run 0 weir limits --interval 10ms
	expect_eq "$(classes wan0)" "78e0:2 3Mbit" "the other one"
	expect_eq "$(in_ns r ip -br link show type ifb)" "" "interfaces"
	run 0 weir unlimit --all
	as_before
}

# What others have at clsact survives, and clsact with it.
test_download_beside_others() {
	need link ifb
	tc_box
	in_ns r tc qdisc add dev wan0 clsact
	in_ns r tc filter add dev wan0 ingress prio 5 u32 match u32 0 0 classid 1:1
	tc_state r wan0 >before.txt
	run 0 weir limit user 0 --backend ifb_tc --download 8mbit
	run 0 weir unlimit user 0
	as_before
}

test_what_is_in_the_way() {
	tc_box
	in_ns r tc qdisc replace dev wan0 root handle 5: pfifo
	tc_state r wan0 >before.txt
	run 1 weir limit user 0 --backend tc_htb --upload 8mbit
	expect_match "$err" '^weir: backend tc_htb: wan0 has a root qdisc already: pfifo 5:$'
	as_before
	in_ns r ip route del default
	run 1 weir limit user 0 --backend tc_htb --upload 8mbit
	expect_match "$err" '^weir: backend tc_htb: no interface has a default route$'
	as_before
}

test_what_they_cannot() {
	need link ifb
	tc_box
	run 1 weir limit user 0 --backend tc_htb --download 8mbit
	expect_match "$err" '^weir: backend tc_htb: it does not limit downloads$'
	run 1 weir limit user 0 --backend ifb_tc --upload 8mbit
	run 1 weir limit pid $$ --backend ifb_tc --download 8mbit
	expect_match "$err" 'processes'
	run 1 weir limit user 0 --backend tc_htb --upload block
	run 1 weir limit user 0 --backend ifb_tc --download 8mbit --only internet
	as_before
}

# However many requests were made: unlimit takes all of it away.
test_killed() {
	local n way
	need command strace
	need link ifb
	tc_box
	for way in "tc_htb --upload" "ifb_tc --download"; do
		for ((n = 1; n < 60000; n += 17 * STRIDE)); do
			nsenter --cgroup="$HERE/namespace" strace -f -qq -o /dev/null -e trace=sendmsg,sendto,bpf,fork,clone \
				-e inject=sendmsg,sendto,bpf:signal=KILL:when=$n "$WEIR" -n "$NETNS" \
				limit user 0 --backend $way 8mbit >/dev/null 2>&1 && break
			run 0 weir limits --interval 10ms --json
			weir unlimit --all >/dev/null 2>&1
			as_before || break
		done
		check "$way came to its end" [ "$n" -lt 60000 ]
		run 0 weir unlimit --all
		as_before
	done
}

run_tests "$@"
