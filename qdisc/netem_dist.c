// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/netem_dist.h"

#include <linux/pkt_sched.h>

static int16_t clip(double value)
{
	if (value > INT16_MAX)
		return INT16_MAX;
	if (value < INT16_MIN)
		return INT16_MIN;
	return (int16_t)(value < 0 ? value - 0.5 : value + 0.5);
}

static double at(int i)
{
	return ((double)i + 0.5) / NETEM_TABLE;
}

static void fill_uniform(int16_t *table)
{
	int i;

	for (i = 0; i < NETEM_TABLE; i++)
		table[i] = clip((2 * at(i) - 1) * NETEM_DIST_SCALE);
}

/*
 * Sums the density from the middle outwards in steps of one unit until each quantile is passed. The
 * density needs no exponential: phi(x + h) = phi(x) * q(x), q(x + h) = q(x) * exp(-h * h).
 */
static void fill_normal(int16_t *table)
{
	const double h = 1.0 / NETEM_DIST_SCALE, density_at_0 = 0.39894228040143267794;
	const double shrink = 1 - h * h + h * h * h * h / 2;	/* exp(-h^2) */
	double q = 1 - h * h / 2 + h * h * h * h / 8;		/* exp(-h^2 / 2) */
	double density = density_at_0, below = 0.5, step;
	int x = 0, i;

	for (i = NETEM_TABLE / 2; i < NETEM_TABLE; i++) {
		for (; x < INT16_MAX && below < at(i); x++) {
			step = density * (1 + q) / 2 * h;	/* the trapezium up to x + 1 */
			below += step;
			density *= q;
			q *= shrink;
		}
		table[i] = (int16_t)x;
		table[NETEM_TABLE - 1 - i] = (int16_t)-x;
	}
}

/* x^(-1/3) for 0 < x <= 1, by Newton's method on y^-3 = x. */
static double inverse_cube_root(double x)
{
	double y = 1;
	int i;

	for (i = 0; i < 64; i++)
		y = y * (4 - x * y * y * y) / 3;
	return y;
}

static void fill_pareto(int16_t *table)
{
	int i;

	for (i = 0; i < NETEM_TABLE; i++)
		table[i] = clip((inverse_cube_root(1 - at(i)) - 1.5) * 4 / 3 * NETEM_DIST_SCALE);
}

void netem_table(enum netem_dist dist, int16_t table[NETEM_TABLE])
{
	int16_t normal[NETEM_TABLE];
	int i;

	if (dist == DIST_NORMAL) {
		fill_normal(table);
		return;
	}
	if (dist != DIST_PARETO && dist != DIST_PARETONORMAL) {
		fill_uniform(table);
		return;
	}
	fill_pareto(table);
	if (dist == DIST_PARETO)
		return;
	fill_normal(normal);
	for (i = 0; i < NETEM_TABLE; i++)
		table[i] = clip((normal[i] + 3.0 * table[i]) / 4);
}
