/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff.h - the one difference: present tree, wanted tree -> ordered operations.
 *
 * Plan, apply, verification, rollback and down all come from here. Pure.
 */
#ifndef WEIR_PLAN_DIFF_H
#define WEIR_PLAN_DIFF_H

#include "kernel/op.h"
#include "lib/ctx.h"
#include "plan/diff_scope.h"

/*
 * Operations that lead from present to wanted, in phase order. Filters of the wanted tree get the
 * prios that they will have: those of equal filters that are there, others in between.
 * -EEXIST: something of somebody else's is in the way, named in the fault. ops->arena is the
 * caller's, for arena_free(); the operations point into both trees.
 */
int plan_diff(struct ctx *ctx, const struct tree *present, struct tree *wanted,
	      const struct diff_scope *scope, struct ops *ops);

#endif
