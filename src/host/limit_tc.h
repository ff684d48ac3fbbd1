/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_tc.h - the run of a backend that tc carries out on the interfaces with a default route: what
 * tc_htb, ifb_tc and tc_police have in common. Inside of src/host.
 */
#ifndef WEIR_HOST_LIMIT_TC_H
#define WEIR_HOST_LIMIT_TC_H

#include "host/limit_htb.h"
#include "host/routes.h"

/* One of them. Its functions record their faults in h->ctx. */
struct limit_tc {
	const struct backend *backend;
	enum limit_way way;
	uint32_t major;

	/* Refuses a wish that is not for it; NULL: takes all. */
	int (*check)(struct limit_htb *h, const struct limit_wish *wish);

	/* Carries a wish with its class in it out; what is there was read just now. */
	int (*set)(struct limit_htb *h, const struct routes *routes, const struct limit_wish *classed);

	/* Operations that take away what no limit needs, of what was read. */
	int (*sweep)(struct limit_htb *h);

	/* Makes what is there what the limits need, and no more. routes: where it is to be anew. NULL: there
	 * is only to sweep. */
	int (*settle)(struct limit_htb *h, const struct routes *routes);
};

/* As in struct backend. After an error what is left of the wish is taken away. */
int limit_tc_set(struct ctx *ctx, const struct limit_tc *tc, const struct limit_wish *wishes, size_t n,
		 unsigned int ways);
int limit_tc_remove(struct ctx *ctx, const struct limit_tc *tc, const struct limit_key *key,
		    unsigned int ways);

/* What limits have left that ended by themselves, or were removed in another network namespace, is swept
 * away first. */
int limit_tc_list(struct ctx *ctx, const struct limit_tc *tc, struct limit_list *list);

/* Notes the limit with its class: in net_cls for cgroups of v1, else in the programs of `ebpf`. */
int limit_tc_note(struct limit_htb *h, const struct limit_wish *classed);

/* For backend.available: whether there is a default route, and whether works() does in a place apart. */
bool limit_tc_has_routes(struct ctx *ctx, char why[BACKEND_WHY]);
bool limit_tc_try(bool (*works)(struct ctx *ctx, const void *arg, char why[APART_WHY]),
		  char why[BACKEND_WHY]);

#endif
