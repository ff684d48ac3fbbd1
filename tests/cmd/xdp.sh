#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir xdp, and `xdp` in a link block. What happens to packets: tests/kernel/test_xdp.c.
. "$(dirname "$0")/common.bash"

rules() {
	echo "link wan0 { $1 ingress rate 100mbit { class a rate 10mbit { match from ${2-192.0.2.0/24} } } }
		link lan0 { egress rate 10mbit }"
}

status() {
	run 0 weir xdp status wan0
}

# Nothing of weir's is at XDP, by another reader.
expect_none() {
	expect_no_match "$(in_ns r ip -d link show wan0)" 'xdp' "wan0"
}

test_a_file() {
	router
	rules "xdp native;" | conf a
	rules "xdp native;" 192.0.2.2 | conf b
	rules "" | conf off
	run 2 weir plan a.conf
	expect_match "$out" '^~ wan0: XDP program: attach, native$'
	run 0 weir apply a.conf
	expect_match "$(in_ns r ip -d link show wan0)" 'prog/xdp id [0-9]+ .*weir_stamp'
	run 0 weir plan a.conf
	status
	expect_match "$out" '^wan0: native, program weir_stamp \(id [0-9]+\), rules [0-9a-f]{8}: the classifier.s$'
	reach r 192.0.2.2
	status
	expect_match "$out" '^  XDP     stamped [1-9][0-9]*  undecided 0  not IP [0-9]+  aborted 0$'
	expect_match "$out" '^  clsact  stamped [1-9][0-9]*  missing [0-9]+  stale 0$'
	run 0 weir show
	expect_no_match "$out" 'XDP|drift|was applied'
	run 2 weir plan b.conf
	expect_match "$out" '^~ wan0: XDP program: other rules'
	run 0 weir apply b.conf
	run 2 weir plan off.conf
	expect_match "$out" '^~ wan0: XDP program: detach'
	run 0 weir apply off.conf
	expect_none
	run 0 weir plan off.conf
}

test_down() {
	local id
	router
	rules "xdp generic;" | conf a
	run 0 weir apply a.conf
	expect_match "$(in_ns r ip -d link show wan0)" ' xdpgeneric '
	run 0 weir down
	expect_none
	expect_eq "$(find /run/weir -name '*.json*')" "" "what is remembered"
}

test_by_hand() {
	local before
	router
	rules "" | conf a
	run 0 weir apply a.conf
	status
	expect_eq "$out" "wan0: no program at XDP"
	before=$(state)
	run 0 weir xdp attach wan0 --mode generic --dry-run
	expect_match "$out" '^~ wan0: XDP program: attach, generic$'
	unchanged "$before"
	run 0 weir xdp attach wan0 --mode generic
	status
	expect_match "$out" "^wan0: generic, .*: the classifier's\$"
	reach r 192.0.2.2
	status
	expect_match "$out" '^  clsact  stamped [1-9]'
	# what lan0 has stays as it is
	run 0 weir show
	expect_match "$out" '^lan0 egress'
	expect_no_match "$out" 'was applied'
	run 0 weir xdp attach wan0 --mode generic
	expect_eq "$out" "nothing to change"
	run 0 weir xdp attach wan0
	status
	expect_match "$out" '^wan0: generic'
	run 0 weir xdp attach wan0 --mode native
	status
	expect_match "$out" '^wan0: native'
	run 2 weir plan a.conf
	run 0 weir xdp detach wan0 --dry-run
	expect_match "$out" '^~ wan0: XDP program: detach'
	run 0 weir xdp detach wan0
	expect_none
	run 0 weir plan a.conf
	run 0 weir xdp detach wan0
	expect_eq "$out" "nothing to change"
}

test_json() {
	router
	rules "xdp generic;" | conf a
	run 2 weir plan --json a.conf
	expect_match "$out" '"object": "xdp"'
	run 0 weir apply a.conf
	run 0 weir xdp status wan0 --json
	expect_match "$out" '"mode": "generic"'
	expect_match "$out" '"current": true'
	expect_match "$out" '"stale": 0'
	run 0 weir xdp detach wan0 --json
	expect_match "$out" '"changes": 2'
	run 0 weir xdp status wan0 --json
	expect_match "$out" '"program": null'
}

test_forgotten() {
	router
	rules "xdp generic;" | conf a
	run 0 weir apply a.conf
	rm -f /run/weir/*.json
	run 1 weir xdp attach wan0
	one_error
	expect_match "$err" "wan0: weir does not shape it, or does not remember"
	run 0 weir xdp detach wan0 --dry-run
	expect_match "$(in_ns r ip link show wan0)" xdpgeneric
	run 0 weir xdp detach wan0
	expect_none
	run 0 weir apply a.conf
	status
	expect_match "$out" '^wan0: generic'
	rm -f /run/weir/*.json
	run 0 weir down
	expect_none
}

test_errors() {
	router
	echo 'link wan0 { egress rate 1mbit }; link lan0 { classifier kernel; ingress rate 1mbit }' | conf a
	run 1 weir xdp attach wan0
	one_error
	run 0 weir apply a.conf
	run 1 weir xdp attach wan0
	expect_match "$err" 'wan0: XDP is for what comes in, and its ingress is not shaped$'
	run 1 weir xdp attach lan0
	expect_match "$err" "lan0: XDP needs the bpf classifier, and 'classifier kernel' was applied\$"
	run 1 weir xdp status nosuch0
	one_error
	for words in "" status "attach wan0 lan0" "stat wan0" "status wan0 --mode native" \
		"detach wan0 --mode native" "status wan0 --dry-run"; do
		# shellcheck disable=SC2086 # several words
		run 2 weir xdp $words
		one_error
	done
	run 2 weir xdp atach wan0
	expect_match "$err" "^weir: xdp: unknown word 'atach'; did you mean 'attach'\?"
	run 2 weir xdp attach wan0 --mode offload
	expect_match "$err" "--mode needs native or generic, not 'offload'"
}

# The same program under another name is somebody else's, and so is one that has no more than the name.
foreign() {
	[ -e "$BUILD/bpf/xdp_stamp.bpf.o" ] || skip "no object files of programs here"
	sed "s/weir_stamp/$2/g" "$BUILD/bpf/xdp_stamp.bpf.o" >other.o
	in_ns r ip link set dev wan0 "$1" obj other.o sec xdp ||
		die "ip link set $1"
}

test_foreign() {
	foreign_is_left_alone else_stamp
}

test_foreign_of_that_name() {
	foreign_is_left_alone weir_stamp
}

foreign_is_left_alone() {
	local before name=$1
	router
	foreign xdpgeneric "$name"
	before=$(state)
	for mode in native generic; do
		rules "xdp $mode;" | conf a
		run 1 weir apply a.conf
		one_error
		expect_match "$err" "wan0: xdp: the program $name \(id [0-9]+\) there is not weir.s"
		unchanged "$before"
	done
	rules "xdp on;" | conf a
	run 0 weir apply a.conf
	expect_match "$err" "wan0: xdp: the program $name .* nothing is stamped there, clsact classifies\$"
	run 0 weir plan a.conf
	status
	expect_match "$out" "^wan0: generic, program $name \(id [0-9]+\), not weir.s\$"
	run 1 weir xdp attach wan0 --mode generic
	one_error
	reach r 192.0.2.2
	run 0 weir down
	unchanged "$before"
	run 1 weir xdp detach wan0
	one_error
	unchanged "$before"
}

# Killed anywhere, the next apply leads to where it should.
test_killed_at_every_send() {
	local n wanted from to
	router
	rules "xdp generic;" | conf a
	rules "xdp generic;" 192.0.2.2 | conf b
	rules "xdp native;" | conf c
	for pair in "c a" "a b" "a c"; do
		read -r from to <<<"$pair"
		for ((n = 1; n < 100; n += STRIDE)); do
			weir down >/dev/null
			[ "$from" = c ] || run 0 weir apply "$from.conf" || return
			traced sendmsg "signal=KILL:when=$n" "$WEIR" -n "$NETNS" apply "$to.conf" >out 2>err
			[ $? = 137 ] || break
			run 0 weir apply "$to.conf" || return
			run 0 weir plan "$to.conf" || return
			status
			expect_match "$out" ": the classifier's\$" "status after a kill at send $n" || return
			run 0 weir down
			expect_none || return
		done
		[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
	done
}

# What fails is undone: the program that was there before is there again.
test_error_at_every_send() {
	local n before
	router
	rules "xdp generic;" | conf a
	rules "xdp native;" 192.0.2.2 | conf b
	run 0 weir apply a.conf
	status
	before=${out%%$'\n'*}
	for ((n = 1; n < 100; n += STRIDE)); do
		traced sendmsg "error=ENOBUFS:when=$n" "$WEIR" -n "$NETNS" apply b.conf >out 2>err
		injected || break
		run 0 weir plan a.conf || return
		status
		expect_eq "${out%%$'\n'*}" "$before" "status after an error at send $n" || return
	done
	[ "$n" -gt 8 ] || not_ok "only $n sends were seen"
}

# Whose a program is cannot be told then: nothing says that one was taken away which is still there, and
# `xdp on` goes without, every time.
test_without_sys_admin() {
	local drop="setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin"
	router
	rules "xdp on;" | conf on
	rules "xdp native;" | conf native
	rules "" | conf off
	run 0 weir apply on.conf
	for command in "xdp detach wan0" "down" "apply off.conf"; do
		run 1 in_ns r $drop "$WEIR" $command
		one_error
		expect_match "$err" '^weir: wan0: .*program id [0-9]+ at XDP .* CAP_SYS_ADMIN' "$command"
	done
	run 0 in_ns r $drop "$WEIR" apply on.conf
	expect_eq "$err" "" "warnings where all is as it was"
	run 0 weir plan on.conf
	# what is not remembered as weir's may be somebody else's
	rm /run/weir/*.json
	run 2 in_ns r $drop "$WEIR" plan off.conf
	run 1 in_ns r $drop "$WEIR" xdp detach wan0
	expect_match "$err" 'CAP_SYS_ADMIN'
	run 0 in_ns r $drop "$WEIR" down
	expect_match "$err" '^weir: warning: wan0: program id [0-9]+ at XDP stays: whose it is takes CAP_SYS_ADMIN'
	run 0 weir xdp detach wan0
	expect_none
	run 0 in_ns r $drop "$WEIR" apply on.conf
	for command in "apply on.conf" "xdp attach wan0"; do
		run 0 in_ns r $drop "$WEIR" $command
		expect_match "$err" 'wan0: XDP program: sharing the prefixes takes CAP_SYS_ADMIN; nothing is stamped'
		expect_eq "$out" "nothing to change" "$command once more"
	done
	run 1 in_ns r $drop "$WEIR" apply native.conf
	expect_match "$err" 'wan0: XDP program: sharing the prefixes takes CAP_SYS_ADMIN'
	expect_none
}

# Whatever the kernel refuses of programs and maps: all or nothing, and `xdp on` may go without.
test_error_at_every_bpf_call() {
	local n with=0 without=0
	router
	rules "xdp on;" | conf a
	for ((n = 1; n < 1000; n += 2 * STRIDE)); do
		traced bpf "error=EINVAL:when=$n" "$WEIR" -n "$NETNS" apply a.conf >out 2>err
		case $? in
		0) status
			if grep -q 'clsact classifies' err; then
				expect_eq "$out" "wan0: no program at XDP
  clsact  stamped 0  missing 0  stale 0" "status after $(<err)"
				without=$((without + 1))
			else
				with=$((with + 1))
			fi ;;
		1) expect_no_match "$(state)" 'ifb-wan0|xdp|77e0:' "the state after: $(<err)" || return ;;
		*) not_ok "crashed at bpf call $n" ;;
		esac
		injected || break
		run 0 weir apply a.conf || return
		status
		expect_match "$out" ": the classifier's\$" "status after an error at call $n" || return
		run 0 weir down
	done
	[ "$n" -gt 20 ] || not_ok "only $n calls were seen"
	# larger steps may miss those few calls
	[ "$STRIDE" -gt 1 ] || [ "$without" -gt 0 ] || not_ok "it never went without"
}

run_tests "$@"
