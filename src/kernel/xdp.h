/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdp.h - the program at an interface's XDP hook: what is there, and weir's own put there or taken away.
 *
 * Nothing of somebody else's is ever replaced: a program is put only where there is none, or, in one
 * message, in the place of the very program that was seen there.
 */
#ifndef WEIR_KERNEL_XDP_H
#define WEIR_KERNEL_XDP_H

#include "bpf/xdp_stamp.h"
#include "kernel/netlink.h"
#include "kernel/op.h"

struct nlattr;

/* IFLA_XDP of an interface: sets link->xdp, NULL where there is no program. 0 or -ENOMEM. */
int xdp_decode(struct ctx *ctx, struct tree *tree, struct tree_link *link, const struct nlattr *attr);

/* Finds out whose the program is and takes hold of it. This takes CAP_SYS_ADMIN; without it, it is left
 * open (known stays false). 0, or -errno: memory or descriptors are short, or the kernel does not say what
 * a program of weir's name is. */
int xdp_settle(struct ctx *ctx, struct tree *tree, struct tree_link *link);

/*
 * Carries out an OP_XDP; fd: of the program to attach, 0: none. Where the wish leaves the mode open
 * (TREE_XDP_AUTO), what the kernel refuses is only warned of, and remembered in op->xdp->given_up.
 */
int xdp_run(struct ctx *ctx, struct netlink *nl, const struct op *op, int fd);

/* `config` of a running program of weir's, from its read-only data. 0 or -errno. */
int xdp_constants(int prog_fd, void *config, size_t size);

/* Packets by enum xdp_stamp_counts of a program of weir's. 0 or -errno. */
int xdp_counts(int prog_fd, uint64_t counts[XDP_STAMP_COUNTS]);

/* "native", "generic", "on", "other". */
const char *xdp_mode_name(enum tree_xdp_mode mode);

#endif
