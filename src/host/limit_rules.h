/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_rules.h - the BPF classifier at clsact's ingress, for limits: what the backends ifb_tc,
 * tc_police and bpf_htb find a packet's limit by. Inside of src/host.
 *
 * It looks up the socket that a packet is for; of its cgroups and its user the first that is under
 * a limit counts, the innermost cgroup first.
 */
#ifndef WEIR_HOST_LIMIT_RULES_H
#define WEIR_HOST_LIMIT_RULES_H

#include "host/limit_htb.h"
#include "plan/ruleset.h"

/* Priorities of filters. Which of two ranges a filter is in tells whether clsact was made for it, and goes
 * with the last such filter. */
enum {
	LIMIT_PRIO_POLICE = 0x7800,		/* and the minor of the class, to .. */
	LIMIT_PRIO_POLICE_HOST = 0x7870,
	LIMIT_POLICE_LIMITS = 0x6f,
	LIMIT_PRIO_IFB = 0x78e0, LIMIT_PRIO_IFB_HOST,
};

/* The program for all limits of the list that have a class, or for one of them; in the arena of
 * h->wanted. */
int limit_rules_program(struct limit_htb *h, const struct ruleset_hook *hook,
			const struct limit_report *one, struct program **program);

/* Whether such a program loads here, with the reason why not. */
bool limit_rules_try(struct ctx *ctx, const struct ruleset_hook *hook, char why[BACKEND_WHY]);

/* Refuses what cannot be told at ingress. */
int limit_rules_check(struct limit_htb *h, const struct limit_wish *wish);

/* Whether any limit has a class. */
bool limit_rules_any(const struct limit_htb *h);

/* The filter of a prio at ingress, of those that run a program of weir's; or NULL. */
const struct obj *limit_rules_find(const struct tree_link *link, uint16_t prio);

/* Operations that make a filter, or change in place the one that is there, where it differs. One hands all
 * packets to another interface, the other one drops those that the program matches, above the rate. */
int limit_rules_filter(struct limit_htb *h, const struct tree_link *link, uint16_t prio,
		       const struct program *program, const char *dev);
int limit_rules_police(struct limit_htb *h, const struct tree_link *link, uint16_t prio,
		       const struct program *program, uint64_t rate_bit, uint64_t burst_bytes);

/* An operation that makes clsact where it is not there. *made: it is, or was, made for limits. Refuses
 * links that will not do. */
int limit_rules_clsact(struct limit_htb *h, const struct tree_link *link, bool *made);

/* An operation that takes clsact away, unless it has filters that no operation removes. */
int limit_rules_no_clsact(struct limit_htb *h, const struct tree_link *link);

#endif
