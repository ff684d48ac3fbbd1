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
	uint32_t mark, mark_mask;	/* what they get in these bits of their mark; mask 0: nothing */
	struct action *actions;		/* run on a match (police), or NULL */
	const char *what;		/* "class voip", for messages */
};

struct hook {
	uint32_t parent;	/* what the filters hang on: HANDLE(WEIR_MAJOR, 0), HANDLE_INGRESS .. */
	uint16_t prio_first;	/* prios that may be used; rule i gets one of its own */
	uint16_t prio_last;
	bool ethernet;		/* packets have an Ethernet header in front of the network header */
};

/* One direction of a link: its classes are there, this is how packets come to them. */
struct direction {
	bool ingress;
	bool ethernet;			/* as in struct hook */
	bool stamps;			/* ingress: a program at XDP may have decided already */
	bool marks;			/* ingress: rules ask for marks, which packets have not there:
					 * they get those of their connections */
	struct tree_link *link;		/* the link itself */
	struct tree_link *dev;		/* where the classes are: the link, or its IFB */
	const struct rule *rules;
	unsigned int n_rules;
	struct rule otherwise;		/* match NULL: packets that no rule matches */
};

struct classifier {
	const char *name;
	const char *help;

	/* Whether this kernel has it at all. 0, or -EOPNOTSUPP with the reason in why. */
	int (*is_there)(const struct probe *probe, char *why, size_t size);

	/* Whether this kernel can carry the match. 0, or -EOPNOTSUPP with the reason in why:
	 * "'vlan' needs flower (cls_flower), which this kernel does not have". */
	int (*can)(const struct probe *probe, const struct match *match, char *why, size_t size);

	/* Appends what leads the packets of a direction to their classes. -E2BIG: more rules than it
	 * can hold. */
	int (*direct)(struct ctx *ctx, const struct probe *probe, const struct direction *d,
		      struct tree *tree);

	/* Appends the objects that carry the rules of a hook to the link, in rule order. The rules have
	 * actions; lines that follow one another and have the same list (by address) are one rule. */
	int (*compile)(struct ctx *ctx, const struct probe *probe, const struct hook *hook,
		       const struct rule *rules, unsigned int n, struct tree *tree,
		       struct tree_link *link);
};

/* NULL-terminated, best first. */
extern const struct classifier *const classifiers[];

/* NULL when there is none. */
const struct classifier *classifier_find(const char *name);

/* "class voip: udp dport 5060; tcp dport 80 and 3 more", for plan and show; what: what stands in front, NULL:
 * nothing. In the arena; NULL: no memory. */
const char *rules_text(struct arena *arena, const char *what, const struct rule *rules, unsigned int n);

/* Matches that no classifier can carry, whatever the kernel has: no packet is like that. 0, or
 * -EOPNOTSUPP with the reason in why. */
int match_check(const struct match *m, char *why, size_t size);

/* Why the kernel's own filters do not carry `mark` of a class: what they decide, HTB sees and nobody else. */
#define CLASSIFIER_KERNEL_NO_MARK "'mark' needs the bpf classifier"

/* Terms about Ethernet headers on an interface that has none. match NULL: every packet. As above. */
int match_check_header(const struct match *m, bool ethernet, char *why, size_t size);

#endif
