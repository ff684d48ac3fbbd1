/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - what weir remembers of a network namespace: /run/weir/INODE.json.
 *
 * For each link the policy that was applied last (so that `show` has names and can tell drift),
 * whether weir made its clsact, which classids it gave to cgroups, and what --take-over put aside; and
 * which of the host's limits files that were applied here made. It
 * is a hint: what weir made on links is found without it, by the marks in tree.h. Written by temporary file, fsync and rename.
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

/* Puts aside the root qdisc of the link and all that hangs on it; forgets it with link NULL. -EOPNOTSUPP:
 * a filter there runs a BPF program, which only a process that has seen it can put back. */
int state_put_aside(struct ctx *ctx, struct state *state, const char *name,
		    const struct tree_link *link);
bool state_has_aside(const struct state *state, const char *link);

/* Remembers that weir gave a cgroup of net_cls a classid for the link, and which it had before. */
int state_set_cgroup(struct ctx *ctx, struct state *state, const char *link, const char *path,
		     uint32_t classid, uint32_t before);

/* Whether the link remembers the cgroup, or one around it that it got its classid from when it was made.
 * *before: what that had before. */
bool state_owns_cgroup(const struct state *state, const char *link, const struct tree_cgroup *cgroup,
		       uint32_t *before);

/* Forgets those of the link's cgroups that keep() (NULL: none) does not hold for. */
void state_keep_cgroups(struct state *state, const char *link,
			bool (*keep)(void *arg, const char *link, const char *path), void *arg);

/* Whether any link remembers a cgroup. */
bool state_has_cgroups(const struct state *state);

/* The text of the limit block that was applied in this namespace, by a key of the caller's, or NULL.
 * Setting NULL forgets it. */
const char *state_limit(const struct state *state, const char *key);
int state_set_limit(struct ctx *ctx, struct state *state, const char *key, const char *text);

/* Calls each() with every limit that is remembered, which it may forget; stops at its first error. */
int state_each_limit(const struct state *state,
		     int (*each)(void *arg, const char *key, const char *text), void *arg);

/* Adds what was put aside to a wanted tree. */
int state_restore(struct ctx *ctx, const struct state *state, struct tree *tree,
		  struct tree_link *link);

/* Calls each() with every link that is remembered; stops at its first error. */
int state_each(const struct state *state, int (*each)(void *arg, const char *link), void *arg);

/* Forgets links of which nothing is left to remember. */
void state_tidy(struct state *state);

#endif
