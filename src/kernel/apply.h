/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply.h - operations -> kernel.
 */
#ifndef WEIR_KERNEL_APPLY_H
#define WEIR_KERNEL_APPLY_H

#include "kernel/netlink.h"
#include "kernel/op.h"

/*
 * Loads the BPF programs that the operations need; when that fails, nothing has changed. Then sends
 * the operations phase by phase; a phase is sent only when the one before succeeded wholly.
 * On the first error it stops at the end of the batch at hand: what was done stays done, undoing it
 * is the caller's work (dump, diff to the state before). The error names link, object and the
 * kernel's own words: "wan0: class voip (77e0:1a): <extack>".
 */
int kernel_apply(struct ctx *ctx, struct netlink *nl, const struct ops *ops);

/* One operation as a message: what kernel_apply() sends and what the tests look at. The caller
 * frees *msg with nlmsg_free(). -ENODEV when the link, or one that a row names, is not there. */
int op_compose(struct ctx *ctx, const struct op *op, struct nl_msg **msg);

#endif
