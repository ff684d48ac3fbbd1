#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: none
#
# `limit` blocks: planned, applied, shown, put back and taken away with everything else in the file.
. "$(dirname "$0")/limits.bash"

both() {
	conf f <<-EOF
		link wan0 { egress rate 20mbit }
		limit cgroup a { egress rate 5mbit; ingress rate 10mbit burst 300ms; only internet }
		limit user 64999 { ingress block }
	EOF
}

# Subject, name and rates of all limits.
summary() {
	weir limits --interval 10ms --json | jq -c '[.limits[] | [.subject, .name] + [.upload, .download | if . == null
		then null elif .block then "block" else .rate_bit end] + (if .only then [.only] else [] end)] | sort | .[]'
}

test_plan_and_apply() {
	box
	cgroup a
	both
	run 0 weir check f.conf
	expect_match "$out" '1 link, 1 class, 2 limits, 0 warnings'
	run 2 weir plan f.conf
	expect_match "$out" '^\+ limit cgroup a: upload 5mbit \(.*\), download 10mbit burst 300ms \(.*\), only internet$'
	expect_match "$out" '^\+ limit user 64999: download block \(.*\)$'
	run 2 weir plan --json f.conf
	expect_eq "$(jq -c '[.operations[] | select(.object == "limit") | [.do, .subject, .name, .options.upload.rate_bit]]' <<<"$out")" \
		'[["add","cgroup","a",5000000],["add","user","64999",null]]'
	expect_eq "$(jq .changes <<<"$out")" "$(jq '.operations | length' <<<"$out")"
	expect_eq "$(limited)" 0 "limits that a plan made"
	run 0 weir apply f.conf
	expect_eq "$(summary)" '["cgroup","a",5000000,10000000,"internet"]
["user","64999",null,"block"]'
	run 0 weir plan f.conf
	expect_eq "$(tail -n 1 <<<"$out")" "nothing to change"
	run 0 weir apply f.conf
	expect_eq "$out" "nothing to change"
	run 0 weir down
	expect_eq "$(limited)" 0
	run 0 weir down
	expect_eq "$out" "nothing to change"
	nothing_left </dev/null
}

test_changes() {
	box
	cgroup a
	both
	run 0 weir apply f.conf
	conf f <<-EOF
		limit cgroup a { egress rate 6mbit; only internet }
		limit user 64998 { egress rate 1mbit }
	EOF
	run 2 weir plan f.conf
	expect_match "$out" '^~ limit cgroup a: upload 5mbit .* -> upload 6mbit \([a-z_]+\), only internet$'
	expect_match "$out" '^\+ limit user 64998: upload 1mbit'
	expect_match "$out" '^- limit user 64999: download block'
	run 0 weir apply f.conf
	expect_eq "$(summary)" '["cgroup","a",6000000,null,"internet"]
["user","64998",1000000,null]'
	run 0 weir plan f.conf
	echo >f.conf
	run 0 weir apply f.conf
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

# What was set by hand is no file's business, unless the file names it.
test_beside_limits_by_hand() {
	box
	cgroup a
	both
	run 0 weir limit user 64998 --upload 1mbit
	run 0 weir limit user 64999 --upload 2mbit
	run 2 weir plan f.conf
	expect_match "$out" '^~ limit user 64999: upload 2mbit .* -> download block'
	expect_no_match "$out" 64998
	run 0 weir apply f.conf
	expect_eq "$(summary)" '["cgroup","a",5000000,10000000,"internet"]
["user","64998",1000000,null]
["user","64999",null,"block"]'
	run 0 weir show
	expect_no_match "$out" drift
	expect_match "$out" '^user 64999 +download +block '
	# changed and removed by hand: drift, which apply mends
	run 0 weir limit user 64999 --upload 3mbit
	run 0 weir unlimit cgroup a
	run 0 weir show --json
	expect_eq "$(jq -c '[.drift[] | [.object, .what]] | sort' <<<"$out")" \
		'[["limit cgroup a","missing"],["limit user 64999","changed"]]'
	expect_eq "$(jq '.limits | length' <<<"$out")" 2
	run 0 weir apply f.conf
	expect_match "$out" '^2 changes'
	run 0 weir down
	expect_eq "$(summary)" '["user","64998",1000000,null]'
	run 0 weir apply f.conf
	run 0 weir unlimit --all
	expect_eq "$(limited)" 0
	run 0 weir down
	nothing_left </dev/null
}

# Files of two network namespaces do not touch each other's limits.
test_two_namespaces() {
	box
	echo 'limit user 64999 { egress rate 1mbit }' >r.conf
	echo 'limit user 64998 { egress rate 2mbit }' >s.conf
	run 0 weir apply r.conf
	NETNS=$(lab_netns s) run 0 weir apply s.conf
	expect_eq "$(limited)" 2
	run 0 weir apply r.conf
	expect_eq "$out" "nothing to change"
	run 0 weir down
	expect_eq "$(summary)" '["user","64998",2000000,null]'
	NETNS=$(lab_netns s) run 0 weir down
	nothing_left </dev/null
}

test_named_links_leave_limits_alone() {
	box
	cgroup a
	both
	run 0 weir apply --link wan0 f.conf
	expect_eq "$(limited)" 0
	run 0 weir apply f.conf
	expect_eq "$(limited)" 2
	run 0 weir down wan0
	expect_eq "$(limited)" 2
	run 0 weir show wan0
	expect_no_match "$out" 64999
	run 0 weir down
	expect_eq "$(limited)" 0
	nothing_left </dev/null
}

test_a_process() {
	local p
	box
	sleep 60 &
	p=$!
	echo "limit pid $p { egress rate 1mbit; no-children }" >f.conf
	run 0 weir apply f.conf
	expect_eq "$(field '[.name, .no_children]')" "[\"$p\",true]"
	kill "$p"
	wait "$p"
	run 0 weir show
	expect_no_match "$out" "$p"
	run 1 weir apply f.conf
	expect_eq "$err" "f.conf:1:11: there is no process $p"
	echo >f.conf
	run 0 weir apply f.conf
	run 0 weir down
	nothing_left </dev/null
}

test_confirm() {
	local before tries
	box
	cgroup a
	both
	run 0 weir limit user 64999 --upload 2mbit
	before=$(state; summary)
	run 0 weir apply --confirm 2 f.conf
	expect_eq "$(limited)" 2
	for ((tries = 0; tries < 80; tries++)); do
		[ "$(state; summary)" != "$before" ] || break
		sleep 0.1
	done
	expect_eq "$(state; summary)" "$before" "what was there before"
	run 0 weir apply --confirm 30 f.conf
	run 0 weir confirm
	expect_eq "$(limited)" 2
	run 0 weir down
	nothing_left </dev/null
}

wrong() {
	printf '%s\n' "$2" >w.conf
	run 1 weir apply w.conf
	expect_match "$err" "^w.conf:$1"
	expect_eq "$(limited)" 0
}

test_wrong_files_change_nothing() {
	local before
	box
	before=$(state)
	wrong "2:12: there is no user 'no-such-user'" \
		$'link wan0 { egress rate 1mbit }\nlimit user no-such-user { egress rate 1mbit }'
	wrong "2:14: cgroup 'no/such' " $'link wan0 { egress rate 1mbit }\nlimit cgroup no/such { egress rate 1mbit }'
	wrong "1:12: there is no backend 'ebfp'; did you mean 'ebpf'" 'limit user 1 { egress rate 1mbit; backend ebfp }'
	wrong "2:12: user 0: another limit of the file is on the same" \
		$'limit user root { egress rate 1mbit }\nlimit user 0 { egress rate 1mbit }'
	wrong "1:28: a rate of 0 would let nothing pass" 'limit user 1 { egress rate 0 }'
	unchanged "$before"
	nothing_left </dev/null
}

# Calls of bpf() that fail, one by one: all is as it was, links and limits, and what is remembered.
test_put_back() {
	local n before failed=0
	need command strace
	box
	cgroup a
	both
	run 0 weir limit user 64999 --upload 2mbit
	run 0 weir limit user 64998 --upload 1mbit
	before=$(state; summary; cat /run/weir/*.json 2>/dev/null)
	for ((n = 20; n < 1000; n += 23 * STRIDE)); do
		nsenter --cgroup="$HERE/namespace" strace -f -qq -e trace=bpf -e "inject=bpf:error=ENOMEM:when=$n" -o trace \
			"$WEIR" -n "$NETNS" apply f.conf >out 2>&1 && {
			grep -q INJECTED trace || break
			# it did without: probing, or another backend
			run 0 weir down
			run 0 weir limit user 64999 --upload 2mbit
			continue
		}
		failed=$((failed + 1))
		expect_eq "$(state; summary; cat /run/weir/*.json 2>/dev/null)" "$before" "after a failure at call $n"
	done
	[ "$failed" -gt 0 ] || not_ok "nothing failed"
	ok "failed $failed times up to call $n"
}

# Killed at any point, weir knows what its file made.
test_killed() {
	local n killed=0
	need command strace
	box
	cgroup a
	both
	for ((n = 5; n < 1000; n += 31 * STRIDE)); do
		nsenter --cgroup="$HERE/namespace" strace -f -qq -e trace=bpf -e "inject=bpf:signal=KILL:when=$n" -o trace \
			"$WEIR" -n "$NETNS" apply f.conf >out 2>&1
		case $? in
		0) break ;;
		137) killed=$((killed + 1)) ;;
		esac
		run 0 weir down
		expect_eq "$(limited)" 0 "limits after a kill at call $n and down"
		nothing_left </dev/null
	done
	[ "$killed" -gt 0 ] || not_ok "it was not killed"
	ok "killed $killed times up to call $n"
}

run_tests "$@"
