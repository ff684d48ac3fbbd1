/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump.h - kernel state -> tree: links and the qdiscs, classes and filters on them.
 */
#ifndef WEIR_KERNEL_DUMP_H
#define WEIR_KERNEL_DUMP_H

#include "kernel/netlink.h"
#include "kernel/tree.h"

/*
 * Dumps all links of the namespace, and the qdiscs, classes and filters (of clsact's two hooks and
 * of root qdiscs) of those that `wants` accepts (NULL: all). The kernel does not flag a dump that
 * was disturbed (net/sched never sets NLM_F_DUMP_INTR), so the traffic-control events that came in
 * meanwhile are read, and the dump is made again when one concerns such a link, up to eight times;
 * then -EBUSY. *tree is the caller's.
 */
int kernel_dump(struct ctx *ctx, struct netlink *nl,
		bool (*wants)(const struct tree_link *link, void *arg), void *arg,
		struct tree **tree);

#endif
