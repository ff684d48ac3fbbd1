#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: cgroup-v1
#
# match cgroup with cgroup v1: weir writes net_cls.classid, and takes it back; what a cgroup's sockets
# send and receive is in its class.
. "$(dirname "$0")/sockets.bash"

# Where no hierarchy of net_cls is mounted, the test does it, for itself.
net_cls() {
	if ! CGROUPS=$(cgroup_dir v1); then
		mkdir -p "$TEST_STATE/net_cls"
		mount -t cgroup -o net_cls none "$TEST_STATE/net_cls" 2>/dev/null || skip "kernel has no net_cls"
		CGROUPS=$TEST_STATE/net_cls
	fi
	cgroup a/in/deep
	cgroup b
}

classid() {
	printf '%x:%x' $(($(<"$CGROUPS/$CG/$1/net_cls.classid") >> 16)) $(($(<"$CGROUPS/$CG/$1/net_cls.classid") & 0xffff))
}

set_classid() {
	echo "$2" >"$CGROUPS/$CG/$1/net_cls.classid"
}

# All that are not 0: "a 77e0:12 ..."
classids() {
	local dir all=
	for dir in a a/in a/in/deep a/new b; do
		[ ! -d "$CGROUPS/$CG/$dir" ] || [ "$(classid "$dir")" = 0:0 ] || all+="$dir $(classid "$dir") "
	done
	echo "${all% }"
}

both_ways() {
	conf a <<-EOF
		link wan0 {
			egress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				class b rate 10mbit queue pfifo { match cgroup $CG/b tcp }
				default rate 10mbit queue pfifo
			}
			ingress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				class b rate 10mbit queue pfifo { match cgroup $CG/b tcp }
				default rate 10mbit queue pfifo
			}
		}
	EOF
}

test_written_and_taken_back() {
	local before a
	need filter bpf
	net_cls
	router
	before=$(state)
	both_ways
	run 2 weir plan a.conf
	expect_match "$out" "^~ net_cls.classid of cgroup $CG/a/in 0:0 -> 77e0:"
	run 2 weir plan --json a.conf
	expect_eq "$(jq -r '.operations[] | select(.object == "cgroup") | .name' <<<"$out" | LC_ALL=C sort | paste -sd' ')" \
		"$CG/a $CG/a/in $CG/a/in/deep $CG/b"
	run 0 weir apply a.conf
	a=$(classid a)
	expect_match "$a" '^77e0:'
	expect_eq "$(classid a/in) $(classid a/in/deep)" "$a $a"
	expect_match "$(classid b)" '^77e0:'
	check "b has another one" [ "$(classid b)" != "$a" ]
	run 0 weir apply a.conf
	expect_eq "$out" "nothing to change"
	# a new one has its parent's, and is none the less weir's
	cgroup a/new
	expect_eq "$(classid a/new)" "$a"
	run 0 weir plan a.conf
	set_classid a/in 0
	run 0 weir show --interval 10ms
	expect_match "$out" "^drift: wan0.*cgroup $CG/a/in.*net_cls.classid is 0:0?, applied was $a"
	run 0 weir apply a.conf
	expect_match "$out" '^1 change applied'
	run 0 weir down
	expect_eq "$(classids)" ""
	unchanged "$before"
}

test_both_directions() {
	local proto family
	need filter bpf
	net_cls
	router6
	both_ways
	run 0 weir apply a.conf || die "apply"
	for proto in tcp udp; do
		for family in 4 6; do
			mark
			send "$proto" "$family" within a
			expect_eq "$(got egress a b default)" "a few few" "$proto $family sent by a"
			mark
			receive "$proto" "$family" within a/in
			expect_eq "$(got ingress a b default)" "a few few" "$proto $family received by a/in"
		done
	done
	mark
	send tcp 4
	receive udp 6 within b
	expect_eq "$(got egress a b default)" "few few default" "sent by others"
	expect_eq "$(got ingress a b default)" "few few default" "received by b, but not by TCP"
	mark
	receive tcp 6 within b
	expect_eq "$(got ingress a b default)" "few b few"
	feature BPF 'match cgroup (v1, net_cls), upload and download' yes
}

# Sockets that are open already get the classid with their process.
test_open_sockets() {
	local i
	need filter bpf
	net_cls
	router6
	both_ways
	in_ns r bash -c 'echo $$ >"$0/cgroup.procs" && exec iperf3 -s -1 -p 5999' "$CGROUPS/$CG/a" >/dev/null 2>&1 &
	lab_listens r 5999
	in_ns s iperf3 -c 192.0.2.1 -p 5999 -t 60 -b 4M --bidir >/dev/null 2>&1 &
	for ((i = 0; i < 100; i++)); do
		[ "$(in_ns r ss -Htn state established "sport = :5999" | wc -l)" -lt 3 ] || break
		sleep 0.1
	done
	sleep 1
	run 0 weir apply a.conf
	mark
	sleep 2
	expect_eq "$(got egress a default)" "a few" "sent"
	expect_eq "$(got ingress a default)" "a few" "received"
}

# Nested cgroups of two classes: the first line that matches decides, whichever it is.
test_nested() {
	need filter bpf
	net_cls
	router6
	conf a <<-EOF
		link wan0 {
			egress rate 100mbit {
				class in rate 10mbit queue pfifo { match cgroup $CG/a/in tcp }
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				default rate 10mbit queue pfifo
			}
			ingress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a udp }
				class in rate 10mbit queue pfifo { match cgroup $CG/a/in }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	run 0 weir apply a.conf || die "apply"
	check "two classids" [ "$(classid a)" != "$(classid a/in)" ]
	expect_eq "$(classid a/in/deep)" "$(classid a/in)"
	mark
	send tcp 4 within a/in/deep
	expect_eq "$(got egress in a default)" "in few few"
	mark
	send udp 4 within a/in
	expect_eq "$(got egress in a default)" "few a few"
	mark
	receive udp 6 within a/in
	expect_eq "$(got ingress in a default)" "few a few"
	mark
	receive tcp 6 within a/in
	expect_eq "$(got ingress in a default)" "in few few"
}

test_of_somebody_else() {
	local before a
	need filter bpf
	net_cls
	router
	before=$(state)
	both_ways
	set_classid a/in $((0x10001))
	run 1 weir apply a.conf
	one_error
	expect_match "$err" "wan0: cgroup $CG/a/in: its net_cls.classid, 1:1, is not weir's; --take-over replaces it"
	expect_eq "$(classids)" "a/in 1:1"
	unchanged "$before"
	run 0 weir apply --take-over a.conf
	a=$(classid a)
	expect_eq "$(classid a/in) $(classid a/in/deep)" "$a $a"
	run 0 weir apply a.conf
	expect_eq "$out" "nothing to change"
	# somebody sets another one on a cgroup that is weir's: it is theirs again
	set_classid b $((0x20002))
	run 1 weir apply a.conf
	run 0 weir down
	expect_eq "$(classids)" "a/in 1:1 b 2:2"
	unchanged "$before"
}

# The links that need a cgroup share its classid; the last one takes it back.
test_several_links() {
	local a
	need filter bpf
	net_cls
	router
	conf a <<-EOF
		link wan0 { egress rate 9mbit { class x { match cgroup $CG/a } } }
		link lan0 { ingress rate 9mbit { class y { match cgroup $CG/a }; class z { match cgroup $CG/b } } }
	EOF
	run 0 weir apply --link lan0 a.conf
	a=$(classid a)
	expect_match "$a" '^77e0:'
	run 0 weir apply --link wan0 a.conf
	expect_eq "$(classid a)" "$a"
	run 0 weir plan a.conf
	run 0 weir down --link lan0
	expect_eq "$(classids)" "a $a a/in $a a/in/deep $a"
	run 0 weir down --link wan0
	expect_eq "$(classids)" ""
}

# What was applied, taken out of the file, goes.
test_out_of_the_file() {
	need filter bpf
	net_cls
	router
	both_ways
	run 0 weir apply a.conf
	echo "link wan0 { egress rate 9mbit { class b { match cgroup $CG/b } } }" | conf b
	run 0 weir apply b.conf
	expect_match "$(classids)" '^b 77e0:[0-9a-f]+$'
	echo "link wan0 { egress rate 9mbit }" | conf b
	run 0 weir apply b.conf
	expect_eq "$(classids)" ""
}

# Other network namespaces go on with what is theirs.
test_two_namespaces() {
	local a
	need filter bpf
	net_cls
	router
	echo "link wan0 { egress rate 9mbit { class x { match cgroup $CG/a } } }" | conf a
	echo "link eth0 { egress rate 9mbit { class y { match cgroup $CG/a } } }" | conf s
	run 0 weir apply a.conf
	a=$(classid a)
	run 0 "$WEIR" -n "$(lab_netns s)" apply s.conf
	expect_eq "$(classid a)" "$a"
	run 0 "$WEIR" -n "$(lab_netns s)" down
	expect_eq "$(classid a)" "$a"
	run 0 weir down
	expect_eq "$(classids)" ""
}

# failing N: apply, with an error at the Nth write of a classid; fails where there is no such write.
failing() {
	in_ns r strace -f -qq -o trace -e trace=openat,write -e "inject=write:error=EIO:when=$1" \
		-P "$CGROUPS/$CG/a/net_cls.classid" -P "$CGROUPS/$CG/a/in/net_cls.classid" \
		"$WEIR" -n "$NETNS" apply a.conf >out 2>err
	grep -q INJECTED trace
}

test_errors_are_undone() {
	local before n
	need filter bpf
	need command strace
	net_cls
	router
	before=$(state)
	both_ways
	for ((n = 1; n <= 2; n++)); do
		check "an error at write $n" failing "$n"
		expect_match "$(<err)" "net_cls.classid: .*; everything is as it was before"
		expect_eq "$(classids)" "" "classids after the error at $n"
		unchanged "$before"
	done
	check "a third write" eval "! failing 3"
}

test_unconfirmed_is_undone() {
	local before i
	need filter bpf
	net_cls
	router
	before=$(state)
	both_ways
	set_classid a/in $((0x10001))
	run 0 weir apply --take-over --confirm 2 a.conf
	expect_match "$(classids)" '^a 77e0:[0-9a-f]+ a/in 77e0:'
	for ((i = 0; i < 200; i++)); do
		[ "$(classids)" != "a/in 1:1" ] || break
		sleep 0.1
	done
	expect_eq "$(classids)" "a/in 1:1"
	for ((i = 0; i < 200; i++)); do
		[ -e "/run/weir/$(stat -L -c %i "/run/netns/$NETNS").confirm" ] || break
		sleep 0.1
	done
	unchanged "$before"
	run 0 weir down
	expect_eq "$(classids)" "a/in 1:1"
}

# Killed at any of its writes and messages, down puts all in order.
test_killed_anywhere() {
	local before call n
	need filter bpf
	need command strace
	net_cls
	router
	before=$(state)
	both_ways
	for call in write sendmsg; do
		for ((n = 1; n < 60; n += STRIDE)); do
			in_ns r strace -qq -o trace -e trace=$call -e "inject=$call:signal=SIGKILL:when=$n" \
				"$WEIR" -n "$NETNS" apply a.conf >out 2>err
			grep -q 'killed by SIGKILL' trace || break
			run 0 weir down
			expect_eq "$(classids)" "" "classids after SIGKILL at $call $n and down"
			unchanged "$before" "the state after SIGKILL at $call $n and down"
		done
		check "$n is more than 3 times $call" [ "$n" -gt 3 ]
		run 0 weir down
	done
}

# The kernel's own filter, where it is told to be used: cls_cgroup.
test_kernel_filter() {
	need filter cgroup
	net_cls
	router6
	conf a <<-EOF
		link wan0 {
			classifier kernel
			egress rate 100mbit {
				class web rate 10mbit queue pfifo { match tcp dport 80 }
				class in rate 10mbit queue pfifo { match cgroup $CG/a/in }
				class a rate 10mbit queue pfifo { match cgroup $CG/a; match cgroup $CG/b }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	run 0 weir apply a.conf || die "apply"
	expect_eq "$(classid a) $(classid b)" "$(classid b) $(classid a)"
	run 0 weir apply a.conf
	expect_eq "$out" "nothing to change"
	mark
	send tcp 4 within a/in/deep
	expect_eq "$(got egress in a default)" "in few few"
	mark
	send udp 6 within a
	expect_eq "$(got egress in a default)" "few a few"
	mark
	send tcp 6 within b
	expect_eq "$(got egress in a default)" "few a few"
	mark
	send tcp 4
	expect_eq "$(got egress in a default)" "few few default"
	run 0 weir down
	expect_eq "$(classids)" ""
}

test_what_the_kernel_filter_cannot() {
	local before line
	net_cls
	router
	before=$(state)
	while read -r line; do
		echo "link wan0 { classifier kernel; ${line%% @@ *} }" | sed "s,CG,$CG,g" | conf a
		run 1 weir apply a.conf
		expect_match "$err" "${line##* @@ }"
	done <<-'EOF'
		egress rate 9mbit { class x { match cgroup CG/a }; class y { match tcp } } @@ after all else|which this kernel does not have
		egress rate 9mbit { class x { match cgroup CG/a tcp } } @@ together with other terms needs the bpf
		ingress rate 9mbit { class x { match cgroup CG/a } } @@ needs the bpf classifier
		police egress rate 9mbit { match cgroup CG/a } @@ needs the bpf classifier
	EOF
	expect_eq "$(classids)" ""
	unchanged "$before"
}

run_tests "$@"
