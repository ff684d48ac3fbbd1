/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdp.h - the program at an interface's XDP hook, and how many packets it spared the classifier.
 */
#ifndef WEIR_VIEW_XDP_H
#define WEIR_VIEW_XDP_H

#include <stdbool.h>
#include <stdio.h>

#include "kernel/tree.h"
#include "lib/ctx.h"

/* link: of a dump. JSON as documented in weir(8). 0 or -errno. */
int view_xdp(struct ctx *ctx, FILE *f, const struct tree_link *link, bool json);

#endif
