#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# weir check: what no kernel could carry is said without one, where it stands.
. "$(dirname "$0")/common.bash"

# Line and column of the statement, the reason, and the link's block.
REFUSED="1:59 'mark' needs the bpf classifier|ingress rate 5mbit { class a rate 1mbit mark 5 { match udp } }
1:73 'user' needs the bpf classifier|egress rate 5mbit { class a rate 1mbit { match user root } }
1:59 'user' needs the bpf classifier|police egress rate 5mbit { match user root }
1:59 'cgroup' for 'police' needs the bpf classifier|police egress rate 5mbit { match cgroup a }
1:60 'cgroup' at ingress needs the bpf classifier|police ingress rate 5mbit { match cgroup a }
1:74 'cgroup' at ingress needs the bpf classifier|ingress rate 5mbit { class a rate 1mbit { match cgroup a } }
1:73 'cgroup' together with other terms needs the bpf classifier|egress rate 5mbit { class a rate 1mbit { match cgroup a udp } }
1:89 the kernel's own filters can match cgroups after all else only: move|egress rate 5mbit { class a rate 1mbit { match cgroup a; match udp } }
1:73 'mark' and 'vlan' cannot be in one match|egress rate 5mbit { class a rate 1mbit { match vlan 5 mark 6 } }"

test_classifier_kernel() {
	local place reason block
	while IFS='|' read -r reason block; do
		read -r place reason <<<"$reason"
		echo "link wan0 { classifier kernel; $block }" | conf a
		run 1 "$WEIR" check a.conf
		expect_match "$err" "^a.conf:$place: $reason" "$block"
		expect_eq "$out" "" "standard output for $block"
		sed -i 's/classifier kernel/classifier bpf/' a.conf
		run 0 "$WEIR" check a.conf
	done <<<"$REFUSED"
}

# In the words of weir plan.
test_as_plan_says_it() {
	local reason
	router
	echo 'link wan0 { classifier kernel; egress rate 5mbit { class a rate 1mbit { match user root } } }' | conf a
	run 1 "$WEIR" check a.conf
	reason=${err#*: }
	run 1 weir plan a.conf
	expect_match "$err" ": $reason\$"
}

test_classifier_kernel_carries() {
	echo 'link wan0 { classifier kernel
		egress rate 5mbit {
			class a rate 1mbit { match proto dccp dport 5; match proto udplite sport 6; match mark 7 }
			class b rate 1mbit { match cgroup b }
			class c rate 1mbit { match cgroup c }
		}
		ingress rate 5mbit { class a rate 1mbit { match udp dport 53 vlan 7 } }
		police ingress rate 1mbit { match mac 02:00:00:00:00:01 }
	}' | conf a
	run 0 "$WEIR" check a.conf
}

run_tests "$@"
