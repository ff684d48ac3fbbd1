/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw_filter.h - the part of raw.h that is about filters and the actions in them.
 */
#ifndef WEIR_KERNEL_RAW_FILTER_H
#define WEIR_KERNEL_RAW_FILTER_H

#include "kernel/tree.h"

struct nl_msg;
struct nlattr;

/* Whether a filter is in a hash table of u32 that somebody made. */
bool raw_filter_in_table(const struct tree_link *link, const struct obj *filter);

/* See raw_new_handle(). */
uint32_t raw_filter_handle(const struct tree_link *link, const struct obj *filter);

/* TCA_OPTIONS of a filter, from those that were dumped. 0 or -EMSGSIZE. */
int raw_filter_options(struct nl_msg *msg, const struct tree_link *link, const struct obj *filter,
		       const struct nlattr *dumped);

#endif
