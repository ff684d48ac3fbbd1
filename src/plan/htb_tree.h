/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * htb_tree.h - one direction of a link: its classes become an HTB with leaf queues.
 */
#ifndef WEIR_PLAN_HTB_TREE_H
#define WEIR_PLAN_HTB_TREE_H

#include "conf/policy.h"
#include "kernel/probe.h"
#include "kernel/tree.h"

struct htb_env {
	const struct probe *probe;
	const struct framing *framing;
	uint32_t frame_bytes;	/* MTU plus link header */
};

/* The classes of a direction with the classids that they get, in file order, parents first. */
struct placed_class {
	const struct class *class;
	uint32_t classid, parent;
	uint64_t largest_bit;	/* the largest rate among it and its siblings */
	bool leaf;
};

/*
 * Gives every class of the tree below root a classid: WEIR_MINOR_ROOT, WEIR_MINOR_DEFAULT, and for
 * the others a hash of the path, the next free minor on collision, in file order. *placed is in the
 * arena. -ENOSPC when the minors are exhausted.
 */
int htb_place(struct ctx *ctx, struct arena *arena, const struct class *root,
	      struct placed_class **placed, unsigned int *n);

/* Appends the root qdisc, the classes and the leaf qdiscs of the placed classes to the link. */
int htb_build(struct ctx *ctx, const struct htb_env *env, const struct placed_class *placed,
	      unsigned int n, struct tree *tree, struct tree_link *link);

/* What a frame of so many bytes takes on the wire: overhead, smallest packet, ATM cells (53 bytes
 * for each 48 begun). PTM is not in it: it takes a 65th of the rate instead. */
uint64_t framing_wire_bytes(const struct framing *framing, uint32_t frame_bytes);

/* The rate that is left of a link's rate for what HTB counts: all of it, or 64/65 with PTM
 * (64/65-octet encapsulation, ITU-T G.992.3 annex N). */
uint64_t framing_rate(const struct framing *framing, uint64_t rate_bit);

/* Burst where the file names none: two frames on the wire or 1 ms of the rate, the larger. */
uint64_t default_burst(const struct htb_env *env, uint64_t rate_bit);

#endif
