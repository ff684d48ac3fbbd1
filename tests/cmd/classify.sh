#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which classifier carries a link, who says so, and the BPF one's rules: counted, replaced, never left
# behind.
. "$(dirname "$0")/common.bash"

files() {
	need filter bpf
	conf a <<-'EOF'
		link wan0 {
			egress rate 20mbit {
				class voip rate 1mbit { match udp dport 5060-5061; match dscp ef }
				class lab rate 5mbit { class a rate 1mbit { match udp dport 7000 } }
			}
			ingress rate 20mbit { class in rate 1mbit { match udp sport 99 } }
		}
	EOF
	sed 's/5060-5061/5060-5062/' a.conf | conf b
	sed 's/link wan0 {/& classifier kernel;/' a.conf | conf kernel
	sed 's/link wan0 {/& classifier bpf;/' a.conf | conf bpf
}

filters() {
	in_ns r tc filter show dev wan0 "$1"
}

# Programs that run on wan0, by their ids.
programs() {
	{ filters egress; filters ingress; } | sed -nE 's/.* weir_classify:.* id ([0-9]+) .*/\1/p'
}

# gone ID...: the kernel does not have these programs any more, after a moment.
gone() {
	local tries id
	for id; do
		for ((tries = 0; tries < 100; tries++)); do
			bpftool prog show id "$id" >/dev/null 2>&1 || continue 2
			sleep 0.1
		done
		not_ok "program $id is still there"
	done
}

send() {
	in_ns r bash -c "for ((i = 0; i < $2; i++)); do printf %0100d 0 >/dev/udp/192.0.2.2/$1; done"
}

test_default_is_bpf() {
	router
	files
	run 2 weir plan a.conf
	expect_match "$(head -n 1 <<<"$out")" '^wan0: classifier bpf$'
	run 2 weir plan --json a.conf
	expect_eq "$(jq -c .classifiers <<<"$out")" '[{"link":"wan0","classifier":"bpf","reason":null}]'
	run 0 weir apply a.conf
	expect_match "$(filters egress)" 'pref 30688 bpf chain 0 handle 0x1 weir_classify:[0-9a-f]{16} direct-action'
	expect_match "$(filters ingress)" 'pref 30688 bpf chain 0 handle 0x1 .*weir_classify:[0-9a-f]{16} '
	expect_no_match "$(filters ingress)" 'direct-action'
	expect_match "$(filters ingress)" 'mirred \(Egress Redirect to device ifb-wan0\) stolen'
	expect_eq "$(in_ns r tc filter show dev wan0)$(in_ns r tc filter show dev ifb-wan0)" "" "filters of the trees"
	run 0 weir apply bpf.conf
	expect_match "$out" '^nothing to change$'
	run 0 weir show
	expect_match "$out" '^wan0 egress .*classifier bpf$'
	run 0 weir show --json
	expect_eq "$(jq -c '.links[0] | [.classifier, .classifier_reason]' <<<"$out")" '["bpf",null]'
	run 0 weir backends --json
	expect_eq "$(jq -c '[.backends[] | select(.use == "classifier") | [.name, .available, .chosen]]' <<<"$out")" \
		'[["bpf",true,true],["kernel",true,false]]'
}

# Without a rule, too: then all is of the default class.
test_no_rules() {
	router
	files
	echo 'link wan0 { egress rate 20mbit; ingress rate 20mbit }' | conf none
	run 0 weir apply none.conf
	expect_eq "$(programs | wc -l)" 2
	reach r 192.0.2.2
}

test_kernel_is_kept_to() {
	router
	files
	run 0 weir show --rules
	expect_eq "$err" "weir shapes nothing in this network namespace"
	run 0 weir show --rules wan0
	expect_eq "$out" "wan0: not shaped by weir"
	run 0 weir apply kernel.conf
	expect_eq "$(programs)" ""
	expect_match "$(filters ingress)" 'mirred'
	run 0 weir show
	expect_match "$out" 'classifier kernel$'
	run 0 weir show --rules
	expect_match "$out" 'the kernel.s filters classify here'
}

# Whoever may not load programs gets the kernel's filters, and the reason; who insists gets the reason.
test_without_the_privilege() {
	local drop="setpriv --bounding-set=-bpf,-sys_admin,-perfmon"
	router
	files
	out=$(in_ns r $drop "$WEIR" plan a.conf)
	expect_match "$(head -n 1 <<<"$out")" '^wan0: classifier kernel; bpf cannot be had: it needs CAP_BPF'
	err=$(in_ns r $drop "$WEIR" plan bpf.conf 2>&1)
	expect_eq "$?" 1
	expect_match "$err" '^weir: wan0: classifier bpf: it needs CAP_BPF'
	out=$(in_ns r $drop "$WEIR" backends)
	expect_match "$out" '^classifier  bpf +no +it needs CAP_BPF'
	expect_match "$out" '^classifier  kernel +chosen '
}

# What the verifier asks a privilege for is not what it finds wrong.
test_without_perfmon() {
	router
	files
	err=$(in_ns r setpriv --bounding-set=-sys_admin,-perfmon "$WEIR" plan bpf.conf 2>&1)
	expect_eq "$?" 1
	expect_match "$err" '^weir: wan0: classifier bpf: it needs CAP_PERFMON$'
}

# Who falls back on the kernel's filters is told so when it happens.
test_fallback_is_told() {
	router
	files
	run 0 in_ns r setpriv --bounding-set=-bpf,-sys_admin,-perfmon "$WEIR" apply a.conf
	expect_match "$err" '^weir: warning: wan0: classifier kernel; bpf cannot be had: it needs CAP_BPF'
	run 0 weir show
	expect_match "$out" '^drift: wan0: the classifier of egress: is missing: the kernel.s filters classify$'
	run 0 weir down
	run 0 weir apply kernel.conf
	expect_eq "$err" ""
}

# A passing shortage fails, whole, and chooses nothing; no error is about something else.
test_few_descriptors() {
	local before n
	router
	files
	before=$(state)
	for ((n = 8; n < 60; n++)); do
		in_ns r bash -c "ulimit -n $n; exec $WEIR apply a.conf" >out 2>err
		status=$? err=$(<err)
		[ $status -ne 0 ] || break
		one_error
		expect_match "$err" 'Too many open files' "with $n descriptors" || return
		unchanged "$before" "state after an error with $n descriptors: $err" || return
	done
	expect_eq "$err" "" "messages with $n descriptors"
	expect_eq "$(programs | wc -l)" 2 "programs with $n descriptors"
}

# Without CAP_SYS_ADMIN an attached program cannot be put back: it is replaced by nobody who could not undo it.
test_no_way_back() {
	local before drop="setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin"
	router
	files
	run 0 in_ns r $drop "$WEIR" apply a.conf
	before=$(state)
	run 1 in_ns r $drop "$WEIR" apply b.conf
	one_error
	expect_match "$err" '^weir: wan0: .*: could not be put back on an error without CAP_SYS_ADMIN$'
	unchanged "$before"
	run 0 in_ns r $drop "$WEIR" apply a.conf
	run 0 in_ns r $drop "$WEIR" down
	expect_match "$err" '^weir: warning: wan0: .*: could not be put back on an error without CAP_SYS_ADMIN$'
	expect_eq "$(programs)" ""
}

# A rule that takes all is a rule like any other.
test_match_all_counts() {
	router
	conf all <<<'link wan0 { classifier bpf; egress rate 20mbit { class a rate 1mbit { match udp dport 5060 }
		class rest rate 1mbit { match all } } }'
	need filter bpf
	run 0 weir apply all.conf
	reach r 192.0.2.2
	send 5060 2
	send 7001 3
	run 0 weir show --rules --json
	expect_eq "$(jq -c '.rules[0] | [.rules[0].packets, .rules[1].match, .rules[1].packets >= 3,
		.others[0].packets]' <<<"$out")" '[2,"all",true,0]'
}

# As many packets as were sent, by rule, in text and JSON.
test_rules_count() {
	router
	files
	run 0 weir apply a.conf
	reach r 192.0.2.2
	send 5060 3
	send 5061 2
	send 7000 4
	send 7001 1
	run 0 weir show --rules --json
	expect_eq "$(jq -c '.rules[] | select(.direction == "egress") | .rules | map([.class, .match, .packets, .bytes])' <<<"$out")" \
		'[["voip","udp dport 5060-5061",5,710],["voip","dscp ef",0,0],["lab/a","udp dport 7000",4,568]]'
	expect_eq "$(jq '.rules[] | select(.direction == "egress").others[0].packets >= 2' <<<"$out")" true "unmatched"
	run 0 weir show --rules
	expect_match "$out" '^ +5 +710  voip   udp dport 5060-5061$'
	expect_match "$out" '^wan0 ingress$'
	# other rules count anew
	run 0 weir apply b.conf
	run 0 weir show --rules
	expect_match "$out" '^ +0 +0  voip   udp dport 5060-5062$'
}

# One message for another set, none for the same.
test_replaced_in_place() {
	local before
	router
	files
	run 0 weir apply a.conf
	before=$(filters ingress)
	expect_eq "$(mutations "$WEIR" -n "$NETNS" apply b.conf)" $'1\nRTM_NEWTFILTER'
	expect_eq "$(filters ingress)" "$before" "the other direction"
	expect_eq "$(mutations "$WEIR" -n "$NETNS" apply b.conf)" 0
}

# From one classifier to the other and back: it ends as from nothing.
test_back_and_forth() {
	local bpf kernel
	router
	files
	run 0 weir apply a.conf
	bpf=$(state)
	run 0 weir down
	run 0 weir apply kernel.conf
	kernel=$(state)
	for turn in 1 2; do
		run 0 weir apply a.conf
		unchanged "$bpf" "the state with bpf, turn $turn"
		run 0 weir plan a.conf
		run 0 weir apply kernel.conf
		unchanged "$kernel" "the state with the kernel's filters, turn $turn"
		run 0 weir plan kernel.conf
	done
}

# What somebody else has put in the place stays, and is named.
test_foreign_in_the_place() {
	local before
	router
	files
	in_ns r tc qdisc add dev wan0 clsact
	in_ns r tc filter add dev wan0 egress protocol all prio 30688 u32 match u32 0 0 classid 1:1
	before=$(state)
	run 1 weir apply a.conf
	one_error
	expect_match "$err" 'wan0: filter u32 of egress, prio 30688, is not weir.s'
	unchanged "$before"
	run 0 weir down
	unchanged "$before"
	in_ns r tc filter del dev wan0 egress
	run 0 weir apply a.conf
}

# A foreign program beside weir's survives all of it.
test_foreign_beside() {
	local before
	router
	files
	in_ns r tc qdisc add dev wan0 clsact
	in_ns r tc filter add dev wan0 ingress protocol all prio 5 u32 match u32 0 0 classid 1:1
	before=$(state)
	run 0 weir apply a.conf
	run 0 weir apply b.conf
	run 0 weir down
	unchanged "$before"
}

# A program that is taken away, or runs somewhere else than the file says, is missed and put back.
test_drift() {
	router
	files
	run 0 weir apply a.conf
	in_ns r tc filter del dev wan0 egress prio 30688
	run 0 weir show
	expect_match "$out" '^drift: wan0: the classifier of egress: is missing: all goes to the default class$'
	run 0 weir apply a.conf
	in_ns r ip link del ifb-wan0
	run 2 weir plan a.conf
	run 0 weir apply a.conf
	run 0 weir plan a.conf
	run 0 weir show
	expect_no_match "$out" '^drift'
}

# Killed at every system call that makes or attaches something: apply converges, and after down no
# program is left.
test_killed() {
	local n call ids all nothing
	need command bpftool
	router
	files
	nothing=$(state)
	for call in bpf sendmsg; do
		for ((n = 1; n < 200; n += STRIDE * (call == bpf ? 7 : 1))); do
			traced "$call" "signal=KILL:when=$n" "$WEIR" -n "$NETNS" apply a.conf >/dev/null 2>&1
			ids=$(programs)
			run 0 weir apply b.conf || return
			all="$all $ids $(programs | paste -sd' ')"
			run 0 weir plan b.conf || return
			run 0 weir down || return
			[ "$(state)" = "$nothing" ] || { unchanged "$nothing" "state after a kill at $call $n and down"; return; }
			injected || break
		done
	done
	# shellcheck disable=SC2086
	gone $all
}

# What fails to load changes nothing.
test_error_at_every_bpf_call() {
	local before n
	router
	files
	before=$(state)
	for ((n = 1; n < 300; n += 5 * STRIDE)); do
		traced bpf "error=ENOMEM:when=$n" "$WEIR" -n "$NETNS" apply bpf.conf >out 2>err
		status=$?
		err=$(<err)
		injected || break
		if [ $status -ne 0 ]; then
			one_error
			unchanged "$before" "state after an error at bpf call $n: $err" || return
		else
			run 0 weir down
		fi
	done
	[ "$n" -gt 10 ] || not_ok "only $n calls"
}

run_tests "$@"
