/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff_xdp.h - the part of the difference that is about programs at XDP. Inside of src/plan.
 */
#ifndef WEIR_PLAN_DIFF_XDP_H
#define WEIR_PLAN_DIFF_XDP_H

#include "kernel/op.h"
#include "lib/ctx.h"

/*
 * Appends at most one OP_XDP for a link; either may be NULL. To be called behind what is appended for
 * its filters. -EEXIST: somebody else's program is there where weir's is wanted; -ENOMEM.
 */
int diff_xdp(struct ctx *ctx, struct ops *ops, const struct tree_link *present, const struct tree_link *wanted);

#endif
