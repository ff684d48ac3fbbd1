# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# attend.sh - for scripts that run others for long: `attend CMD...` is CMD, except that INT, TERM and
# HUP end CMD too, and at once. Plain bash would wait for CMD first, and timeout(1) keeps the
# terminal's signals from what it runs. CMD gets its INT back, which bash takes from background jobs.

attended=

attend() {
	env --default-signal=INT "$@" &
	attended=$!
	wait "$attended"
}

attend_interrupted() {
	trap '' INT TERM HUP
	[ -z "$attended" ] || { kill "$attended" && wait "$attended"; } 2>/dev/null
	exit 130
}

trap attend_interrupted INT TERM HUP
