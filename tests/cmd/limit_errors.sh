#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# What cannot be limited: one clear line, the exit status, and nothing left.
. "$(dirname "$0")/limits.bash"

# The status, what the error must match, the arguments.
refused() {
	local status=$1 pattern=$2
	shift 2
	run "$status" weir "$@"
	expect_match "$err" "$pattern" "weir $*"
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	expect_match "$err" '^weir: '
	expect_eq "$out" ""
}

test_words() {
	box
	refused 2 "needs 'pid', 'cgroup' or 'user' and a name" limit --upload 1mbit
	refused 2 "unknown word 'pids'; did you mean 'pid'" limit pids 1 --upload 1mbit
	refused 2 "unknown word '4242'; it is 'pid', 'cgroup' or 'user'" limit 4242 --upload 1mbit
	refused 2 "'pid' needs a name" limit pid --upload 1mbit
	refused 2 "'x' is not the number of a process" limit pid x --upload 1mbit
	refused 2 "'0' is not the number of a process" limit pid 0 --upload 1mbit
	refused 2 "unknown option '-1'" limit --upload 1mbit pid -1
	refused 2 "'1.5' is not the number of a process" limit pid 1.5 --upload 1mbit
	refused 2 "takes one user, and 'b' is a second" limit user a b --upload 1mbit
	refused 2 "is not the path of a cgroup" limit cgroup ../a --upload 1mbit
	refused 2 "is not the path of a cgroup" limit cgroup a/../b --upload 1mbit
	refused 2 "unknown option '--uplaod'; did you mean '--upload'" limit pid 1 --uplaod 1mbit
	refused 2 "did you mean '--all'" unlimit --al
	refused 2 "--all is every limit: no 'pid' goes with it" unlimit --all pid 1
	refused 2 "needs 'pid', 'cgroup' or 'user' and a name" unlimit
	refused 2 "'x' is one word too many" limits x
	nothing_left </dev/null
}

test_values() {
	box
	refused 2 "needs --download RATE, --upload RATE or --block" limit pid $$
	refused 2 "--upload 0 would let nothing pass: if that is meant, say --block" limit pid $$ --upload 0
	refused 2 "--download 0 would" limit pid $$ --download 0mbit
	refused 2 "is out of range: 8kbit to 1tbit" limit pid $$ --download 7kbit
	refused 2 "is out of range: 8kbit to 1tbit" limit pid $$ --download 2tbit
	refused 2 "needs a rate such as 20mbit, not '5mbitt'" limit pid $$ --download 5mbitt
	refused 2 "needs a rate such as 20mbit, not '10%'" limit pid $$ --upload 10%
	refused 2 "--upload needs RATE" limit pid $$ --upload
	refused 2 "--burst needs a time, 1ms to 60s" limit pid $$ --upload 1mbit --burst 61s
	refused 2 "--burst needs a time, 1ms to 60s" limit pid $$ --upload 1mbit --burst 250
	refused 2 "--burst belongs to a rate" limit pid $$ --block --burst 250ms
	refused 2 "--block lets nothing pass, so there is no rate beside it" limit pid $$ --block --upload 1mbit
	refused 2 "unknown word 'intenet'; did you mean 'internet'" limit pid $$ --upload 1mbit --only intenet
	refused 2 "--no-children is about what a process starts" limit user 1 --upload 1mbit --no-children
	refused 2 "--each is for several processes" limit user 1 --upload 1mbit --each
	nothing_left </dev/null
}

test_who_is_not_there() {
	local ended
	box
	sleep 0 &
	ended=$!
	wait
	refused 1 "there is no process $ended" limit pid "$ended" --upload 1mbit
	refused 1 "there is no process 4194303" limit pid $$ 4194303 --upload 1mbit
	refused 1 "there is no user 'no-such-user'" limit user no-such-user --upload 1mbit
	refused 1 "cgroup 'no/such' " limit cgroup no/such --upload 1mbit
	refused 1 "there is no backend 'ebfp'; did you mean 'ebpf'" limit pid $$ --upload 1mbit --backend ebfp
	refused 1 "pid $$ has no limit" unlimit pid $$
	refused 1 "user 64999 has no limit" unlimit user 64999
	refused 1 "there is no process $ended" unlimit pid "$ended"
	nothing_left </dev/null
}

# The number of a process that has ended, for another one: no limit.
test_a_zombie_is_no_process() {
	local zombie
	box
	bash -c 'sleep 0 & echo $! >zombie; exec sleep 5' &
	sleep 0.5
	zombie=$(<zombie)
	expect_match "$(cat "/proc/$zombie/stat")" ' Z '
	refused 1 "there is no process $zombie" limit pid "$zombie" --upload 1mbit
	kill %1
	wait
	nothing_left </dev/null
}

# A limit that could not be set leaves no process under it: the next one would count wrong, and never end.
test_a_process_of_a_limit_that_was_not_set() {
	local p call command tries
	need command strace
	box
	sleep 60 &
	p=$!
	command=(nsenter --cgroup="$HERE/namespace" strace -qq -e trace=bpf)
	run 0 weir limit user 64999 --upload 1mbit
	# on a busy machine there are more calls at times, which are tried again
	for ((tries = 0; tries < 10; tries++)); do
		"${command[@]}" -o calls "$WEIR" limit pid "$p" --upload 1mbit >/dev/null 2>&1
		run 0 weir unlimit pid "$p"
		call=$(grep -n BPF_LINK_CREATE calls | head -n 1 | cut -d: -f1)
		"${command[@]}" -o /dev/null -e inject=bpf:error=ENOMEM:when="$call" \
			"$WEIR" limit pid "$p" --upload 1mbit >out.txt 2>err.txt
		grep -q 'finding the open sockets' err.txt && break
		weir unlimit pid "$p" >/dev/null 2>&1
	done
	out=$(<out.txt) err=$(<err.txt)
	told "^weir: finding the open sockets of process $p: Cannot allocate memory$"
	run 0 weir limit pid "$p" --upload 1mbit
	expect_eq "$(field .processes pid "$p")" 1
	stop "$p"
	expect_eq "$(limited)" 1
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# Anybody may lock what he may read. weir waits for weir only, and not forever.
test_locks() {
	local lock start
	box
	setpriv --reuid=65534 --regid=65534 --clear-groups flock /sys/fs/bpf sleep 60 &
	lock=$!
	sleep 0.3
	kill -0 "$lock" || not_ok "no lock"
	run 0 timeout 5 nsenter --cgroup="$HERE/namespace" "$WEIR" limit user 64999 --upload 1mbit
	pkill -P "$lock"
	stop "$lock"
	flock /run/weir/pins.lock sleep 2 &
	lock=$!
	sleep 0.3
	start=$(date +%s%N)
	run 0 weir limit user 64999 --upload 2mbit
	expect_between "$((($(date +%s%N) - start) / 1000000))" 1000 9000 "ms of waiting"
	wait "$lock"
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# told STATUS PATTERN: of what `run` has just run: one line of that form, and nothing printed.
told() {
	expect_match "$err" "$1"
	expect_eq "$(wc -l <<<"$err")" 1 "lines of: $err"
	expect_eq "$out" ""
}

# Everything else, by whoever it is.
test_without_privilege() {
	local who command commands=(
		"limit user 64999 --upload 1mbit" "limit user 64999 --upload 1mbit --backend ebpf"
		"limit user 64999 --upload 1mbit --backend nftables" "limit pid $$ --download 1mbit"
		"run --upload 1mbit -- true" limits "limits --json" "unlimit user 64999" "unlimit --all")
	box
	run 0 weir limit user 64998 --upload 1mbit
	pins >pins.txt
	for who in "--reuid=65534 --regid=65534 --clear-groups" "--bounding-set -all --no-new-privs"; do
		for command in "${commands[@]}"; do
			# shellcheck disable=SC2086 # words
			run 1 nsenter --cgroup="$HERE/namespace" setpriv --inh-caps -all $who "$WEIR" $command
			told '^weir: limits are for root, or who has CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON$'
		done
		# shellcheck disable=SC2086 # words
		run 0 nsenter --cgroup="$HERE/namespace" setpriv --inh-caps -all $who "$WEIR" backends
		expect_match "$out" '^upload +ebpf +no +rank 4, loading BPF programs takes CAP_BPF, CAP_PERFMON'
		expect_match "$out" '^upload +nftables +no +rank 3, it takes CAP_NET_ADMIN'
		expect_eq "$err" ""
	done
	expect_eq "$(limited)" 1
	run 0 weir unlimit --all
	nothing_left <pins.txt
}

# These are enough, without being root's equal.
test_with_few_privileges() {
	box
	run 0 nsenter --cgroup="$HERE/namespace" setpriv --bounding-set -sys_admin --inh-caps -all --no-new-privs \
		"$WEIR" limit user 64999 --upload 1mbit
	expect_match "$out" 'ebpf'
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# elsewhere SETUP ARG...: weir in a mount namespace where SETUP was done.
elsewhere() {
	local setup=$1
	shift
	nsenter --cgroup="$HERE/namespace" unshare --mount bash -c "$setup"' || exit 99; exec "$@"' bash \
		"$WEIR" -n "$NETNS" "$@"
}

# without SETUP REASON: what cannot be had there is said by `backends` and by who names it; without a name
# the next one does it, and all is taken away again.
without() {
	run 1 elsewhere "$1" limit user 64999 --upload 1mbit --backend ebpf
	told "^weir: backend ebpf: $2\$"
	run 0 elsewhere "$1" backends
	expect_match "$out" "^upload +ebpf +no +rank 4, $2\$"
	expect_match "$out" "^download +ebpf +no +rank 4, $2\$"
	if grep -q '^upload *nftables *chosen' <<<"$out"; then
		run 0 elsewhere "$1" limit user 64999 --upload 1mbit
		expect_eq "$out" "user 64999: upload 1mbit (nftables)"
	else
		run 1 elsewhere "$1" limit user 64999 --upload 1mbit
		told "^weir: no backend can limit uploads of users here: ebpf: $2; 'weir backends' tells of all\$"
	fi
	run 1 elsewhere "$1" limit pid $$ --upload 1mbit
	told "^weir: no backend can limit uploads of processes here: ebpf: $2; 'weir backends' tells of all\$"
	run 0 elsewhere "$1" limits --interval 10ms
	run 0 elsewhere "$1" unlimit --all
	expect_eq "$(elsewhere "$1" limits --json | jq '.limits | length')" 0
	nothing_left </dev/null
}

HIDE_BTF='mount -t tmpfs none /sys/kernel/btf && for d in /boot /lib/modules; do [ ! -d $d ] || mount -t tmpfs none $d; done'

test_without_type_information() {
	box
	without "$HIDE_BTF" 'this kernel has no type information for BPF \(CONFIG_DEBUG_INFO_BTF\)'
	# one that cannot be read is as good as none
	: >empty
	without "mount --bind $PWD/empty /sys/kernel/btf/vmlinux" \
		'this kernel has no type information for BPF \(CONFIG_DEBUG_INFO_BTF\)'
	# limits that are there already need none
	run 0 weir limit user 64999 --upload 1mbit
	run 0 elsewhere "$HIDE_BTF" limits --interval 10ms
	expect_match "$out" 'user 64999 +upload +1.00 Mbit/s'
	run 0 elsewhere "$HIDE_BTF" unlimit --all
	nothing_left </dev/null
}

test_without_bpffs() {
	box
	without 'while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done' \
		'no bpffs is mounted at /sys/fs/bpf \(mount -t bpf bpf /sys/fs/bpf\)'
	without 'mount -o remount,bind,ro /sys/fs/bpf' '/sys/fs/bpf is mounted read-only'
}

# A kernel that has less of BPF: what is missing is named, not what a library said of it.
test_kernel_without_bpf() {
	need command strace
	box
	run 1 nsenter --cgroup="$HERE/namespace" strace -f -qq -o /dev/null -e trace=bpf -e inject=bpf:error=EINVAL \
		"$WEIR" limit user 64999 --upload 1mbit --backend ebpf
	told '^weir: backend ebpf: this kernel has no BPF \(CONFIG_BPF_SYSCALL\)$'
	nothing_left </dev/null
}

# What has the name of weir's pins, and is not.
test_pins_of_somebody_else() {
	box
	mkdir -m 700 /sys/fs/bpf/weir /sys/fs/bpf/weir/limits
	for command in limits "limit user 64999 --upload 1mbit" "unlimit --all"; do
		run 1 weir $command
		told '^weir: /sys/fs/bpf/weir/limits/[a-z_]+ is not what weir pins there; remove it by hand$'
	done
	check "it is still there" rmdir /sys/fs/bpf/weir/limits /sys/fs/bpf/weir
	run 0 weir limit user 64999 --upload 1mbit
	chown -R nobody /sys/fs/bpf/weir
	for command in limits "limit user 64999 --upload 2mbit" "unlimit --all"; do
		run 1 weir $command
		told '^weir: /sys/fs/bpf/weir/limits must be a folder of the user that weir runs as, and closed to all others'
	done
	chown -R 0 /sys/fs/bpf/weir
	run 0 weir unlimit --all
	nothing_left </dev/null
}

test_pins_of_another_version() {
	local use=/sys/fs/bpf/weir/limits/weir_use value
	need command bpftool
	box
	run 0 weir limit user 64999 --upload 1mbit
	value=$(bpftool -j map lookup pinned $use key 0 0 0 0 | jq -r '[.value[]] | join(" ")')
	# shellcheck disable=SC2086 # words
	bpftool map update pinned $use key 0 0 0 0 value 0xee ${value#* } || not_ok "no other version"
	# whatever else is otherwise there
	mv /sys/fs/bpf/weir/limits/weir_limits /sys/fs/bpf/kept
	bpftool map create /sys/fs/bpf/weir/limits/weir_limits type hash key 16 value 8 entries 1 name weir_limits
	for command in limits "limit user 64999 --upload 2mbit" "unlimit --all"; do
		run 1 weir $command
		told '^weir: the limits there are were set by another version of weir: '
	done
	rm /sys/fs/bpf/weir/limits/weir_limits
	mv /sys/fs/bpf/kept /sys/fs/bpf/weir/limits/weir_limits
	# shellcheck disable=SC2086 # words
	bpftool map update pinned $use key 0 0 0 0 value $value
	run 0 weir unlimit --all
	nothing_left </dev/null
}

test_without_cgroup_v2() {
	local hide
	box
	hide="umount -R '$PWD/cgroup' && umount -R '$CGROUPS'"
	for command in "cgroup a" "user 0" "pid $$"; do
		run 1 elsewhere "$hide" limit $command --upload 1mbit
		told 'cgroup v2'
	done
	run 0 elsewhere "$hide" backends
	expect_match "$out" '^upload +ebpf +no +rank 4, no cgroup v2 hierarchy is mounted$'
	run 0 elsewhere "$hide" limits
	expect_eq "$err" "there are no limits on this host"
	nothing_left </dev/null
}

# Only IPv6, and what is not TCP: everything of a socket is under its limit.
test_any_protocol() {
	local p q
	box 6
	in_ns r ip addr del 192.0.2.1/24 dev wan0 2>/dev/null
	flow p a -- -c 2001:db8:a::2 -t 900 -p 5202
	flow q b -- -c 2001:db8:a::2 -t 900 -p 5203 -u -b 20M -l 1000
	run 0 weir limit cgroup a --upload 8mbit --backend ebpf
	run 0 weir limit cgroup b --upload 2mbit --backend ebpf
	sleep 1
	expect_between "$(measured upload cgroup a)" 4000 8800 "TCP, IPv6 only"
	expect_between "$(jq '[.limits[] | select(.name == "b").upload.measured_bit][0] / 1000 | floor' limits.json)" \
		1000 2300 "UDP, IPv6 only"
	stop "$p" "$q"
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# A raw socket, too; what the kernel itself answers has no socket of a process.
test_icmp() {
	box
	cgroup a
	within a nsenter --net="/run/netns/$NETNS" busybox ping -q -c 1 192.0.2.2 >/dev/null || not_ok "no answer at all"
	run 0 weir limit cgroup a --upload block
	within a nsenter --net="/run/netns/$NETNS" busybox ping -q -c 2 -W 1 192.0.2.2 >/dev/null 2>&1 &&
		not_ok "ICMP passed a block"
	expect_between "$(field .upload.drops cgroup a)" 1 10 "packets dropped"
	run 0 weir unlimit cgroup a
	run 0 weir limit cgroup a --download block
	within a nsenter --net="/run/netns/$NETNS" busybox ping -q -c 2 -W 1 192.0.2.2 >/dev/null 2>&1 &&
		not_ok "answers passed a block"
	run 0 weir unlimit --all
	nothing_left </dev/null
}

# Many connections one after the other are one limit, not each its own.
test_short_connections() {
	local start bytes=20000 n=40
	box
	cgroup a
	cat >short.py <<-EOF
		import socket
		for i in range($n):
		    s = socket.create_connection(("192.0.2.2", 5999))
		    s.sendall(b"x" * $bytes)
		    s.shutdown(socket.SHUT_WR)
		    s.recv(1)
		    s.close()
	EOF
	cat >sink.py <<-'EOF'
		import socket
		l = socket.create_server(("192.0.2.2", 5999), backlog=100)
		while True:
		    s, _ = l.accept()
		    while s.recv(65536):
		        pass
		    s.close()
	EOF
	need command python3
	in_ns s python3 sink.py &
	lab_listens s 5999
	run 0 weir limit cgroup a --upload 1mbit --burst 100ms --backend ebpf
	start=$(date +%s%N)
	within a nsenter --net="/run/netns/$NETNS" timeout 60 python3 short.py || not_ok "connections failed"
	# 40 * 20 kB at 125 kB/s take 6.4 s
	expect_between "$((($(date +%s%N) - start) / 1000000))" 5500 20000 "ms for $n connections"
	run 0 weir unlimit --all
	kill %1
	nothing_left </dev/null
}

run_tests "$@"
