/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump_bpf.h - what a dump of filters that are programs leaves to be found out. Inside of src/kernel.
 */
#ifndef WEIR_KERNEL_DUMP_BPF_H
#define WEIR_KERNEL_DUMP_BPF_H

#include "kernel/tree.h"
#include "lib/ctx.h"

/* For the filters of a link as dumped: takes hold of their programs, so that they can be put back as
 * long as the tree is there. This takes CAP_SYS_ADMIN; without it, it is left open. 0, or -errno: memory or
 * descriptors are short. */
int dump_bpf_settle(struct ctx *ctx, struct tree *tree, struct tree_link *link);

/* The id of the program that a filter runs; 0: none, or it is not known. */
uint32_t dump_bpf_id(const struct obj *filter);

#endif
