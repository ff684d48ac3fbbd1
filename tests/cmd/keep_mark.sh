#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Classes that keep what ingress decided in the mark: on a router egress can ask for it, and the bits
# that are not theirs stay.
. "$(dirname "$0")/sockets.bash"

applied() {
	need filter bpf
	lab_router && lab_serve client || die "no lab"
	NETNS=$(lab_netns router)
	conf a <<-'EOF'
		link wan0 {
			ingress rate 100mbit {
				class one rate 10mbit mark 0x10/0xf0 queue pfifo {
					match from 203.0.113.0/24
					match ip6
				}
				class two rate 10mbit queue pfifo { match from 192.0.2.2 udp }
				default rate 10mbit mark 0x20/0xf0 queue pfifo
			}
		}
		link lan0 {
			egress rate 100mbit {
				class one rate 10mbit queue pfifo { match mark 0x10/0xf0 }
				class rest rate 10mbit queue pfifo { match mark 0x20/0xf0 }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	run 0 weir apply a.conf || die "apply"
}

# from_server OPTION...: 400 kB from server to client.
from_server() {
	in_ns server iperf3 -n 400000 "$@" >log 2>&1 || not_ok "$(tail -n 1 log)"
}

test_egress_learns_what_ingress_decided() {
	applied
	DEV=lan0
	mark
	from_server -c 10.9.1.2 -B 203.0.113.2
	expect_eq "$(got egress one rest default)" "one few few"
	mark
	from_server -c 2001:db8:1::2
	expect_eq "$(got egress one rest default)" "one few few" "IPv6"
	mark
	from_server -c 10.9.1.2
	expect_eq "$(got egress one rest default)" "few rest few" "the default's"
	mark
	from_server -c 10.9.1.2 -u -b 4M -l 1000
	expect_eq "$(got egress one rest default)" "few few default" "a class without a mark"
	DEV=wan0
	expect_eq "$(got ingress two)" two
}

# Only the bits of the mask are the class's: the others stay what somebody else made them.
test_other_bits_stay() {
	applied
	tc -n "$NETNS" filter add dev wan0 ingress protocol all prio 1 u32 match u32 0 0 \
		action skbedit mark 0x1021 continue 2>/dev/null || skip "kernel has no action skbedit"
	conf b <<-'EOF'
		link lan0 {
			egress rate 100mbit {
				class kept rate 10mbit queue pfifo { match mark 0x1011 }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	run 0 weir apply --link lan0 b.conf
	DEV=lan0
	mark
	from_server -c 10.9.1.2 -B 203.0.113.2
	expect_eq "$(got egress kept default)" "kept few"
}

test_needs_bpf() {
	local before
	lab_router || die "no lab"
	NETNS=$(lab_netns router)
	before=$(state router)
	conf a <<-'EOF'
		link wan0 {
			classifier kernel
			ingress rate 100mbit { class one rate 10mbit mark 0x10/0xf0 { match udp } }
		}
	EOF
	run 1 weir apply a.conf
	one_error
	expect_match "$err" "wan0: class one.*'mark' needs the bpf classifier"
	expect_eq "$(state router)" "$before"
}

run_tests "$@"
