/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * routes.h - the interfaces by which this network namespace reaches the rest of the world.
 */
#ifndef WEIR_HOST_ROUTES_H
#define WEIR_HOST_ROUTES_H

#include "kernel/tree.h"
#include "lib/ctx.h"

enum { ROUTES_MAX = 16 };

struct routes {
	char dev[ROUTES_MAX][TREE_NAME];
	unsigned int n;
};

/* The interfaces with a default route of IPv4 or IPv6 in the main table, each once. 0; -ENOENT: there is
 * none; -E2BIG: more than ROUTES_MAX. */
int routes_default(struct ctx *ctx, struct routes *routes);

#endif
