/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stamp.h - what a program at XDP leaves in front of a packet, in the metadata area, for the
 * classifier at clsact's ingress: a decision that was made already.
 *
 * It counts only where magic and generation are the classifier's own: the metadata area belongs to
 * whoever writes it, and a packet may meet the next set of rules on its way. 24 bytes; the kernel
 * gives room for 32.
 */
#ifndef WEIR_BPF_STAMP_H
#define WEIR_BPF_STAMP_H

#include <linux/types.h>

#define STAMP_MAGIC 0x77e05a3du

struct stamp {
	__u32 magic;
	__u32 generation;	/* classify_config.generation of the rules that decided */
	__u32 classid;
	__u32 rule;		/* or CLASSIFY_NO_RULE: the default */
	__u32 mark;		/* classify_config says whether marks are set at all */
	__u32 mark_mask;
};

_Static_assert(sizeof(struct stamp) == 24, "stamp");

#endif
