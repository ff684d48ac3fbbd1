#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel that panics meanwhile: tests/vm/selftest.sh.
. "$(dirname "$0")/../../lib.sh"

test_crash() {
	echo 1 >/proc/sys/kernel/sysrq
	echo c >/proc/sysrq-trigger
}

run_tests "$@"
