/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend.h - ways to carry out a limit, each a file of its own and a row in backends.c.
 */
#ifndef WEIR_HOST_BACKEND_H
#define WEIR_HOST_BACKEND_H

#include "host/limit.h"

enum { BACKEND_WHY = 160 };

/*
 * A backend keeps its limits in the kernel, so that they outlive the program, and finds them there by
 * marks of its own. ways is a set of LIMIT_WAY_*. All functions return 0 or a negative errno with the
 * fault recorded in ctx.
 */
struct tree;

/* Which backend is asked for, beside a name and a direction. */
struct backend_ask {
	enum limit_subject subject;
	const struct limit_wish *wish;	/* or NULL: any */
	const struct tree *links;	/* as they will be; NULL: as they are */
	size_t n_limits;		/* that ask together */
};

struct backend {
	const char *name;	/* "ebpf" */
	unsigned int rank;	/* the highest that is available is chosen */
	unsigned int ways;	/* what it can do at all */
	bool users, processes;	/* beside cgroups */
	size_t most;		/* it is chosen by itself only for so many limits together; 0: for any */
	bool net_cls;		/* and cgroups of net_cls (v1) */

	/* Whether it would work here, found out by trying, without leaving anything. Otherwise says in
	 * `why` what is missing; where it would, but for nothing else than cgroups of net_cls, says
	 * that. Records no fault. */
	bool (*available)(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY]);

	/* The same for this wish and for links as they will be; not named: whether it is to be chosen by
	 * itself. NULL: it is, where it is available. */
	bool (*suits)(struct ctx *ctx, const struct backend_ask *ask, bool named, unsigned int way,
		      char why[BACKEND_WHY]);

	/* Sets the directions of n wishes that are in ways, or changes them in place; others are left as
	 * they are. Stops at the first error: what that wish is about is as it was before. */
	int (*set)(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways);

	/* Takes directions of a limit away; with key NULL everything that the backend has. What is
	 * left of it when no limit is left is taken away too. -ENOENT: it has no such limit; records
	 * no fault then. */
	int (*remove)(struct ctx *ctx, const struct limit_key *key, unsigned int ways);

	/* Adds its limits to the list, merging with a report of the same key. */
	int (*list)(struct ctx *ctx, struct limit_list *list);
};

extern const struct backend backend_bpf_htb, backend_ebpf, backend_nftables, backend_tc_htb,
	backend_ifb_tc, backend_tc_police;

/* All of them, best first, NULL at the end. */
extern const struct backend *const backends[];

/* By its name; NULL: there is none. */
const struct backend *backend_find(const char *name);

/* The best one that is available for the way and can do what is asked for, or the named one. -EOPNOTSUPP
 * says what is missing. */
int backend_choose(struct ctx *ctx, const char *name, const struct backend_ask *ask, unsigned int way,
		   const struct backend **backend);

#endif
