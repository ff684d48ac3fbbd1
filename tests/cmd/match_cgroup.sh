#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: cgroup-hybrid
#
# match cgroup with cgroup v2: what a cgroup's sockets send and receive is in its class, whenever and however
# they were opened.
. "$(dirname "$0")/sockets.bash"

applied() {
	need filter bpf
	need cgroup v2
	CGROUPS=$(cgroup_dir v2)
	cgroup a/in
	cgroup b
	router6
	conf a <<-EOF
		link wan0 {
			egress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				class b rate 10mbit queue pfifo { match cgroup "/$CG/b/" tcp }
				default rate 10mbit queue pfifo
			}
			ingress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				class b rate 10mbit queue pfifo { match cgroup $CG/b tcp }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	[ $# -gt 0 ] || run 0 weir apply a.conf || die "apply"
}

test_both_directions() {
	local proto family
	applied
	for proto in tcp udp; do
		for family in 4 6; do
			mark
			send "$proto" "$family" within a
			expect_eq "$(got egress a b default)" "a few few" "$proto $family sent by a"
			mark
			receive "$proto" "$family" within a
			expect_eq "$(got ingress a b default)" "a few few" "$proto $family received by a"
			mark
			send "$proto" "$family"
			expect_eq "$(got egress a b default)" "few few default" "$proto $family sent by others"
			mark
			receive "$proto" "$family"
			expect_eq "$(got ingress a b default)" "few few default" "$proto $family received by others"
		done
	done
	feature BPF 'match cgroup (v2), upload and download' yes
}

# The packets of a cgroup in it are its own; the other terms of a line hold too.
test_inner_and_other_terms() {
	applied
	mark
	receive udp 6 within a/in
	receive tcp 4 within b
	expect_eq "$(got ingress a b default)" "a b few"
	mark
	send tcp 6 within a/in
	send udp 4 within b
	expect_eq "$(got egress a b default)" "a few default"
}

# Sockets that are open before the rules are there, and those that a server accepts.
test_open_and_accepted() {
	local i
	applied later
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
	expect_eq "$(got egress a default)" "a few" "sent by what was accepted"
	expect_eq "$(got ingress a default)" "a few" "received by what was accepted"
}

# An inner cgroup may have a class of its own, before or after that of the outer.
test_first_line_that_matches() {
	applied later
	conf b <<-EOF
		link wan0 {
			egress rate 100mbit {
				class in rate 10mbit queue pfifo { match cgroup $CG/a/in }
				class a rate 10mbit queue pfifo { match cgroup $CG/a }
				class late rate 10mbit queue pfifo { match cgroup $CG/a/in; match cgroup $CG/b; match udp }
			}
			ingress rate 100mbit {
				class a rate 10mbit queue pfifo { match cgroup $CG/a udp }
				class in rate 10mbit queue pfifo { match cgroup $CG/a/in; match cgroup $CG/b }
			}
		}
	EOF
	run 0 weir apply b.conf
	mark
	send tcp 4 within a/in
	expect_eq "$(got egress in a late default)" "in few few few"
	mark
	send tcp 4 within a
	expect_eq "$(got egress in a late default)" "few a few few"
	mark
	send tcp 6 within b
	expect_eq "$(got egress in a late default)" "few few late few"
	mark
	receive udp 4 within a/in
	expect_eq "$(got ingress a in default)" "a few few"
	mark
	receive tcp 4 within a/in
	expect_eq "$(got ingress a in default)" "few in few"
	mark
	receive tcp 4 within a
	expect_eq "$(got ingress a in default)" "few few default"
}

# What a router only passes on is nobody's here, whatever cgroup its sender runs in elsewhere.
test_forwarded_is_nobodys() {
	need filter bpf
	need cgroup v2
	CGROUPS=$(cgroup_dir v2)
	cgroup a
	lab_router && lab_serve server || die "no lab"
	NETNS=$(lab_netns router)
	conf a <<-EOF
		link wan0 {
			egress rate 100mbit { class a rate 10mbit queue pfifo { match cgroup $CG/a }; default queue pfifo }
			ingress rate 100mbit { class a rate 10mbit queue pfifo { match cgroup $CG/a }; default queue pfifo }
		}
	EOF
	run 0 weir apply a.conf
	mark
	in_ns client bash -c 'echo $$ >"$0/cgroup.procs" && exec iperf3 -c 192.0.2.2 -n 400000' "$CGROUPS/$CG/a" >log ||
		not_ok "$(<log)"
	in_ns client bash -c 'echo $$ >"$0/cgroup.procs" && exec iperf3 -c 2001:db8:a::2 -n 400000 -R' "$CGROUPS/$CG/a" >log ||
		not_ok "$(<log)"
	expect_eq "$(got egress a default)" "few default"
	expect_eq "$(got ingress a default)" "few default"
	expect_eq "$(bytes egress a) $(bytes ingress a)" "0 0"
}

test_not_there() {
	local before
	applied later
	before=$(state)
	echo "link wan0 { egress rate 1mbit { class x { match cgroup $CG/none } } }" | conf none
	run 1 weir apply none.conf
	expect_match "$err" "none\.conf:1:43: no cgroup '$CG/none': there is (no|neither) $CGROUPS/$CG/none"
	run 1 weir plan none.conf
	expect_match "$err" "none\.conf:1:43: no cgroup"
	run 0 weir check none.conf
	echo "link wan0 { classifier kernel; egress rate 1mbit { class x { match cgroup $CG/a } } }" | conf kernel
	run 1 weir apply kernel.conf
	expect_match "$err" "wan0: class x: kernel\.conf:1: 'cgroup' of cgroup v2 needs the bpf classifier"
	unchanged "$before"
}

# A service that is started again has a cgroup of the same name that is another one.
test_removed_and_made_again() {
	applied
	run 0 weir plan a.conf
	rmdir "$CGROUPS/$CG/a/in" "$CGROUPS/$CG/a"
	run 0 weir show --interval 10ms
	expect_match "$err" "wan0: class a: there is no cgroup '$CG/a' any more"
	expect_match "$out" '^drift: '
	run 0 weir show --rules
	expect_match "$out" "^ +[0-9]+ +[0-9]+  a +cgroup $CG/a\$"
	cgroup a/in
	run 0 weir show --rules
	expect_match "$out" "^ +[0-9]+ +[0-9]+  a +cgroup $CG/a\$"
	run 0 weir show --interval 10ms
	expect_eq "$err" ""
	expect_match "$out" '^drift: '
	mark
	send tcp 4 within a
	expect_eq "$(got egress a default)" "few default" "before apply"
	run 0 weir apply a.conf
	expect_match "$out" '^2 changes applied'
	mark
	send tcp 4 within a
	expect_eq "$(got egress a default)" "a few" "after apply"
	run 0 weir show --interval 10ms
	expect_no_match "$out" '^drift: '
	rmdir "$CGROUPS/$CG/a/in" "$CGROUPS/$CG/a"
	run 0 weir down
	expect_eq "$err" ""
}

run_tests "$@"
