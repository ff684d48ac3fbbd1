#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A test without an end: tests/vm/selftest.sh.
. "$(dirname "$0")/../../lib.sh"

test_hang() {
	sleep 1000
}

TEST_TIMEOUT=1000
run_tests "$@"
