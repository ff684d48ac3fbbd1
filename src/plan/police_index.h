/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * police_index.h - one bucket for all filters of a police rule.
 *
 * An action that comes with a filter is that filter's own: a rule with three filters would pass three
 * times its rate. Actions with the same index are one object in the kernel: the first filter
 * makes it, the others are bound to it, and it goes with the last of them.
 */
#ifndef WEIR_PLAN_POLICE_INDEX_H
#define WEIR_PLAN_POLICE_INDEX_H

#include "kernel/tree.h"
#include "lib/ctx.h"

/* What an index of weir's begins with: 0x77000000 to 0x77ffffff. Indices are of a whole network
 * namespace. */
#define POLICE_INDEX_BASE 0x77000000u
#define POLICE_INDEX_MASK 0x00ffffffu

/*
 * Gives the police actions of the link's filters, from `first` on, an index each; filters that have
 * the same action list (by address) share it. The lists are copied into the tree's arena. An index is
 * made of all that the action and its filters hold, since the kernel binds a filter to an action that
 * is there without looking at the parameters that came along: other parameters need another index.
 * The same policy gives the same indices.
 */
int police_share(struct ctx *ctx, struct tree *tree, struct tree_link *link, struct obj *first);

#endif
