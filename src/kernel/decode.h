/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode.h - messages of the kernel -> objects of a tree.
 */
#ifndef WEIR_KERNEL_DECODE_H
#define WEIR_KERNEL_DECODE_H

#include "kernel/tree.h"
#include "lib/ctx.h"

struct nlmsghdr;

/* An RTM_NEWLINK message as a new link of the tree. 0 or -ENOMEM. */
int decode_link(struct ctx *ctx, struct tree *tree, const struct nlmsghdr *nlh);

/* An RTM_NEWQDISC, RTM_NEWTCLASS or RTM_NEWTFILTER message as a new object of the link. What the
 * kernel makes by itself and nobody can make (flow classes, a u32's root table, a filter's
 * head) is passed over. 0 or -ENOMEM. */
int decode_obj(struct ctx *ctx, struct tree *tree, struct tree_link *link,
	       const struct nlmsghdr *nlh);

/* Fills kind, kind_name, chain, opts, actions and opaque from obj->raw: for an object that was kept
 * outside the kernel, too. Interfaces are named by the tree's links. 0, or -ENOMEM. What cannot be
 * understood is no error but makes the object opaque. */
int decode_raw(struct ctx *ctx, struct tree *tree, struct obj *obj);

/* Whether classes of such a qdisc are made by users, not by the qdisc itself. */
bool decode_has_user_classes(const char *qdisc_kind);


#endif
