/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - the rules of one hook as the data of the BPF classifier (bpf/classify.h). Pure: nothing
 * is loaded.
 */
#ifndef WEIR_PLAN_RULESET_H
#define WEIR_PLAN_RULESET_H

#include "kernel/program.h"
#include "plan/classifier.h"

struct ruleset_hook {
	const char *what;	/* for messages: "wan0: egress" */
	bool ingress;		/* else egress */
	bool ethernet;		/* packets start with an Ethernet header, else with the IP header */
	bool stamps;		/* ingress: decisions of a program at XDP are believed (bpf/stamp.h) */
	bool filter;		/* it only tells whether a rule matches, for the filter's actions */
	bool limits;		/* of limits: as a filter, but stamps what a rule matches */
	uint32_t classid;	/* of packets that no rule matches */
	uint32_t mark, mark_mask;	/* and their mark; mask 0: left alone */
	uint64_t source_hash;	/* program_source_hash("classify") */
};

/*
 * What the program is that carries out rules; in the arena, together with all that it points to.
 * Each rule gives its packets its classid (and mark), counter CLASSIFY_COUNT_RULE + i is rule i's;
 * actions are not looked at. -E2BIG: more than it can hold, by name; -ENOMEM.
 *
 * Rules that can never match, because an earlier one takes all packets, are left out of the work, but
 * keep their numbers.
 */
int ruleset_program(struct ctx *ctx, struct arena *arena, const struct ruleset_hook *hook,
		    const struct rule *rules, unsigned int n, struct program **program);

#endif
