/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_rules.h - the BPF classifier at clsact's ingress, for limits: what the backend
 * ifb_tc finds a packet's limit by. Inside of src/host.
 *
 * It looks up the socket that a packet is for; of its cgroups and its user the first that is under
 * a limit counts, the innermost cgroup first.
 */
#ifndef WEIR_HOST_LIMIT_RULES_H
#define WEIR_HOST_LIMIT_RULES_H

#include "host/limit_htb.h"
#include "plan/ruleset.h"

/* The program for all limits of the list that have a class; in the arena of h->wanted. With a mark mask
 * packets get the minor of the class in these bits of their mark, too. */
int limit_rules_program(struct limit_htb *h, const struct ruleset_hook *hook, uint32_t mark_mask,
			struct program **program);

/* Whether such a program loads here, with the reason why not. */
bool limit_rules_try(struct ctx *ctx, const struct ruleset_hook *hook, char why[BACKEND_WHY]);

/* Refuses what cannot be told at ingress. */
int limit_rules_check(struct limit_htb *h, const struct limit_wish *wish);

/* Whether any limit has a class. */
bool limit_rules_any(const struct limit_htb *h);

/* The filter of a prio at ingress, of those that run a program of weir's; or NULL. */
const struct obj *limit_rules_find(const struct tree_link *link, uint16_t prio);

/* An operation that makes the filter, or changes the one that is there in place. With dev an action of
 * the filter hands all packets to this interface. */
int limit_rules_filter(struct limit_htb *h, const struct tree_link *link, uint16_t prio,
		       const struct program *program, const char *dev);

/* An operation that makes clsact where it is not there: *made. Refuses links that will not do. */
int limit_rules_clsact(struct limit_htb *h, const struct tree_link *link, bool *made);

/* An operation that takes clsact away, unless it has filters that no operation removes. */
int limit_rules_no_clsact(struct limit_htb *h, const struct tree_link *link);

#endif
