/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_settle.h - limits with classes in the HTBs of the links that weir shapes: makes those classes, the
 * filters that lead to them and what the programs know of them what limits and links call for.
 *
 * Which limit has which class is kept in the programs of the backend `ebpf` (limit_class.h); where those
 * classes are, too (limit_places.h), and that also says which limits are a namespace's. While a
 * limit has no class on its way, it is a bucket there.
 */
#ifndef WEIR_HOST_LIMIT_SETTLE_H
#define WEIR_HOST_LIMIT_SETTLE_H

#include "host/limit_htb.h"
#include "host/limit_places.h"

struct ops;

/* A direction of a limit that is to have classes in this namespace from now on. */
struct limit_settle_new {
	uint32_t classid;
	enum limit_way way;
};

struct limit_settle {
	struct limit_htb h;
	struct limit_places places;	/* as they were read */
	uint64_t netns;			/* cookie of this one */
	const struct limit_settle_new *added;
	size_t n_added;
	bool orphans;			/* limits without any place become those of the backend `ebpf` */
	unsigned int leaving_ways;	/* LIMIT_WAY_*: directions that are to have none any more .. */
	const struct limit_key *leaving;	/* .. of this limit; NULL: of all */
};

/* Takes the lock and reads what is there. limit_settle_end() in any case. */
int limit_settle_begin(struct ctx *ctx, struct limit_settle *s);
void limit_settle_end(struct limit_settle *s);

/*
 * Reads again and sets right: classes and filters on the links that qualify (limit_links.h) for the limits
 * that have a place in this namespace or are added; others go. With
 * `orphans` a limit that is left without any place becomes one of the backend `ebpf`, which is warned of;
 * not while limits are on their way from one backend to another.
 */
int limit_settle_run(struct limit_settle *s);

/* Whether there is a class that is no place, or a filter that leads to none: the limit went while this
 * namespace was out of reach, or a run was killed. */
bool limits_have_strays(const struct tree *present, const struct limit_places *places);

/* Whether any limit has a class, or a run that was killed left one: limits without are no affair of all
 * this. */
bool limits_have_classes(const struct tree *present);

/* All three, where there is anything to look after, as the tree tells. */
int limits_settle(struct ctx *ctx, const struct tree *present);

/* Before the operations are carried out: the limits leave the HTBs that these take away. */
int limits_leave(struct ctx *ctx, const struct tree *present, const struct ops *ops);

#endif
