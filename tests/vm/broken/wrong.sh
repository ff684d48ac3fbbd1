#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A test that fails, and a kernel that complains and is tainted: tests/vm/selftest.sh.
. "$(dirname "$0")/../../lib.sh"

test_good() {
	ok "nothing is wrong here"
}

test_bad() {
	expect_eq 1 2 "one"
}

test_upsets_the_kernel() {
	echo '<4>WARNING: made up by a test' >/dev/kmsg
	echo 512 >/proc/sys/kernel/tainted
}

run_tests "$@"
