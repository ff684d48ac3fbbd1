/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filters.h - the part of the difference that is about filters.
 *
 * Filters of one prio form a group: the alternatives of one rule. The order of groups is what
 * decides; a prio is only a place in that order. So the groups of both sides are aligned by what
 * they hold, those that are there stay untouched whatever their prio, and new ones are given prios
 * in between.
 */
#ifndef WEIR_PLAN_FILTERS_H
#define WEIR_PLAN_FILTERS_H

#include "kernel/op.h"
#include "lib/ctx.h"

/* How many priorities of one hook can be u32's: each takes one of the numbers that hash tables have, and
 * the kernel goes on with 0 when these have run out (gen_new_htid(), net/sched/cls_u32.c, 6.1, 6.12). */
enum { U32_MAX_PRIOS = 2046 };

/* Whether a filter that is there is what is wanted, wherever it is. */
bool filters_equal(const struct obj *wanted, const struct obj *present);

/* What to do. add() is called for every filter of a group, remove() once a group with its first
 * filter; in_the_way: it has to go before the others come, since they need its prio. */
struct filter_changes {
	int (*add)(void *arg, const struct obj *filter);
	int (*remove)(void *arg, const struct obj *filter, bool in_the_way);
	void *arg;
};

/* For one parent and prios first to last: sets the prio of the wanted filters and reports each group
 * to add or to remove. Either link may be NULL. -ENOSPC: more groups than prios. */
int filters_align(struct ctx *ctx, struct arena *scratch, const struct tree_link *present,
		  struct tree_link *wanted, uint32_t parent, uint16_t prio_first,
		  uint16_t prio_last, const struct filter_changes *changes);

#endif
