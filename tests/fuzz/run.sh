#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh - every fuzzer that is built in $BUILD, for $FUZZ_SECONDS (30) each, from what there is of
# tests/fuzz/corpus/NAME and the dictionary tests/fuzz/NAME.dict. A find is kept in $FUZZ_FINDS (the
# system's temporary folder).
TEST_NO_NS=1
. "$(dirname "$0")/../lib.sh"

FUZZ_SECONDS=${FUZZ_SECONDS:-30}
TEST_TIMEOUT=$((FUZZ_SECONDS + 60))

fuzz() {
	local name=$1 seeds=()
	[ ! -d "$TOP/tests/fuzz/corpus/$name" ] || seeds=("$TOP/tests/fuzz/corpus/$name")
	[ ! -e "$TOP/tests/fuzz/$name.dict" ] || seeds+=("-dict=$TOP/tests/fuzz/$name.dict")
	mkdir corpus
	check "fuzz_$name for $FUZZ_SECONDS s" "$BUILD/tests/fuzz/fuzz_$name" \
		-max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="${FUZZ_FINDS:-${TMPDIR:-/tmp}}/weir-find-$name-" corpus "${seeds[@]}"
}

names=()
for program in "$BUILD"/tests/fuzz/fuzz_*; do
	[ -x "$program" ] && [ "${program%.o}" = "$program" ] || continue
	names+=("${program##*/fuzz_}")
	eval "test_${program##*/fuzz_}() { fuzz ${program##*/fuzz_}; }"
done
run_tests "${names[@]}"
