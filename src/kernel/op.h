/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op.h - one change to the kernel: what plan/diff makes, `weir plan` prints and kernel/apply sends.
 */
#ifndef WEIR_KERNEL_OP_H
#define WEIR_KERNEL_OP_H

#include "kernel/tree.h"

enum op_verb {
	OP_LINK_ADD,		/* create the IFB, with its alias, and set it up */
	OP_LINK_UP,
	OP_LINK_ALIAS,
	OP_LINK_DEL,
	OP_ADD,
	OP_CHANGE,		/* in place */
	OP_REPLACE,		/* a new object in the place of the old one, in one message */
	OP_DEL,			/* a filter: with all filters of its prio */
	OP_CGROUP,		/* net_cls.classid of a cgroup */
	OP_XDP,			/* a program at XDP is attached, replaced or detached */
};

/* What the traffic in flight or the operator loses. */
enum op_cost { COST_NOTHING, COST_COUNTERS, COST_QUEUE };

/* Operations run in the order of their phase, and only after the phase before has succeeded: first
 * what a driver may refuse, then what carries no traffic yet, then the hooks, then what no longer
 * carries any. */
enum op_phase {
	PHASE_XDP, PHASE_LINK, PHASE_BUILD, PHASE_CLASSIFY, PHASE_HOOK, PHASE_UNHOOK, PHASE_REMOVE, PHASES
};

struct op {
	struct op *next;
	enum op_verb verb;
	enum op_phase phase;
	enum op_cost cost;
	const struct tree_link *link;	/* of the wanted tree, or of the present one for removals */
	const struct obj *old;		/* of the present tree; NULL for additions */
	const struct obj *obj;		/* of the wanted tree; NULL for removals */
	struct tree_xdp *xdp;			/* OP_XDP, wanted; NULL: none. The objects are NULL */
	const struct tree_xdp *xdp_old;		/* OP_XDP, present; NULL: none */
	const struct tree_link *xdp_was;	/* OP_XDP, of the present tree; or NULL */
	const struct tree_cgroup *cgroup;	/* OP_CGROUP, of the present tree: */
	uint32_t classid;		/* what its classid becomes. the objects are NULL; link is the first that needs
					 * it, or op_no_link */
};

struct ops {
	struct arena arena;
	struct op *first;		/* in phase order */
	struct op *last[PHASES];	/* of each phase, or NULL */
	unsigned int count;
};

/* A link without a name: that of operations which are about none. */
extern const struct tree_link op_no_link;

/* Appends a copy at the end of its phase. 0 or -ENOMEM. */
int op_append(struct ops *ops, const struct op *op);

/* "wan0: class voip (77e0:1a)", for messages. Returns buf. */
char *op_object_text(const struct op *op, char *buf, size_t size);

#endif
