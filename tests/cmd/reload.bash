# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reload.bash - two files that differ in every way that weir tells apart, for tests of what goes wrong
# between them. Sourced after common.bash.

files() {
	conf a <<-'EOF'
		link wan0 {
			egress rate 20mbit {
				class voip rate 1mbit prio 0 { match udp dport 5060-5061; match dscp ef }
				class gone rate 2mbit { match tcp dport 22 }
				class lab rate 4mbit {
					class a rate 3mbit { match from 10.9.1.0/24 }
					class b rate 1mbit { match from 10.9.2.0/24 }
				}
			}
			ingress rate 100mbit { class web rate 10mbit { match tcp sport 443 } }
		}
	EOF
	# classes added and removed, an inner class that becomes a leaf, one that becomes inner, other
	# matches, another kind of queue, ingress gone from one link and new on another
	conf b <<-'EOF'
		link wan0 {
			egress rate 30mbit {
				class voip rate 2mbit prio 1 queue bfifo limit 20kb { match udp dport 5060; match dscp cs5 }
				class new rate 3mbit { class c rate 1mbit { match tcp dport 25 } }
				class lab rate 4mbit { match from 10.9.0.0/16 }
			}
		}
		link lan0 {
			egress rate 100mbit
			ingress rate 50mbit
		}
	EOF
}

# from STATE: brings the kernel from whatever it has to "", a.conf or b.conf, undisturbed.
from() {
	weir down >/dev/null || die "down"
	[ -z "$1" ] || weir apply "$1" >/dev/null || die "apply $1"
}
