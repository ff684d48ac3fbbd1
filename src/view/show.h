/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show.h - the present tree with the names of the policy, limits, measured rates and counters.
 */
#ifndef WEIR_VIEW_SHOW_H
#define WEIR_VIEW_SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/op.h"
#include "kernel/tree.h"
#include "lib/ctx.h"

struct limits_view;
struct limit_ops;

struct show {
	const struct tree *now;
	const struct tree *earlier;	/* for rates; NULL: none are shown */
	uint64_t interval_ns;		/* between the two */
	const struct tree *wanted;	/* what was applied, for names; NULL: not known */
	const struct ops *drift;	/* now -> what was applied; NULL: not known */
	const struct limits_view *limits;	/* of the host; NULL: none are shown */
	const struct limit_ops *limit_drift;	/* limits -> what was applied; NULL: not known */
	bool (*covers)(void *arg, const char *link);	/* NULL: all that weir shapes */
	void *arg;
	bool color;
};

/* Whether something of weir's is on this interface. */
bool view_is_shaped(const struct tree_link *link);

/* Prints a tree for each link that weir shapes; returns how many there were, or -errno. */
int view_show(struct ctx *ctx, FILE *f, const struct show *show);

/* The same as JSON, documented in weir(8); rates are bits per second, sizes bytes. */
int view_show_json(struct ctx *ctx, FILE *f, const struct show *show);

#endif
