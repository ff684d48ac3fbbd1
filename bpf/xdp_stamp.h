/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdp_stamp.h - the contract of bpf/xdp_stamp.bpf.c, which decides by addresses at XDP and leaves what
 * it decided to the classifier at clsact's ingress (bpf/stamp.h).
 *
 * It looks into the classifier's own prefix maps and decides as the classifier does (bpf/match.h), but
 * only where nothing else of the packet can matter. What it does not decide goes on without a stamp.
 * Packets are never dropped and never changed.
 */
#ifndef WEIR_BPF_XDP_STAMP_H
#define WEIR_BPF_XDP_STAMP_H

#include <linux/types.h>

#include "bpf/classify.h"

/* The marks of the program in the kernel: its name, which anybody's may have, and what its constants begin
 * with, whatever weir it is of. */
#define XDP_STAMP_PROGRAM "weir_stamp"
#define XDP_STAMP_MARK 0x7867d5f30c8e41abULL

/* The program's constants, "config" in its read-only data. By them a running program is known. */
struct xdp_stamp_config {
	__u64 mark;			/* XDP_STAMP_MARK */
	__u64 source;			/* hash of the object code */
	struct classify_config rules;	/* the classifier's */
};

/* Entries of xdp_stamp_counts: u64 packets, per CPU. */
enum xdp_stamp_counts {
	XDP_STAMP_STAMPED,
	XDP_STAMP_PASSED,	/* addresses do not decide */
	XDP_STAMP_NOT_IP,	/* neither IPv4 nor IPv6, or truncated */
	XDP_STAMP_ABORTED,	/* decided, but there is no room for a stamp: the driver has none */
	XDP_STAMP_COUNTS
};

_Static_assert(sizeof(struct xdp_stamp_config) == sizeof(struct classify_config) + 16, "xdp_stamp_config");

#endif
