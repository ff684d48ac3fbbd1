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
struct backend {
	const char *name;	/* "ebpf" */
	unsigned int rank;	/* the highest that is available is chosen */
	unsigned int ways;	/* what it can do at all */
	bool users, processes;	/* beside cgroups */

	/* Whether it would work here, found out by trying, without leaving anything. Otherwise says in
	 * `why` what is missing. Records no fault. */
	bool (*available)(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY]);

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

extern const struct backend backend_ebpf, backend_nftables, backend_tc_htb,
	backend_ifb_tc;

/* All of them, best first, NULL at the end. */
extern const struct backend *const backends[];

/* By its name; NULL: there is none. */
const struct backend *backend_find(const char *name);

/* The best one that is available for the way and can do the subject, or the named one. -EOPNOTSUPP
 * says what is missing. */
int backend_choose(struct ctx *ctx, const char *name, enum limit_subject subject, unsigned int way,
		   const struct backend **backend);

#endif
