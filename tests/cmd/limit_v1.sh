#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: cgroup-v1 cgroup-hybrid
#
# Limits on cgroups of v1: classes of HTB by net_cls.classid, up (tc_htb) and down (ifb_tc). `tc` and the files
# of net_cls are the independent readers.
. "$(dirname "$0")/limits.bash"

weir() {
	"$WEIR" -n "$NETNS" "$@"
}

# Where no hierarchy of net_cls is mounted, the test does it, for itself.
v1_box() {
	if ! CGROUPS=$(cgroup_dir v1); then
		mkdir -p "$TEST_STATE/net_cls"
		mount -t cgroup -o net_cls none "$TEST_STATE/net_cls" 2>/dev/null || skip "kernel has no net_cls"
		CGROUPS=$TEST_STATE/net_cls
	fi
	HERE=$PWD
	need qdisc htb
	cgroup a/in/deep
	cgroup b
	"router${1-}"
	[ -n "${1-}" ] || lab_serve s || die "no server"
	lab_serve s 5202 && lab_serve s 5203 || die "no server"
	in_ns r ip route add default via 192.0.2.2 dev wan0
	tc_state r wan0 >before.txt
}

classid() {
	printf '%x:%x' $(($(<"$CGROUPS/$CG/$1/net_cls.classid") >> 16)) $(($(<"$CGROUPS/$CG/$1/net_cls.classid") & 0xffff))
}

# All that are not 0: "a 78e0:1 ..."
classids() {
	local dir all=
	for dir in a a/in a/in/deep a/new b; do
		[ ! -d "$CGROUPS/$CG/$dir" ] || [ "$(classid "$dir")" = 0:0 ] || all+="$dir $(classid "$dir") "
	done
	echo "${all% }"
}

set_classid() {
	echo "$2" >"$CGROUPS/$CG/$1/net_cls.classid"
}

classes() {
	in_ns r tc class show dev "$1" | sed -nE 's/^class htb ([0-9a-f:]+) .* rate ([^ ]+) .*/\1 \2/p' | sort | paste -sd,
}

as_before() {
	expect_eq "$(classids)" "" "classids"
	expect_eq "$(tc_state r wan0)" "$(cat before.txt)" "wan0"
	expect_eq "$(in_ns r ip -br link show type ifb)" "" "interfaces"
	[ ! -e /sys/fs/bpf/weir ] || not_ok "left over: $(find /sys/fs/bpf/weir)"
}

test_upload() {
	local p q
	v1_box
	flow p a/in -- -t 900
	flow q b -- -t 900 -p 5202
	run 0 weir limit cgroup "$CG/a" --upload 8mbit
	expect_eq "$out" "cgroup $CG/a: upload 8mbit (tc_htb)"
	run 0 weir limit cgroup "$CGROUPS/$CG/b" --upload 2mbit
	expect_eq "$(classes wan0)" "78e0:1 8Mbit,78e0:2 2Mbit"
	expect_eq "$(classids)" "a 78e0:1 a/in 78e0:1 a/in/deep 78e0:1 b 78e0:2"
	sleep 1
	expect_between "$(measured upload cgroup "$CG/a")" 4000 10000 "8mbit"
	expect_between "$(measured upload cgroup "$CG/b")" 1000 3000 "2mbit"
	expect_match "$(jq -r '.limits[].upload.verdict' limits.json)" '^THROTTLED$'
	expect_eq "$(field .upload.backend cgroup "$CG/a")" '"tc_htb"'
	# what is made later is in it
	cgroup a/new
	expect_eq "$(classid a/new)" "78e0:1"
	run 0 weir limit cgroup "$CG/a" --upload 4mbit
	expect_eq "$(classes wan0)" "78e0:1 4Mbit,78e0:2 2Mbit" "changed in place"
	sleep 0.5
	expect_between "$(measured upload cgroup "$CG/a")" 2000 5500 "4mbit"
	run 0 weir unlimit cgroup "$CG/a"
	expect_eq "$(classids) $(classes wan0)" "b 78e0:2 78e0:2 2Mbit" "the other one"
	run 0 weir unlimit cgroup "$CG/b"
	stop "$p" "$q"
	as_before
	feature Hosts 'limits: tc_htb, cgroup v1' yes
}

# IPv6 as well, and UDP.
test_both_directions() {
	local p q
	need link ifb
	v1_box 6
	flow p a -- -t 900 -R -c 2001:db8:a::2 -p 5202
	flow q b -- -t 900 -p 5203 -u -b 20M -l 1000
	run 0 weir limit cgroup "$CG/a" --download 8mbit
	run 0 weir limit cgroup "$CG/b" --download 4mbit --upload 2mbit
	expect_eq "$(classes wan0) $(classes weir-limits)" "78e0:2 2Mbit 78e1:1 8Mbit,78e1:2 4Mbit"
	sleep 1
	expect_between "$(measured download cgroup "$CG/a")" 4000 10000 "TCP down"
	expect_between "$(measured upload cgroup "$CG/b")" 1000 3000 "UDP up"
	run 0 weir unlimit --all
	expect_match "$out" '^2 limits removed'
	stop "$p" "$q"
	as_before
	feature Hosts 'limits: ifb_tc, cgroup v1' yes
}

test_one_direction_of_two() {
	need link ifb
	v1_box
	run 0 weir limit cgroup "$CG/a" --download 8mbit --upload 2mbit
	run 0 weir limit cgroup "$CG/b" --download 4mbit
	expect_eq "$(classids)" "a 78e0:1 a/in 78e0:1 a/in/deep 78e0:1 b 78e0:2"
	expect_eq "$(field '[.upload.rate_bit, .download.rate_bit]' cgroup "$CG/a")" '[2000000,8000000]'
	run 0 weir unlimit cgroup "$CG/a"
	expect_eq "$(classids) $(classes weir-limits)" "b 78e0:2 78e1:2 4Mbit"
	run 0 weir unlimit cgroup "$CG/b"
	as_before
}

# A cgroup inside a limited one may have a limit of its own.
test_nested() {
	v1_box
	run 0 weir limit cgroup "$CG/a" --upload 8mbit
	run 0 weir limit cgroup "$CG/a/in" --upload 2mbit
	expect_eq "$(classids)" "a 78e0:1 a/in 78e0:2 a/in/deep 78e0:2"
	run 0 weir unlimit cgroup "$CG/a/in"
	expect_eq "$(classids)" "a 78e0:1 a/in 78e0:1 a/in/deep 78e0:1"
	run 0 weir limit cgroup "$CG/a/in" --upload 2mbit
	run 0 weir unlimit cgroup "$CG/a"
	expect_eq "$(classids)" "a/in 78e0:2 a/in/deep 78e0:2"
	run 0 weir limit cgroup "$CG/a" --upload 8mbit
	expect_eq "$(classids)" "a 78e0:1 a/in 78e0:2 a/in/deep 78e0:2"
	run 0 weir unlimit --all
	as_before
}

test_of_somebody_else() {
	v1_box
	set_classid a/in $((0x10001))
	run 1 weir limit cgroup "$CG/a" --upload 8mbit
	expect_eq "$err" "weir: backend tc_htb: cgroup $CG/a/in has the net_cls.classid 1:1, which is not weir's"
	run 0 weir limit cgroup "$CG/b" --upload 8mbit
	run 0 weir unlimit --all
	expect_eq "$(classids)" "a/in 1:1"
	set_classid a/in 0
	# what `apply` has written is no limit's
	need filter bpf
	conf a <<<"link wan0 { ingress rate 9mbit { class x { match cgroup $CG/a } } }"
	run 0 weir apply a.conf
	run 1 weir limit cgroup "$CG/a" --upload 8mbit
	expect_match "$err" "cgroup $CG/a has the net_cls.classid 77e0:[0-9a-f]+, which is that of a match in what weir has applied$"
	run 0 weir down
	as_before
}

test_in_a_file() {
	v1_box
	conf a <<<"limit cgroup $CG/a { egress rate 8mbit }"
	run 2 weir plan a.conf
	run 0 weir apply a.conf
	expect_eq "$(classes wan0)" "78e0:1 8Mbit"
	run 0 weir plan a.conf
	conf a <<<"limit cgroup $CG/b { egress rate 4mbit }"
	run 0 weir apply a.conf
	expect_eq "$(classids)" "b 78e0:2"
	run 0 weir down
	as_before
}

test_what_they_cannot() {
	v1_box
	run 1 weir limit cgroup "$CG/a" --upload 8mbit --only internet
	expect_match "$err" "^weir: backend tc_htb: .* all traffic, not a part of it$"
	run 1 weir limit cgroup "$CG/a" --upload 8mbit --burst 10ms
	run 1 weir limit cgroup "$CG/a" --upload block
	run 1 weir limit cgroup "$CG/a" --upload 8mbit --backend ebpf
	expect_eq "$err" "weir: backend ebpf: it does not limit cgroups of net_cls (v1)"
	run 1 weir limit cgroup "$CG/nosuch" --upload 8mbit
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	as_before
}

# A host that has nothing else says so. Where there is cgroup v2, it is hidden.
test_v1_only() {
	local all v2
	need link ifb
	v1_box
	if v2=$(cgroup_dir v2); then
		eval "weir() { unshare --mount sh -c 'umount -R $v2 && exec \"\$@\"' sh '$WEIR' -n '$NETNS' \"\$@\"; }"
	fi
	run 0 weir backends
	all=$out
	expect_match "$all" '^upload +ebpf +no +rank 4, no cgroup v2'
	expect_match "$all" '^upload +tc_htb +chosen +rank 2, for cgroups of net_cls \(v1\) only$'
	expect_match "$all" '^download +ifb_tc +chosen +rank 2, for cgroups of net_cls \(v1\) only$'
	run 0 weir limits
	expect_eq "$err" "there are no limits on this host"
	run 1 weir limit user 0 --upload 8mbit
	expect_match "$err" "^weir: no backend can limit uploads of users here: ebpf: no cgroup v2 hierarchy is mounted"
	run 1 weir limit pid $$ --upload 8mbit
	run 1 weir limit user 0 --upload 8mbit --backend tc_htb
	expect_eq "$err" "weir: backend tc_htb: for cgroups of net_cls (v1) only"
	run 0 weir limit cgroup "$CG/a" --upload 8mbit
	run 0 weir limits --interval 10ms
	expect_match "$out" "tc_htb$"
	run 0 weir unlimit cgroup "$CG/a"
	as_before
}

# The kernel's own filter, where there is no cls_bpf.
test_kernel_filter() {
	local p
	need filter cgroup
	without_module cls_bpf
	v1_box
	flow p a -- -t 900
	run 0 weir limit cgroup "$CG/a" --upload 8mbit
	expect_match "$(in_ns r tc filter show dev wan0)" 'cgroup'
	sleep 1
	expect_between "$(measured upload cgroup "$CG/a")" 4000 10000 "8mbit"
	run 0 weir unlimit --all
	stop "$p"
	as_before
}

# Killed at any of its writes and messages: what is listed is true, and can be taken away.
test_killed_anywhere() {
	local call n
	need command strace
	v1_box
	for call in write sendmsg; do
		for ((n = 1; n < 60; n += STRIDE)); do
			strace -qq -o trace -e trace=$call -e "inject=$call:signal=SIGKILL:when=$n" \
				"$WEIR" -n "$NETNS" limit cgroup "$CG/a" --upload 8mbit >/dev/null 2>&1
			grep -q 'killed by SIGKILL' trace || break
			run 0 weir limits --interval 10ms --json
			expect_eq "$(jq '.limits | length > 0' <<<"$out")" "$([ -n "$(classids)" ] && echo true || echo false)" \
				"listed after SIGKILL at $call $n"
			weir unlimit --all >/dev/null
			# a class without a cgroup goes with the next change
			weir limit cgroup "$CG/b" --upload 8mbit >/dev/null && weir unlimit --all >/dev/null
			as_before || break
		done
		check "$n is more than 3 times $call" [ "$n" -gt 3 ]
		weir unlimit --all >/dev/null
		as_before
	done
}

run_tests "$@"
