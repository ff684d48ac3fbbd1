/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - what weir remembers of a network namespace: /run/weir/INODE.json.
 *
 * For each link the policy that was applied last (so that `show` has names and can tell drift),
 * whether weir made its clsact, and what --take-over put aside. It is a hint: everything that weir
 * made is found without it, by the marks in tree.h. Written by temporary file, fsync and rename.
 */
#ifndef WEIR_KERNEL_STATE_H
#define WEIR_KERNEL_STATE_H

#include <stdint.h>

#include "kernel/tree.h"
#include "lib/ctx.h"

struct state;

/* An absent file is an empty state; one that cannot be read is one too, with a warning. */
int state_load(struct ctx *ctx, uint64_t netns_inode, struct state **state);
int state_save(struct ctx *ctx, const struct state *state);
struct state *state_dup(const struct state *state);	/* NULL: no memory */
void state_free(struct state *state);			/* takes NULL */

/* The text of the link block that was applied, or NULL. Setting NULL forgets it. */
const char *state_policy(const struct state *state, const char *link);
int state_set_policy(struct ctx *ctx, struct state *state, const char *link, const char *text);

bool state_made_clsact(const struct state *state, const char *link);
int state_set_made_clsact(struct ctx *ctx, struct state *state, const char *link, bool made);

/* Puts aside the root qdisc of the link and all that hangs on it; forgets it with link NULL. */
int state_put_aside(struct ctx *ctx, struct state *state, const char *name,
		    const struct tree_link *link);
bool state_has_aside(const struct state *state, const char *link);

/* Adds what was put aside to a wanted tree. */
int state_restore(struct ctx *ctx, const struct state *state, struct tree *tree,
		  struct tree_link *link);

/* Calls each() with every link that is remembered; stops at its first error. */
int state_each(const struct state *state, int (*each)(void *arg, const char *link), void *arg);

/* Forgets links of which nothing is left to remember. */
void state_tidy(struct state *state);

#endif
