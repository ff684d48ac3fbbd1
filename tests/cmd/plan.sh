#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir plan: says what apply will do, touches nothing.
. "$(dirname "$0")/common.bash"

files() {
	echo 'link wan0 { egress rate 20mbit { class a rate 1mbit { match tcp dport 22 } }; ingress rate 9mbit }' |
		conf a
	echo 'link wan0 { egress rate 30mbit { class b rate 1mbit { match tcp dport 22 } } }
		link lan0 { ingress rate 3mbit }' | conf b
}

test_exit_status() {
	router
	files
	run 2 weir plan a.conf
	run 0 weir apply a.conf
	run 0 weir plan a.conf
	expect_eq "$(tail -n 1 <<<"$out")" "nothing to change"
	run 2 weir plan b.conf
	run 1 weir plan nosuch.conf
	run 1 weir plan --nonsense a.conf
	run 2 weir plan - <<<''
	run 0 weir down
	run 0 weir plan - <<<''
}

# As anybody, and under a tracer: no message that would change something, no file.
test_touches_nothing() {
	local before
	router
	files
	run 0 weir apply b.conf
	before=$(state; ls -la --time-style=full-iso /run/weir)
	expect_eq "$(mutations "$WEIR" -n "$NETNS" plan a.conf)" 0 "messages that change something"
	expect_eq "$(<mutations.status)" 2
	run 2 weir plan --json a.conf
	run 0 weir plan --tc a.conf
	expect_eq "$(state; ls -la --time-style=full-iso /run/weir)" "$before"
}

test_needs_no_privilege() {
	router
	files
	run 2 ip netns exec "$NETNS" setpriv --reuid 65534 --clear-groups --bounding-set -all -- \
		"$WEIR" plan - <a.conf
	expect_match "$out" 'class a'
}

# The number of operations is that of apply, and of the JSON.
test_counts() {
	local n
	router
	files
	for file in a b a; do
		run 2 weir plan --json $file.conf
		n=$(jq .changes <<<"$out")
		expect_eq "$(jq '.operations | length' <<<"$out")" "$n" "operations of $file"
		run 2 weir plan $file.conf
		expect_match "$(tail -n 1 <<<"$out")" "^$n changes, "
		run 0 weir apply --json $file.conf
		expect_eq "$(jq .changes <<<"$out")" "$n" "changes applied of $file"
	done
}

# What a change costs is said: nothing in place, a queue where one goes.
test_costs() {
	router
	run 0 weir apply - <<<'link wan0 { egress rate 20mbit { class a rate 1mbit queue pfifo { match tcp dport 22 } } }'
	run 2 weir plan --json - <<<'link wan0 { egress rate 30mbit { class a rate 2mbit queue pfifo { match tcp dport 22 } } }'
	expect_eq "$(jq -c '[.operations[].cost] | unique' <<<"$out")" '["nothing"]'
	run 2 weir plan --json - <<<'link wan0 { egress rate 20mbit { class a rate 1mbit queue pfifo { match tcp dport 23 } } }'
	expect_eq "$(jq -c '[.operations[] | [.kind, .cost]]' <<<"$out")" '[["bpf","counters"]]' "the rules' own"
	run 2 weir plan --json - <<<'link wan0 { egress rate 20mbit { class a rate 1mbit queue bfifo { match tcp dport 22 } } }'
	expect_match "$(jq -c '[.operations[].cost] | unique' <<<"$out")" 'queue'
	run 2 weir plan - <<<'link wan0 { egress rate 20mbit { class a rate 1mbit queue bfifo { match tcp dport 22 } } }'
	expect_match "$(tail -n 1 <<<"$out")" ' 1 of them at the cost of a queue$'
}

run_tests "$@"
