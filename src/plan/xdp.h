/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdp.h - `xdp` of a link: whether there may be a program at its XDP hook, and what it is.
 */
#ifndef WEIR_PLAN_XDP_H
#define WEIR_PLAN_XDP_H

#include "conf/policy.h"
#include "kernel/tree.h"
#include "lib/ctx.h"

/*
 * What comes of the link's wish on this interface: `xdp on` becomes XDP_OFF with a warning where it
 * cannot be, since the link works without; `native` and `generic` fail. -EEXIST: somebody else's
 * program is there; -EOPNOTSUPP.
 */
int xdp_choose(struct ctx *ctx, const struct link *policy, const struct tree_link *present,
	       enum xdp_choice *choice);

/* The program that decides as this classifier does: fills in program, generation and source. 0 or
 * -errno. */
int xdp_program(struct ctx *ctx, struct arena *arena, const struct program *classifier,
		struct tree_xdp *xdp);

/* Gives the wanted link, whose filters are made already, its program: it decides by the rules of the
 * classifier at ingress. Without such a classifier as above. 0 or -errno. */
int xdp_compile(struct ctx *ctx, enum xdp_choice choice, struct tree *tree, struct tree_link *link);

#endif
