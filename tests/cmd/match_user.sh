#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# match user: what a user's sockets send and receive is in the user's class.
. "$(dirname "$0")/sockets.bash"

UID1=54321 UID2=54322

applied() {
	need filter bpf
	need command setpriv
	router6
	conf a <<-EOF
		link wan0 {
			egress rate 100mbit {
				class one rate 10mbit queue pfifo { match user $UID1 }
				class two rate 10mbit queue pfifo { match user $UID2 tcp }
				class root rate 10mbit queue pfifo { match user root udp }
				default rate 10mbit queue pfifo
			}
			ingress rate 100mbit {
				class one rate 10mbit queue pfifo { match user $UID1 }
				class two rate 10mbit queue pfifo { match user $UID2 tcp }
				class root rate 10mbit queue pfifo { match user root udp }
				default rate 10mbit queue pfifo
			}
		}
	EOF
	chmod a+rwx . ..
	run 0 weir apply a.conf || die "apply"
}

test_both_directions() {
	local proto family
	applied
	for proto in tcp udp; do
		for family in 4 6; do
			mark
			send "$proto" "$family" setpriv --reuid "$UID1" --clear-groups
			expect_eq "$(got egress one two default)" "one few few" "$proto $family sent"
			mark
			receive "$proto" "$family" setpriv --reuid "$UID1" --clear-groups
			expect_eq "$(got ingress one two default)" "one few few" "$proto $family received"
		done
	done
	feature BPF 'match user, upload and download' yes
}

test_other_terms_and_other_users() {
	applied
	mark
	send tcp 4 setpriv --reuid "$UID2" --clear-groups
	receive tcp 6 setpriv --reuid "$UID2" --clear-groups
	expect_eq "$(got egress one two)" "few two"
	expect_eq "$(got ingress one two)" "few two"
	mark
	receive udp 4 setpriv --reuid "$UID2" --clear-groups
	expect_eq "$(got ingress one two root default)" "few few few default"
	mark
	receive udp 4
	expect_eq "$(got ingress one two root default)" "few few root few"
	mark
	receive tcp 4 setpriv --reuid 54323 --clear-groups
	expect_eq "$(got ingress one two root default)" "few few few default"
}

test_no_such_user() {
	local before
	router
	before=$(state)
	printf 'link wan0 { egress rate 1mbit {\n\tclass x { match user bilder-%s } } }\n' "$$" | conf a
	run 1 weir apply a.conf
	expect_match "$err" "^a\.conf:2:12: no user 'bilder-$$'"
	run 0 weir check a.conf
	echo 'link wan0 { classifier kernel; egress rate 1mbit { class x { match user root } } }' | conf a
	run 1 weir apply a.conf
	expect_match "$err" "'user' needs the bpf classifier"
	unchanged "$before"
}

run_tests "$@"
