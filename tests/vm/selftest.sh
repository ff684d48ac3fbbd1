#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What must not pass does not: guests in which something goes wrong (tests/vm/broken). Run on the host,
# not in a guest.
TEST_NO_NS=1
. "$(dirname "$0")/../lib.sh"

# guest OPTION... NAME: a guest with that test of tests/vm/broken, which fails; $out has what run says,
# $kept the folder with what is left of it.
guest() {
	local name="${*: -1}"
	run 1 "$TOP/tests/vm/run" --kernel 6.12 --build "$BUILD" --tally "$PWD/tally" "${@:1:$#-1}" \
		"tests/vm/broken/$name.sh"
	kept=$(sed -n 's/^vm-6.12: kept //p' <<<"$out")
	check "the console is kept" test -e "$kept/console"
}

test_a_failing_test_and_a_tainted_kernel() {
	guest wrong
	expect_match "$out" '^not ok: vm-6.12: wrong.sh: 2 - bad'
	expect_match "$out" '^not ok: vm-6.12: kernel trouble'
	expect_match "$out" 'kernel tainted 512'
	expect_match "$out" '^vm-6.12: 2 passed, 2 failed, 0 skipped'
	expect_eq "$(<tally)" "2 2 0 vm-6.12" "the tally"
	expect_match "$(<"$kept/console")" 'WARNING: made up by a test' "the console"
	rm -rf "$kept"
}

test_a_panic() {
	guest crash
	expect_match "$out" '^not ok: vm-6.12: the guest did not come to its end'
	expect_match "$(<"$kept/console")" 'Kernel panic - not syncing: sysrq triggered crash' "the console"
	rm -rf "$kept"
}

test_no_end() {
	guest --timeout 15 hang
	expect_match "$out" '^not ok: vm-6.12: no end within 15 s'
	rm -rf "$kept"
}

# A module of the kernel's that is left out cannot be loaded.
test_without_a_module() {
	run 1 "$TOP/tests/vm/run" --kernel 6.12 --build "$BUILD" --without sch_nosuch tests/cmd/show.sh
	expect_match "$out$err" 'sch_nosuch is no module of this kernel'
	rm -rf "$(sed -n 's/^vm-6.12: kept //p' <<<"$out")"
}

# A run of nothing is not a run that passed.
test_a_test_that_has_no_guest() {
	run 1 "$TOP/tests/vm/run" --kernel 6.12 --build "$BUILD" tests/cmd/help.sh
	expect_match "$out$err" 'tests/cmd/help.sh: runs in no guest'
	run 1 "$TOP/tests/vm/run" --kernel 6.12 --build "$BUILD" tests/cmd/nosuch.sh
	expect_match "$out$err" 'tests/cmd/nosuch.sh: there is no such test'
}

TEST_TIMEOUT=${TEST_TIMEOUT:-300}
run_tests "$@"
