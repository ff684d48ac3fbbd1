/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff_cgroups.h - the part of the difference that is about classids of net_cls.
 */
#ifndef WEIR_PLAN_DIFF_CGROUPS_H
#define WEIR_PLAN_DIFF_CGROUPS_H

#include "kernel/op.h"
#include "lib/ctx.h"
#include "plan/diff_scope.h"

/* Appends an OP_CGROUP for each cgroup of the present tree that is to have another classid: what the
 * wanted tree says, or what it had before weir set it. -EEXIST: one of somebody else's is there. */
int diff_cgroups(struct ctx *ctx, const struct diff_scope *scope, struct ops *ops,
		 const struct tree *present, const struct tree *wanted);

#endif
