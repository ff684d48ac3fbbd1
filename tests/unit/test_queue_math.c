// SPDX-License-Identifier: GPL-2.0-or-later
/* The arithmetic behind options: what the kernel keeps of times, shares, RED, netem's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linux/pkt_sched.h>
#include <time.h>

#include "qdisc/netem_dist.h"
#include "qdisc/opt.h"
#include "qdisc/redcalc.h"

/* ---- canonical times, against the kernel's own arithmetic ---- */

static uint64_t codel_says(uint64_t us)
{
	return (((us * 1000) >> 10) << 10) / 1000;
}

static uint64_t tick_says(uint64_t us)
{
	return ((us * 1000) >> 6 << 6) / 1000;
}

static void canonical_times(void **state)
{
	uint64_t us, canon;

	(void)state;
	for (us = 0; us < 300000; us++) {
		canon = opt_codel_canon(us * 1000) / 1000;
		assert_int_equal(codel_says(canon), codel_says(us));
		assert_true(canon <= us);
		assert_int_equal(opt_codel_canon(canon * 1000), canon * 1000);
		canon = opt_tick_canon(us * 1000) / 1000;
		assert_int_equal(tick_says(canon), tick_says(us));
		assert_int_equal(opt_tick_canon(canon * 1000), canon * 1000);
	}
	for (us = 1; us < 5000; us++)
		assert_int_equal(opt_codel_canon(us * 1000000), us * 1000000);	/* whole ms stay */
}

static void canonical_jiffies(void **state)
{
	struct timespec res;
	uint64_t us, canon, tick_us;

	(void)state;
	assert_int_equal(clock_getres(CLOCK_MONOTONIC_COARSE, &res), 0);
	tick_us = (uint64_t)res.tv_nsec / 1000;
	assert_in_range(tick_us, 1000, 10000);
	assert_int_equal(opt_jiffy_canon(0), 0);
	for (us = 1; us < 200000; us += 7) {
		canon = opt_jiffy_canon(us * 1000) / 1000;
		assert_true(canon + 1 >= us && canon < us + tick_us + 1);
		assert_int_equal(opt_jiffy_canon(canon * 1000), canon * 1000);
	}
}

static void shares(void **state)
{
	uint64_t u;

	(void)state;
	for (u = 0; u <= 1000000; u++)
		assert_int_equal(opt_prob_from_wire(opt_prob_to_wire(u)), u);
	assert_int_equal(opt_prob_to_wire(0), 0);
	assert_int_equal(opt_prob_to_wire(1000000), UINT32_MAX);
	for (u = 0; u <= 1000000000; u += 9973)
		assert_int_equal(opt_fraction_from_wire(opt_fraction_to_wire(u)), u);
	assert_int_equal(opt_fraction_to_wire(500000000), UINT32_C(1) << 31);
	assert_int_equal(opt_fraction_to_wire(OPT_FRACTION_ONE), UINT32_MAX);
}

/* ---- RED's arithmetic ---- */

static void red_arithmetic(void **state)
{
	uint8_t table[RED_TABLE];
	int i, cell;

	(void)state;
	/* the table in include/net/red.h for th_min/S = 32 has 33, 35, 57 and 190, rounded */
	assert_int_equal(red_wlog(32000, 32, 1000), 1);
	assert_int_equal(red_wlog(32000, 34, 1000), 2);
	assert_int_equal(red_wlog(32000, 57, 1000), 5);
	assert_int_equal(red_wlog(32000, 189, 1000), 9);
	assert_true(red_wlog(32000, 30, 1000) < 0);
	assert_int_equal(red_burst_min(32000, 1000), 32);
	/* and its example: qth_max = 128K, qth_min = 32K, max_P = 0.02: Plog = 22 */
	assert_int_equal(red_plog(32 * 1024, 128 * 1024, 20000000), 23);
	assert_int_equal(red_plog(32 * 1024, 128 * 1024, 25000000), 22);
	assert_true(red_plog(0, UINT32_MAX, 1) < 0);

	/* 1000 bytes at 8 Mbit/s take 1 ms: W = 1/4 halves the average in 2.4 ms */
	cell = red_idle_table(2, red_packet_us(1000, 8000000), table);
	assert_int_equal(cell, 12);
	assert_int_equal(table[0], 0);
	assert_int_equal(table[1], 1);		/* 4.1 ms: (3/4)^4.1 = 0.31 */
	assert_int_equal(table[10], 16);	/* 41 ms: 2^-16.9999 */
	for (i = 1; i < RED_TABLE; i++)
		assert_true(table[i] >= table[i - 1] && table[i] <= 31);
	assert_int_equal(table[RED_TABLE - 1], 31);
	assert_int_equal(red_idle_table(2, red_packet_us_of_cell(2, cell), NULL), cell);
	assert_int_equal(red_idle_table(31, red_packet_us(UINT32_MAX, 8), table), 23);
}

/* ---- netem's tables ---- */

static double moment(const int16_t *table, int power)
{
	double sum = 0, x;
	int i;

	for (i = 0; i < NETEM_TABLE; i++) {
		x = (double)table[i] / NETEM_DIST_SCALE;
		sum += power == 2 ? x * x : x;
	}
	return sum / NETEM_TABLE;
}

static void assert_near(double value, double wanted, double margin)
{
	if (value < wanted - margin || value > wanted + margin)
		fail_msg("%g, not %g", value, wanted);
}

static double entry(const int16_t *table, double share)
{
	return (double)table[(int)(share * NETEM_TABLE)] / NETEM_DIST_SCALE;
}

static void netem_tables(void **state)
{
	int16_t table[NETEM_TABLE];
	enum netem_dist dist;
	int i;

	(void)state;
	for (dist = DIST_UNIFORM; dist < DIST_UNKNOWN; dist++) {
		netem_table(dist, table);
		for (i = 1; i < NETEM_TABLE; i++)
			assert_true(table[i] >= table[i - 1]);
	}
	netem_table(DIST_UNIFORM, table);
	assert_near(moment(table, 1), 0, 0.001);
	assert_near(moment(table, 2), 1.0 / 3, 0.001);
	assert_near(entry(table, 0.75), 0.5, 0.001);

	netem_table(DIST_NORMAL, table);
	assert_near(moment(table, 1), 0, 0.001);
	assert_near(moment(table, 2), 1, 0.003);
	assert_near(entry(table, 0.841345), 1, 0.002);	/* one, two, three deviations */
	assert_near(entry(table, 0.977250), 2, 0.006);
	assert_near(entry(table, 0.998650), 3, 0.06);
	assert_near(entry(table, 0.158655), -1, 0.002);

	netem_table(DIST_PARETO, table);
	assert_near(entry(table, 0), -0.6667, 0.001);	/* (1 - 1.5) * 4/3 */
	assert_near(entry(table, 0.875), 0.6667, 0.001);	/* (8^(1/3) - 1.5) * 4/3 */
	assert_near(moment(table, 1), 0, 0.04);		/* cut off at 4 */

	netem_table(DIST_PARETONORMAL, table);
	assert_near(entry(table, 0.841345), (1 + 3 * 0.46) / 4, 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_times), cmocka_unit_test(canonical_jiffies),
		cmocka_unit_test(shares), cmocka_unit_test(red_arithmetic),
		cmocka_unit_test(netem_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
