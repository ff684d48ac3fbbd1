/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw.h - attributes as the kernel dumped them -> attributes as it takes them. The two are not
 * quite the same: dumps hold what the kernel found out by itself, and leave out tables.
 */
#ifndef WEIR_KERNEL_RAW_H
#define WEIR_KERNEL_RAW_H

#include "kernel/tree.h"

struct nl_msg;

/* Whether the object goes out as it was dumped. */
bool raw_is_used(const struct tree_link *link, const struct obj *obj);

/* Appends obj->raw. 0 or -EMSGSIZE. */
int raw_put(struct nl_msg *msg, const struct tree_link *link, const struct obj *obj);

/* The handle to make a filter with: the kernel numbers a u32's root table anew each time. */
uint32_t raw_new_handle(const struct tree_link *link, const struct obj *obj);

#endif
