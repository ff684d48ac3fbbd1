/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * choose.h - which classifier a link gets.
 */
#ifndef WEIR_PLAN_CHOOSE_H
#define WEIR_PLAN_CHOOSE_H

#include "plan/classifier.h"

struct choice {
	const struct link *policy;
	const struct tree_link *present;
	const struct probe *probe;
	const struct direction *directions[2];	/* egress, ingress; link NULL: not shaped */
};

/* The best classifier that the policy allows and that carries all rules of both directions: appends
 * its filters and names it in link->classifier, with the reason against a better one. -EOPNOTSUPP,
 * -E2BIG: there is none; what the last one refuses is what is told. */
int choose_classifier(struct ctx *ctx, const struct choice *choice, struct tree *tree,
		      struct tree_link *link);

/* Which one carries the police rules of a link: of a shaped link its classifier, else the best that the
 * policy allows and that carries them. -EOPNOTSUPP: none does, as above. */
int choose_for_police(struct ctx *ctx, const struct choice *choice, const struct tree_link *link,
		      const struct rule *rules, unsigned int n, const struct classifier **classifier);

#endif
