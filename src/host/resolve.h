/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve.h - what the names in a policy stand for on this host: users and cgroups.
 */
#ifndef WEIR_HOST_RESOLVE_H
#define WEIR_HOST_RESOLVE_H

#include "conf/policy.h"
#include "host/cgroup.h"

struct resolve {
	const struct cgroups *cgroups;
	const char *const *only;	/* names of links, n_only of them; 0: all */
	unsigned int n_only;
	bool gone;	/* what is not there any more is no error: it is warned of, and its match is
			 * one that holds for nothing */
};

/*
 * Fills in uid, cgroup_id and cgroup_level of every match. A cgroup is looked for in v2 first, then in
 * net_cls, where its id stays 0 (see plan/net_cls.h); for links with `classifier kernel`, which
 * has no other, in net_cls first.
 *
 * -ENOENT, as a located fault: no such user or cgroup, with where it was looked for. Others: what
 * reading the user database or the file system gave.
 */
int host_resolve(struct ctx *ctx, const struct resolve *how, struct policy *policy);

#endif
