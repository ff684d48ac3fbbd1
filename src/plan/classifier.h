/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classifier.h - the seam between "which class does a packet belong to" and what carries it out.
 *
 * A classifier turns the ordered rules of one hook into objects of the wanted tree. The kernel's
 * own filters are one classifier; a BPF program is another. What a classifier cannot express it
 * refuses, by name; it never widens a match.
 */
#ifndef WEIR_PLAN_CLASSIFIER_H
#define WEIR_PLAN_CLASSIFIER_H

#include "conf/policy.h"
#include "kernel/probe.h"
#include "kernel/tree.h"

/* One match and what becomes of its packets. Rules are tried in array order, the first that
 * matches wins. match NULL: every packet. */
struct rule {
	const struct match *match;
	uint32_t classid;		/* where flows go, or 0 */
	struct action *actions;		/* run on a match (police), or NULL */
	const char *what;		/* "class voip", for messages */
};

struct hook {
	uint32_t parent;	/* what the filters hang on: HANDLE(WEIR_MAJOR, 0), HANDLE_INGRESS .. */
	uint16_t prio_first;	/* prios that may be used; rule i gets one of its own */
	uint16_t prio_last;
	bool ethernet;		/* packets have an Ethernet header in front of the network header */
};

struct classifier {
	const char *name;
	const char *help;

	/* Whether this kernel can carry the match. 0, or -EOPNOTSUPP with the reason in why:
	 * "'vlan' needs flower (cls_flower), which this kernel does not have". */
	int (*can)(const struct probe *probe, const struct match *match, char *why, size_t size);

	/* Appends the objects that carry the rules to the link, in rule order. */
	int (*compile)(struct ctx *ctx, const struct probe *probe, const struct hook *hook,
		       const struct rule *rules, unsigned int n, struct tree *tree,
		       struct tree_link *link);
};

/* NULL-terminated, best first. */
extern const struct classifier *const classifiers[];

#endif
