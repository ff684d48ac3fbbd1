/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - limits on a host for people and for programs: what they allow, what passed, and whether
 * they do what they should; and the operations that a plan has for them.
 */
#ifndef WEIR_VIEW_LIMITS_H
#define WEIR_VIEW_LIMITS_H

#include <stdio.h>

#include <jansson.h>

#include "host/limit_plan.h"

struct limits_view {
	const struct limit_list *now, *earlier;		/* earlier NULL: since each was set */
	uint64_t interval_ns;				/* between the two */
	bool color;
};

/* A table, a line a direction, and a note for each limit that has nothing to do. 0 or -ENOMEM. */
int view_limits(struct ctx *ctx, FILE *f, const struct limits_view *view);

/* A list with an object a limit, as weir(8) has it; NULL: no memory. */
json_t *view_limits_json(const struct limits_view *view);

/* "upload 1mbit, download block (ebpf)" */
void view_limit_setting(FILE *f, const struct limit_setting *setting);

/* A line an operation, as view_plan() has them. */
void view_limit_ops(FILE *f, const struct limit_ops *ops, bool color);

/* Appends an object an operation. */
void view_limit_ops_json(json_t *list, const struct limit_ops *ops);

/* The same operations told as what differs from what was applied, as `show` tells drift. */
void view_limit_drift(FILE *f, const struct limit_ops *ops, bool color);
void view_limit_drift_json(json_t *list, const struct limit_ops *ops);

#endif
