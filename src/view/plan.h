/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - operations for people and for programs.
 */
#ifndef WEIR_VIEW_PLAN_H
#define WEIR_VIEW_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "host/limit_plan.h"
#include "kernel/op.h"
#include "lib/ctx.h"

/* A line a link: what classifies its packets, and why it is not the best. Then a line an operation:
 * sign, object, options (of a change: old -> new), cost; then a summary. wanted NULL: no links;
 * limits NULL: nothing is done to limits. */
int view_plan(struct ctx *ctx, FILE *f, const struct tree *wanted, const struct ops *ops,
	      const struct limit_ops *limits, bool color);

/* { "changes": N, "classifiers": [ { "link", "classifier", "reason" } ], "operations": [ { "do", "link", "object", "name", "handle", "parent", "kind",
 *   "options", "was", "cost" } ] } */
int view_plan_json(struct ctx *ctx, FILE *f, const struct tree *wanted, const struct ops *ops,
		   const struct limit_ops *limits);

/* What apply and down did: one line, or { "changes", "messages" }. */
int view_applied(struct ctx *ctx, FILE *f, const struct ops *ops, const struct limit_ops *limits,
		 unsigned long messages, bool json);

#endif
