/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - what each rule of a BPF classifier has counted.
 */
#ifndef WEIR_VIEW_RULES_H
#define WEIR_VIEW_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ctx.h"

struct rule_count {
	const char *class;	/* its path; of a line that is no rule NULL */
	const char *match;	/* as in the file; or what such a line counts */
	uint64_t packets, bytes;
	uint64_t exceeding;	/* police: packets above the rate */
};

/* One direction of a link. */
struct rule_counts {
	struct rule_counts *next;
	const char *link;
	bool ingress;
	bool police;		/* the link's police rules; else those of its classes */
	const char *why_not;	/* NULL: there are counts */
	struct rule_count *count;	/* rules, then the other lines */
	unsigned int n, n_rules;
	bool others;		/* the rules are not those that were applied: their text is unknown */
};

int view_rules(struct ctx *ctx, FILE *f, const struct rule_counts *list);

/* { "rules": [ { "link", "direction", "applied", "reason", "rules": [ { "class", "match", "packets",
 *   "bytes" } ], "others": [ { "what", "packets", "bytes" } ] } ],
 *   "police": [ { "link", "direction", "applied", "rules": [ { "match", "packets", "bytes",
 *   "exceed_packets" } ] } ] } */
int view_rules_json(struct ctx *ctx, FILE *f, const struct rule_counts *list);

#endif
