/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compose.h - one operation as the messages that carry it out. Inside of src/kernel: others use
 * apply.h.
 */
#ifndef WEIR_KERNEL_COMPOSE_H
#define WEIR_KERNEL_COMPOSE_H

#include "kernel/op.h"
#include "lib/ctx.h"

struct nl_msg;
struct programs;

/* What all messages of an apply share. */
struct compose {
	struct ctx *ctx;
	const struct programs *programs;	/* loaded; NULL: none are */

	/* the index of an interface that had none when the tree was made; asked for once */
	const struct tree_link *link;	/* the last one asked for */
	int ifindex;
};

/* How many messages an operation takes, and how large one may become. */
unsigned int compose_parts(const struct op *op);
size_t compose_size(const struct op *op);

/* Writes message `part` of the operation over whatever *msg held. 0, -ENODEV or -EMSGSIZE, both
 * recorded. */
int compose_part(struct compose *c, const struct op *op, unsigned int part, struct nl_msg *msg);

/* The removal of an interface by its name: what takes back the first part of OP_LINK_ADD. */
int compose_link_del(struct compose *c, const char *name, struct nl_msg *msg);

#endif
