/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroups.h - whose a cgroup's classid is, and what is remembered of it.
 *
 * Cgroups are the host's: the classid of one may be that of weir in another network namespace. So
 * weir's own are told by what is remembered, not by their value.
 */
#ifndef WEIR_CMD_CGROUPS_H
#define WEIR_CMD_CGROUPS_H

#include "cmd/session.h"

/* For diff_scope; arg is the session. */
enum cgroup_owner cgroups_owner(void *arg, const struct tree_cgroup *cgroup, uint32_t *before);

/* Before the first change: what s->ops are going to set. */
int cgroups_remember_intent(struct session *s);

/* After the last one: what s->wanted has, and no more, for the links that the session is about. */
int cgroups_remember(struct session *s);

/* Leaves out of a dump the cgroups that the operations do not touch. */
void cgroups_keep_touched(struct tree *tree, const struct ops *ops);

#endif
