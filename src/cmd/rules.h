/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - `weir show --rules`: the counters of the BPF classifiers, with the text of their rules.
 */
#ifndef WEIR_CMD_RULES_H
#define WEIR_CMD_RULES_H

#include "cmd/session.h"
#include "view/rules.h"

/* Prints the counters of the links of s->present that covers() accepts; s->wanted may be NULL: what was
 * applied is not known. */
int rules_show(struct session *s, bool (*covers)(void *arg, const char *link), void *arg);

/* Appends what the police rules of an interface have counted; applied: the same of what was applied, or
 * NULL. All that is made is the arena's. 0 or -ENOMEM. */
int rules_police(struct ctx *ctx, struct arena *arena, const struct tree_link *link,
		 const struct tree_link *applied, struct rule_counts ***tail);

#endif
