/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_cls.h - the cgroups of the v1 hierarchy net_cls and their classids.
 *
 * A cgroup that is made gets its parent's classid; a change of the parent's later on does not reach
 * it (cgrp_css_online(), write_classid(), net/core/netclassid_cgroup.c, 6.1, 6.12). A change does
 * reach the sockets that processes of the cgroup have open.
 */
#ifndef WEIR_KERNEL_NET_CLS_H
#define WEIR_KERNEL_NET_CLS_H

#include "kernel/tree.h"
#include "lib/ctx.h"

/* Reads the hierarchy that is mounted at dir into tree->cgroups, without its root. Cgroups that come
 * and go meanwhile may be in it or not. 0, -ENOMEM, or what opening dir gave. */
int net_cls_read(struct ctx *ctx, const char *dir, struct tree *tree);

/* Writes a classid. 0, also where the cgroup has gone meanwhile; else the fault names the cgroup. */
int net_cls_write(struct ctx *ctx, const struct tree_cgroup *cgroup, uint32_t classid);

#endif
