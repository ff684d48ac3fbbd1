/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model.h - what `show` shows: names, limits, rates and counters worked out once, so that text and
 * JSON cannot disagree. Inside of src/view.
 */
#ifndef WEIR_VIEW_MODEL_H
#define WEIR_VIEW_MODEL_H

#include "lib/arena.h"
#include "view/show.h"

struct show_stats {
	uint64_t bytes, packets, drops, overlimits, requeues, backlog_bytes, backlog_packets;
	bool measured;			/* the two below hold */
	uint64_t measured_bit;		/* per second, over the interval */
	uint64_t new_drops;		/* during the interval */
};

/* Of an inner class, drops, requeues and backlog are the sums of the classes in it. */
struct show_class {
	struct show_class *next, *children, *last;
	const struct obj *obj;		/* NULL: the link's own class is not there */
	const struct obj *queue;	/* its leaf qdisc, or NULL */
	const char *path;		/* as in the policy, "" for the link's own; NULL: unknown */
	const char *name;		/* the path's last part; the classid where it is unknown */
	uint32_t rank;			/* among its siblings */
	uint64_t rate_bit, ceil_bit;	/* 0: not understood */
	struct show_stats stats;
	unsigned int filters;		/* that lead to it */
};

/* One direction of a link. */
struct show_tree {
	const struct tree_link *dev;	/* the link, or its IFB */
	struct show_class *root;	/* the class of the whole link */
};

/* One bucket, which several filters may share. */
struct show_police {
	struct show_police *next;
	bool ingress;
	uint16_t prio;
	unsigned int filters;
	const struct action *action;
	struct show_stats stats;	/* packets: all that came to it */
	uint64_t conform_packets, exceed_packets;
};

struct show_link {
	struct show_link *next;
	const char *name;
	struct show_tree *egress, *ingress;	/* NULL: weir does not shape it */
	struct show_police *polices;
	bool shaped;			/* something of weir's is there */
	const char *classifier;		/* what classifies its packets, or NULL */
	const char *why_classifier;	/* why it was not the best, where that is known */
};

/* An object that is not as it was applied. */
struct show_drift {
	struct show_drift *next;
	const char *link;		/* the interface, maybe an IFB */
	const char *object;		/* "class voip (77e0:1a)" */
	const char *what;		/* "missing", "changed", "added", "replaced", "unknown" */
	const char *text;		/* "rate is 5mbit, applied was 1mbit" */
	const struct obj *is, *applied;	/* either may be NULL */
	uint32_t key_parent, key_target, count;	/* filters: what is counted together */
};

struct show_model {
	struct arena arena;
	struct show_link *links, *last;
	unsigned int shaped;		/* links with something of weir's */
	struct show_drift *drift, *last_drift;
	bool drift_known;
	uint64_t interval_ns;		/* 0: nothing was measured */
};

/* Points into the trees of `show`. model_free() in any case. */
int model_build(struct ctx *ctx, const struct show *show, struct show_model *model);
void model_free(struct show_model *model);

/* model_tree.c: one direction. *out stays NULL where weir does not shape the interface. */
int model_tree(struct ctx *ctx, const struct show *show, struct show_model *model,
	       const struct tree_link *dev, struct show_tree **out);

/* drift.c: turns show->drift into the model's list. */
int model_drift(struct ctx *ctx, const struct show *show, struct show_model *model);

/* model_parts.c: what all of them read objects by. */

/* Counters, and rates where there is an earlier dump of the same object. */
struct show_stats model_stats(const struct obj *now, const struct obj *earlier,
			      uint64_t interval_ns);

/* The interface in another tree, which may be NULL. */
struct tree_link *model_same_link(const struct tree *tree, const struct tree_link *link);

/* Whether the kernel's own filters classify the link's packets, as it is now. */
bool model_kernel_classifies(const struct show *show, const char *name);

/* A row of the object's options, or 0 where it has none. */
uint64_t model_option(const struct kind *kind, const struct opts *opts, unsigned int row);

/* The class that a filter leads to, or 0. */
uint32_t model_filter_class(const struct obj *filter);

/* "77e0:1a", in the arena; NULL: no memory. */
char *model_handle(struct arena *arena, uint32_t handle);

#endif
