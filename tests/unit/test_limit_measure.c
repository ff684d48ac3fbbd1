// SPDX-License-Identifier: GPL-2.0-or-later
/* What is said of a limit by what it counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "host/limit.h"

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static struct limit_report_side side(uint64_t bytes, uint64_t dropped)
{
	return (struct limit_report_side){
		.wish = { .set = true, .rate_bit = 8000000, .burst_ns = SECOND / 4 }, .counted = true,
		.count = { .packets = bytes / 1000, .bytes = bytes, .dropped = dropped },
	};
}

/* The limit is 1,000,000 bytes a second; what was counted at two times, a second apart. */
static void verdicts(void **state)
{
	static const struct {
		uint64_t bytes0, dropped0, bytes1, dropped1;
		enum limit_verdict verdict;
	} cases[] = {
		{ 0, 0, 0, 0, LIMIT_NOT_CALLED },
		{ 5000, 0, 5000, 0, LIMIT_UNDER_LIMIT },
		{ 0, 0, 500000, 0, LIMIT_UNDER_LIMIT },
		{ 0, 0, 500000, 1, LIMIT_THROTTLED },
		{ 5000000, 7, 5950000, 7, LIMIT_THROTTLED },
		{ 0, 0, 1250000, 9, LIMIT_THROTTLED },		/* with the burst */
		{ 0, 0, 1740000, 9, LIMIT_THROTTLED },
		{ 0, 0, 1760000, 9, LIMIT_NOT_WORKING },
		{ 9000000, 0, 300000, 0, LIMIT_UNDER_LIMIT },	/* set anew meanwhile */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limit_report_side before = side(cases[i].bytes0, cases[i].dropped0);
		struct limit_report_side after = side(cases[i].bytes1, cases[i].dropped1);
		enum limit_verdict verdict = limit_measure(&before, &after, SECOND).verdict;

		if (verdict != cases[i].verdict)
			fail_msg("case %zu: %s", i, limit_verdict_text(verdict));
	}
}

static void rates(void **state)
{
	struct limit_report_side before = side(1000000, 0), after = side(1500000, 0);
	struct limit_measure m = limit_measure(&before, &after, SECOND / 2);

	(void)state;
	assert_int_equal(m.rate_bit, 8000000);
	assert_true(m.ratio > 0.999 && m.ratio < 1.001);
	m = limit_measure(NULL, &after, 3 * SECOND);
	assert_int_equal(m.rate_bit, 4000000);
	assert_int_equal(m.verdict, LIMIT_UNDER_LIMIT);
}

static void blocked_and_uncounted(void **state)
{
	struct limit_report_side none = side(0, 5), some = side(2000, 5), off = side(2000, 5);

	(void)state;
	none.wish.block = some.wish.block = true;
	assert_int_equal(limit_measure(NULL, &none, SECOND).verdict, LIMIT_BLOCKED);
	assert_int_equal(limit_measure(NULL, &some, SECOND).verdict, LIMIT_NOT_WORKING);
	assert_int_equal(limit_measure(&some, &some, SECOND).verdict, LIMIT_BLOCKED);
	off.counted = false;
	assert_int_equal(limit_measure(NULL, &off, SECOND).verdict, LIMIT_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts), cmocka_unit_test(rates),
		cmocka_unit_test(blocked_and_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
