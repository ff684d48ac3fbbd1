# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - what the benchmarks share. A benchmark is a file NAME.sh here, run by tests/bench/run as
# root, with these set: TOP the source tree, BUILD where it was built, WEIR the program, BENCH_BIN
# the folder of the helper programs, BENCH_RUNS how many runs a median is of; /run is its own. It
# prints figures, and lines that begin with `# `, which explain them in doc/figures.md.
#
#   figure NAME METRIC VALUE UNIT [PEER VALUE]   prints a figure; the ratio is the value's to the peer's
#   note TEXT...                                 prints an explanation
#   skip REASON                                  prints why there are no figures, ends the benchmark
#   die TEXT...                                  ends it, failed
#   median < NUMBERS, worst < NUMBERS            the middle and the largest
#   elapsed_ms CMD...                            runs CMD, prints how long it took; its output goes to
#                                                $BENCH_LOG, its failure ends the benchmark
#   quiet                                        waits for an idle machine, a minute in all
#   wait_all PID...                              waits for processes, fails when one failed
#   in_router CMD...                             as in_ns router

. "$TOP/scripts/lab.sh"
BENCH_LOG=$(mktemp)
BENCH_PATIENCE=${BENCH_PATIENCE:-120}	# half seconds of waiting for an idle machine that a benchmark has

note() {
	printf '# %s\n' "$*"
}

skip() {
	note "Skipped: $*"
	exit 0
}

die() {
	echo "${0##*/}: $*" >&2
	[ ! -s "$BENCH_LOG" ] || tail -n 20 "$BENCH_LOG" | sed 's/^/    /' >&2
	exit 1
}

figure() {
	local name=$1 metric=$2 value=$3 unit=$4
	if [ $# -lt 6 ]; then
		printf '%s %s=%s %s\n' "$name" "$metric" "$value" "$unit"
		return
	fi
	awk -v head="$name $metric=$value $unit peer=$5:$6" -v value="$value" -v peer="$6" 'BEGIN {
		if (peer + 0 == 0) print head " ratio=-"
		else printf "%s ratio=%.*f\n", head, (value / peer < 0.1 ? 4 : 3), value / peer
	}'
}

median() {
	sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

worst() {
	sort -g | tail -n 1
}

elapsed_ms() {
	local before=$EPOCHREALTIME after
	"$@" >"$BENCH_LOG" 2>&1 </dev/null || die "failed: $*"
	after=$EPOCHREALTIME
	awk -v a="$before" -v b="$after" 'BEGIN { printf "%.2f\n", (b - a) * 1000 }'
}

# Idle and all time, in ticks: /proc/stat's first line (proc(5)).
bench_ticks() {
	awk '{ for (i = 2; i <= 8; i++) all += $i; print $5 + $6, all; exit }' /proc/stat
}

# What others do on the machine at the same time ends up in the figures: wait for it to be 90 % idle.
quiet() {
	local before after
	while [ "$BENCH_PATIENCE" -gt 0 ]; do
		before=$(bench_ticks)
		sleep 0.5
		after=$(bench_ticks)
		awk -v a="$before" -v b="$after" 'BEGIN {
			split(a, x, " "); split(b, y, " "); exit (y[1] - x[1]) / (y[2] - x[2]) < 0.9
		}' && return
		BENCH_PATIENCE=$((BENCH_PATIENCE - 1))
	done
}

wait_all() {
	local pid status=0
	for pid; do
		wait "$pid" || status=1
	done
	return "$status"
}

in_router() {
	in_ns router "$@"
}

bench_end() {
	[ "$BENCH_PATIENCE" -gt 0 ] || note "Measured while the machine was busy with other things."
	lab_end
	rm -f "$BENCH_LOG"
}

lab_begin
trap bench_end EXIT
