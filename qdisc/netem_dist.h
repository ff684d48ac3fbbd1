/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netem_dist.h - netem's tables of random distributions, computed.
 *
 * An entry is a deviation from the mean in units of jitter / NETEM_DIST_SCALE; the kernel draws
 * entries evenly (tabledist(), net/sched/sch_netem.c, 6.12). So the table is the distribution's
 * quantile function at (i + 1/2) / NETEM_TABLE.
 */
#ifndef WEIR_QDISC_NETEM_DIST_H
#define WEIR_QDISC_NETEM_DIST_H

#include <stdint.h>

enum { NETEM_TABLE = 4096 };

enum netem_dist { DIST_UNIFORM, DIST_NORMAL, DIST_PARETO, DIST_PARETONORMAL, DIST_UNKNOWN };

/*
 * uniform: from -jitter to jitter, which the kernel does without a table too.
 * normal: standard deviation = jitter.
 * pareto: shape 3, ((1 - p)^(-1/3) - 3/2) * 4/3, which is what iproute2's table has (the mean 3/2
 * taken away, divided by the variance 3/4).
 * paretonormal: (normal + 3 pareto) / 4.
 */
void netem_table(enum netem_dist dist, int16_t table[NETEM_TABLE]);

#endif
