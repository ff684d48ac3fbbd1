/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - operations for people and for programs.
 */
#ifndef WEIR_VIEW_PLAN_H
#define WEIR_VIEW_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "kernel/op.h"
#include "lib/ctx.h"

/* A line an operation: sign, object, options (of a change: old -> new), cost; then a summary. */
int view_plan(struct ctx *ctx, FILE *f, const struct ops *ops, bool color);

/* { "changes": N, "operations": [ { "do", "link", "object", "name", "handle", "parent", "kind",
 *   "options", "was", "cost" } ] } */
int view_plan_json(struct ctx *ctx, FILE *f, const struct ops *ops);

/* What apply and down did: one line, or { "changes", "messages" }. */
int view_applied(struct ctx *ctx, FILE *f, const struct ops *ops, unsigned long messages, bool json);

#endif
