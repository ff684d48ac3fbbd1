#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every file of doc/examples: read without a word, applied, applied again, taken down.
. "$(dirname "$0")/common.bash"

applies() {
	local file=$TOP/doc/examples/$1 name before classes
	router
	run 0 weir check "$file"
	expect_eq "$err" "" "warnings of $1"
	for name in $(sed -nE 's/^link ([^ ]+).*/\1/p' "$file"); do
		[ "$name" = wan0 ] || lab_link r "$name" s "p-$name"
	done
	before=$(state)
	run 2 weir plan "$file"
	unchanged "$before" "the state after plan"
	run 0 weir apply "$file"
	expect_eq "$err" "" "warnings of apply"
	run 0 weir plan "$file"
	expect_eq "$(mutations "$WEIR" -n "$NETNS" apply "$file")" 0 "changes of the second apply"
	# every class of the file is one of the kernel's, and no more: each direction has a root and the
	# default of each tree of classes may be implied
	classes=$(weir check --json "$file" | jq .classes)
	expect_eq "$(classes_of r)" "$((classes + $(directions "$file")))" "classes"
	run 0 weir show --interval 10ms
	for name in $(grep -oE '\<class [a-z]+' "$file" | sed 's/class //' | sort -u); do
		expect_match "$out" "\\<$name\\>" "show"
	done
	run 0 weir down
	unchanged "$before" "the state after down"
}

classes_of() {
	local dev
	for dev in $(in_ns "$1" ip -br link | sed 's/[@ ].*//'); do
		in_ns "$1" tc class show dev "$dev"
	done | grep -c '^class htb '
}

directions() {
	grep -oE '^[^#]*' "$1" | grep -oE '\<(egress|ingress) rate' | wc -l
}

test_router() {
	applies router.conf
}

test_office() {
	applies office.conf
}

test_interface() {
	applies interface.conf
}

test_server() {
	need action police
	directions() { echo 1; }	# the others are of police rules
	applies server.conf
}

# As an interface script calls it.
test_interface_script() {
	local before
	router
	lab_link r eth0 s p-eth0
	before=$(state)
	run 0 weir apply "$TOP/doc/examples/interface.conf" --link eth0
	run 0 weir apply - --link wan0 <<<'link wan0 { egress rate 20mbit; ingress rate 100mbit }'
	run 0 weir plan --link eth0 "$TOP/doc/examples/interface.conf"
	run 0 weir down eth0
	run 0 weir down --link wan0
	unchanged "$before"
}

test_each_example_is_here() {
	local name
	for name in "$TOP"/doc/examples/*; do
		grep -q "applies ${name##*/}" "$0" || not_ok "no test applies $name"
	done
}

run_tests "$@"
