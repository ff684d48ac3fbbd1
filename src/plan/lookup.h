/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.h - the classes and qdiscs of a link by what the difference asks for, in constant time:
 * trees have tens of thousands of them.
 */
#ifndef WEIR_PLAN_LOOKUP_H
#define WEIR_PLAN_LOOKUP_H

#include "kernel/tree.h"

struct lookup_slot;

struct lookup {
	struct lookup_slot *slots;
	uint32_t mask;
};

/* Of a link as it is now; link NULL: nothing is found. 0 or -ENOMEM. */
int lookup_init(struct lookup *lookup, struct arena *arena, const struct tree_link *link);

struct obj *lookup_class(const struct lookup *lookup, uint32_t classid);
struct obj *lookup_qdisc_at(const struct lookup *lookup, uint32_t parent);
struct obj *lookup_child(const struct lookup *lookup, uint32_t classid);	/* any child class */

#endif
