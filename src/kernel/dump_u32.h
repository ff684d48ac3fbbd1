/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump_u32.h - what a dump of u32 filters leaves to be found out. Inside of src/kernel.
 */
#ifndef WEIR_KERNEL_DUMP_U32_H
#define WEIR_KERNEL_DUMP_U32_H

#include "kernel/netlink.h"
#include "kernel/tree.h"

/* For the filters of a link as dumped: takes out those that belong to the other hook, puts hash
 * tables before what is in them, and makes what is in them opaque. 0 or -errno. */
int dump_u32_settle(struct ctx *ctx, struct netlink *nl, struct tree_link *link);

#endif
