/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff_scope.h - what a difference may touch: all that the trees do not tell of whose something is.
 */
#ifndef WEIR_PLAN_DIFF_SCOPE_H
#define WEIR_PLAN_DIFF_SCOPE_H

#include "kernel/tree.h"

enum cgroup_owner {
	CGROUP_FOREIGN,		/* somebody else set it, or nobody did */
	CGROUP_OURS,
	CGROUP_KEPT,		/* weir's, and a link that the difference is not about needs it */
};

struct diff_scope {
	/* Links of the present tree that the wanted one does not name: whether what weir made on
	 * them goes. NULL: yes, on every one. An IFB belongs to the link in its alias. */
	bool (*covers)(void *arg, const char *link);

	/* Whether weir made the clsact of this link, so that it may be removed with weir's last filter.
	 * NULL: never. */
	bool (*made_clsact)(void *arg, const char *link);

	/* A cgroup of the present tree that is to have another classid: whose the one is that it has.
	 * *before: the one that it had before weir set its own. NULL: CGROUP_FOREIGN. */
	enum cgroup_owner (*cgroup_owner)(void *arg, const struct tree_cgroup *cgroup, uint32_t *before);
	void *arg;

	bool take_over;		/* replace a root qdisc or a classid of somebody else's */
};

#endif
