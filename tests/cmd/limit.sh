#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# weir limit, limits, unlimit: real processes, real sockets. That a limit is reached is a matter of
# benchmarks; that it is not passed, and that it is the right one, is tested here.
. "$(dirname "$0")/limits.bash"

# A rate in kbit/s within what a limit of it may measure: a burst of 250 ms on top in 1.5 s, no more.
within_limit() {
	expect_between "$1" "$(($2 / 20))" "$(($2 * 125 / 100))" "$3"
}

test_a_running_process_up() {
	local p ids
	box
	flow p ""  --
	run 0 weir limit pid "$p" --upload 8mbit
	expect_match "$out" "^pid $p: upload 8mbit \([a-z_]+\)$"
	expect_eq "$err" ""
	sleep 0.5
	within_limit "$(measured upload)" 8000 "8mbit"
	expect_eq "$(jq -r '.limits[0].upload.verdict' limits.json)" THROTTLED
	expect_eq "$(jq -c '.limits[0] | [.subject, .name, .processes, .upload.rate_bit, .download]' limits.json)" \
		"[\"pid\",\"$p\",1,8000000,null]"
	run 0 weir limit pid "$p" --upload 2mbit
	sleep 1
	within_limit "$(measured upload)" 2000 "2mbit"
	ids=$(pins)
	run 0 weir unlimit pid "$p"
	expect_eq "$out" "pid $p: no limit any more"
	nothing_left <<<"$ids"
	check "it lives" kill -0 "$p"
	stop "$p"
}

test_a_running_process_down() {
	local p
	box
	flow p "" -- -R
	run 0 weir limit pid "$p" --download 8mbit
	sleep 0.5
	within_limit "$(measured download)" 8000 "8mbit"
	expect_eq "$(field .upload)" null
	stop "$p"
}

# The limit ends with its process, also when nobody looks; a new process is not under it.
test_a_limit_ends_with_its_process() {
	local p q ids
	box
	flow p "" --
	run 0 weir limit pid "$p" --upload 8mbit
	ids=$(pins)
	stop "$p"
	expect_eq "$(limited)" 0
	run 0 weir limits
	expect_eq "$err" "there are no limits on this host"
	nothing_left <<<"$ids"
	run 1 weir unlimit pid "$p"
	expect_eq "$(wc -l <<<"$err")" 1
}

test_cgroup_and_what_is_in_it() {
	local p q
	box
	cgroup a/in
	flow p a/in -- -p 5202
	flow q b -- -p 5203
	run 0 weir limit cgroup a --upload 8mbit
	sleep 0.5
	within_limit "$(measured upload cgroup a)" 8000 "a"
	# the other one is not held down
	run 0 weir limit cgroup b --upload 1gbit
	sleep 0.5
	expect_between "$(measured upload cgroup b)" 20000 1300000 "b"
	within_limit "$(measured upload cgroup a)" 8000 "a beside b"
	run 0 weir unlimit cgroup b
	within_limit "$(measured upload cgroup a)" 8000 "a after b"
	expect_eq "$(limited)" 1
	run 0 weir unlimit cgroup /a/
	nothing_left </dev/null
	stop "$p" "$q"
}

test_paths_of_cgroups() {
	box
	cgroup a/in
	run 0 weir limit cgroup "$HERE/cgroup/a/in" --upload 8mbit
	expect_eq "$(field .name)" '"a/in"'
	run 0 weir limit cgroup /a/in --upload 1mbit
	expect_eq "$(limited)" 1
	rmdir "$CGROUPS/$CG/a/in"
	expect_eq "$(limited)" 0 "the limit of a cgroup that is gone"
	nothing_left </dev/null
}

test_user() {
	local p q
	box
	flow p "" setpriv --reuid 64999 --clear-groups -- -p 5202
	flow q "" -- -p 5203
	run 0 weir limit user 64999 --upload 8mbit --only local
	sleep 0.5
	within_limit "$(measured upload user 64999)" 8000 "the user"
	expect_eq "$(field .only)" '"local"'
	expect_eq "$(limited)" 1
	run 0 weir unlimit user 64999
	nothing_left </dev/null
	stop "$p" "$q"
}

test_several_processes_share_one_limit() {
	local p q
	box
	flow p "" -- -p 5202
	flow q "" -- -p 5203
	run 0 weir limit pid "$p" "$q" --upload 8mbit
	expect_match "$out" "^pid $p and 1 more: upload 8mbit"
	sleep 0.5
	expect_eq "$(field .processes)" 2
	within_limit "$(measured upload)" 8000 "both"
	stop "$p"
	within_limit "$(measured upload)" 8000 "the one that is left"
	expect_eq "$(limited)" 1
	stop "$q"
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_each_process_has_a_limit() {
	local p q
	box
	flow p "" -- -p 5202
	flow q "" -- -p 5203
	run 0 weir limit pid "$p" "$q" --each --upload 8mbit
	expect_eq "$(limited)" 2
	sleep 0.5
	within_limit "$(measured upload pid "$p")" 8000 "the first"
	within_limit "$(measured upload pid "$q")" 8000 "the second"
	run 0 weir unlimit pid "$p"
	within_limit "$(measured upload pid "$q")" 8000 "the second alone"
	run 0 weir unlimit --all
	expect_eq "$out" "1 limit removed"
	nothing_left </dev/null
	stop "$p" "$q"
}

# Those that run already go out of the limit, and later ones stay out; what was named stays.
test_no_children_of_a_limit_that_is_there() {
	local p q
	box
	bash -c 'sleep 60 & sleep 60 & wait' &
	p=$!
	sleep 60 &
	q=$!
	sleep 0.3
	run 0 weir limit pid "$p" --upload 1mbit
	expect_eq "$(field '[.processes, .no_children]')" '[3,false]'
	run 0 weir limit pid "$p" "$q" --upload 1mbit --no-children
	expect_eq "$(field '[.processes, .no_children]')" '[2,true]'
	run 0 weir limit pid "$p" --upload 2mbit --no-children
	expect_eq "$(field '[.processes, .no_children]')" '[2,true]'
	run 0 weir limit pid "$p" --upload 1mbit
	expect_eq "$(field '[.processes, .no_children]')" '[4,false]'
	run 0 weir unlimit --all
	nothing_left </dev/null
	pkill -P "$p"
	stop "$p" "$q"
}

# Its first thread has ended, which /proc tells as a zombie; another one goes on.
test_a_process_without_its_first_thread() {
	local p
	need command python3
	box
	cat >first.py <<-'EOF'
		import ctypes, threading, time
		threading.Thread(target=time.sleep, args=(60,)).start()
		ctypes.CDLL(None).pthread_exit(None)
	EOF
	"$(python3 -c 'import sys; print(sys.executable)')" first.py &
	p=$!
	sleep 0.1
	run 0 weir limit pid "$p" --upload 1mbit
	sleep 0.5
	expect_match "$(cat "/proc/$p/stat")" ' Z '
	expect_eq "$(limited)" 1
	run 0 weir limit pid "$p" --upload 2mbit
	expect_eq "$(field '[.processes, .upload.rate_bit]')" '[1,2000000]'
	stop "$p"
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

# What `weir limits` tells can be taken away by that name, whose number it may be by now.
test_a_number_that_is_used_again() {
	local p q tries
	need command python3
	box
	cat >again.py <<-'EOF'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		pid = (ctypes.c_int * 1)(int(sys.argv[1]))
		# clone3(2): exit_signal, set_tid, set_tid_size
		args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(pid), 1, 0)
		child = libc.syscall(435, ctypes.byref(args), ctypes.c_size_t(88))
		if not child:
		    os.execvp("sleep", ["sleep", "60"])
		print(child, flush=True)
		os.waitpid(child, 0) if child > 0 else sys.exit(os.strerror(ctypes.get_errno()))
	EOF
	bash -c 'sleep 60 & echo $! >child; exec sleep 60' &
	p=$!
	sleep 0.3
	run 0 weir limit pid "$p" --upload 1mbit
	stop "$p"
	python3 again.py "$p" >again.txt &
	q=$!
	for ((tries = 0; tries < 100; tries++)); do
		[ -s again.txt ] && break
		sleep 0.1
	done
	expect_eq "$(<again.txt)" "$p"
	expect_eq "$(field '[.name, .processes]')" "[\"$p\",1]"
	run 0 weir unlimit pid "$p"
	expect_eq "$out" "pid $p: no limit any more"
	run 1 weir unlimit pid "$p"
	nothing_left </dev/null
	stop "$(<child)" "$p" "$q"
}

# What stays has to hold for what is wished for both: by another backend, unless one is named.
test_the_other_direction_changes_its_backend() {
	box
	in_ns r ip route add default via 192.0.2.2 dev wan0
	conf links <<<'link wan0 { egress rate 100mbit; ingress rate 100mbit }'
	run 0 weir apply links.conf
	run 0 weir limit user 64999 --download 6mbit
	expect_eq "$out" "user 64999: download 6mbit (bpf_htb)"
	run 1 weir limit user 64999 --upload 1mbit --only internet --backend bpf_htb
	expect_match "$err" '^weir: backend bpf_htb: it limits all traffic, '
	run 0 weir limit user 64999 --upload 1mbit --only internet
	expect_match "$out" '^user 64999: upload 1mbit \([a-z_]+\), download 6mbit \(ebpf\), only internet$'
	run 0 weir unlimit --all
	run 0 weir down
	nothing_left </dev/null
}

test_directions_are_set_one_by_one() {
	box
	run 0 weir limit user 64999 --upload 8mbit
	run 0 weir limit user 64999 --download 1mbit --burst 100ms
	expect_match "$out" '^user 64999: upload 8mbit \([a-z_]+\), download 1mbit burst 100ms \([a-z_]+\)$'
	expect_eq "$(field '[.upload.rate_bit, .upload.burst_ns, .download.rate_bit, .download.burst_ns]')" \
		'[8000000,250000000,1000000,100000000]'
	expect_eq "$(field .note)" '"no process of the user has an IP socket"'
	expect_eq "$(field .upload.verdict)" '"PROGRAM NOT CALLED"'
	run 0 weir limits
	expect_match "$out" '^user 64999 +download +1.00 Mbit/s +0 bit/s +0.00 +PROGRAM NOT CALLED +0 +0 +0 +0 '
	expect_match "$out" '^user 64999: no process of the user has an IP socket$'
	run 0 weir unlimit --all
	run 0 weir unlimit --all
	expect_eq "$out" "there were no limits"
}

# TCP connections of a user in the test's cgroup, to an address.
connects() {
	within "" timeout 2 nsenter --net="/run/netns/$NETNS" setpriv --reuid 64999 --clear-groups \
		bash -c "exec 3<>/dev/tcp/$1/5201" 2>/dev/null
}

test_block() {
	box
	check "before" connects 192.0.2.2
	run 0 weir limit user 64999 --block
	expect_match "$out" '^user 64999: upload block .*, download block '
	! connects 192.0.2.2 || not_ok "blocked, and connects"
	expect_eq "$(field .upload.verdict)" '"BLOCKED"'
	run 0 weir limit user 64999 --upload block --download 1mbit
	! connects 192.0.2.2 || not_ok "blocked upwards, and connects"
	run 0 weir limit user 64999 --upload 1mbit
	check "no longer blocked" connects 192.0.2.2
	run 0 weir unlimit user 64999
}

test_only_internet_and_only_local() {
	box 6
	lab_addr s eth0 203.0.113.2/32 && lab_addr s eth0 2001:db8:c::2/128 &&
		in_ns r ip route add 203.0.113.2 via 192.0.2.2 &&
		in_ns r ip -6 route add 2001:db8:c::2 via 2001:db8:a::2 || die "no lab"
	run 0 weir limit user 64999 --block --only internet
	check "local, the Internet is blocked" connects 192.0.2.2
	check "local IPv6, the Internet is blocked" connects 2001:db8:a::2
	! connects 203.0.113.2 || not_ok "the Internet is blocked, and connects"
	! connects 2001:db8:c::2 || not_ok "the Internet is blocked, and connects by IPv6"
	run 0 weir limit user 64999 --block --only local
	check "the Internet, local is blocked" connects 203.0.113.2
	check "the IPv6 Internet, local is blocked" connects 2001:db8:c::2
	! connects 192.0.2.2 || not_ok "local is blocked, and connects"
	! connects 2001:db8:a::2 || not_ok "local is blocked, and connects by IPv6"
	run 0 weir unlimit user 64999
}

test_watch() {
	box
	run 0 weir limit user 64999 --upload 8mbit
	run 124 timeout 3 nsenter --cgroup="$HERE/namespace" "$WEIR" limits --watch --interval 200ms
	expect_between "$(grep -c '^user 64999 ' <<<"$out")" 2 15 "tables"
	run 0 weir unlimit --all
}

# Whatever weir was doing when it was killed, what it says afterwards is so, and can be taken away.
test_killed_at_any_call() {
	local n before
	need command strace
	box
	for ((n = 1; n < 200; n += 7 * STRIDE)); do
		before=$(limited)
		run_killed "$n" limit user 64999 --upload 8mbit || break
		expect_between "$(limited)" "$before" 1 "limits after a kill at call $n"
		check "to go on after a kill at call $n" weir limit user 64999 --upload 8mbit >/dev/null
		expect_eq "$(limited)" 1 "limits then"
		run_killed "$n" unlimit --all
		run 0 weir unlimit --all
		nothing_left </dev/null
	done
	ok "$n calls"
	[ "$n" -gt 10 ] || not_ok "it was killed at $n calls only"
}

# Whether it was killed at this bpf() call.
run_killed() {
	local n=$1
	shift
	nsenter --cgroup="$HERE/namespace" strace -f -qq -e trace=bpf -e "inject=bpf:signal=KILL:when=$n" -o /dev/null \
		"$WEIR" -n "$NETNS" "$@" >/dev/null 2>&1
	[ $? = 137 ]
}

run_tests "$@"
