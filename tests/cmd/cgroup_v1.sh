#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# guest: cgroup-v1 cgroup-hybrid
#
# Hosts with cgroup v1: net_cls gives the packets of a cgroup's sockets a classid.
. "$(dirname "$0")/common.bash"

# in_cgroup PATH CMD...: a process that is put there before it opens a socket.
in_cgroup() {
	# shellcheck disable=SC2016 # for the other shell
	in_ns r sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$@"
}

# A cgroup below the hierarchy that the kernel throws away with the test's last process.
new_cgroup() {
	cgroup=$(cgroup_dir v1)/weir-test-$$-$1
	mkdir "$cgroup" || die "no $cgroup"
	echo "$2" >"$cgroup/net_cls.classid" || not_ok "net_cls.classid"
}

send_udp() {
	"$@" bash -c 'for ((i = 0; i < 20; i++)); do echo >/dev/udp/192.0.2.2/9; done'
}

packets_of() {
	in_ns r tc -s class show dev wan0 | awk -v class="$1" '$3 == class { getline; print $4 }'
}

test_classid_and_the_cgroup_filter() {
	need cgroup v1
	need filter cgroup
	router
	new_cgroup a 0x00050010
	in_ns r tc -batch - <<-'EOF'
		qdisc add dev wan0 root handle 5: htb default 20
		class add dev wan0 parent 5: classid 5:10 htb rate 10mbit
		class add dev wan0 parent 5: classid 5:20 htb rate 10mbit
		filter add dev wan0 parent 5: protocol all prio 1 handle 1 cgroup
	EOF
	send_udp in_ns r
	send_udp in_cgroup "$cgroup"
	expect_between "$(packets_of 5:10)" 20 20 "packets in the cgroup's class"
	expect_between "$(packets_of 5:20)" 20 60 "packets in the other"
	feature Hosts 'cgroup v1: net_cls.classid, cls_cgroup' yes
	rmdir "$cgroup"
}

# Which hierarchies this guest has is what a v1 host has.
test_hierarchies() {
	need cgroup v1
	check "net_cls is mounted" test -e "$(cgroup_dir v1)/net_cls.classid"
	case $GUEST in
	cgroup-v1) check "no cgroup v2" test -z "$(cgroup_dir v2)" ;;
	*) check "cgroup v2" test -e "$(cgroup_dir v2)/cgroup.controllers" ;;
	esac
}

# weir itself is not disturbed by it.
test_apply_and_down() {
	local before
	need cgroup v1
	router
	before=$(state)
	run 0 weir apply - <<<'link wan0 { egress rate 10mbit; ingress rate 10mbit }'
	run 0 weir down
	unchanged "$before"
}

run_tests "$@"
