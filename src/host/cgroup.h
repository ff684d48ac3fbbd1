/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - where this host's cgroup hierarchies are, and what is at a path in them.
 *
 * A host has cgroup v2 (mounted anywhere, on hybrid hosts beside v1), the v1 hierarchy of net_cls, both
 * or neither. Paths are relative to the root of the hierarchy, without a slash in front.
 */
#ifndef WEIR_HOST_CGROUP_H
#define WEIR_HOST_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ctx.h"

enum { CGROUP_DIR = 4096 };

/* Where they are mounted; "" for one that is not. */
struct cgroups {
	char v2[CGROUP_DIR];
	char net_cls[CGROUP_DIR];
};

/* Looks into /proc/self/mountinfo. 0, or what opening gave. */
int cgroups_find(struct ctx *ctx, struct cgroups *cgroups);

/* The same from a text in that form (proc_pid_mountinfo(5)). A mount that shows the root of its
 * hierarchy is preferred to one of a part of it. is_there: whether the hierarchy is still to be seen
 * at the place, which a later mount may have covered; NULL: yes. */
void cgroups_read(FILE *mountinfo, bool (*is_there)(const char *dir, bool v2),
		  struct cgroups *cgroups);

/* A cgroup of v2 as BPF knows it: its id, and how many cgroups are around it (those directly in the
 * root have level 1). 0; -ENOENT; -EXDEV: the mount does not show the hierarchy from its root, so that
 * the level cannot be told; -ENOTDIR, -EACCES ... */
int cgroup_id(const struct cgroups *cgroups, const char *path, uint64_t *id, unsigned int *level);

/* The inode of a cgroup's folder in net_cls. 0, -ENOENT or what else stat() gave. */
int cgroup_net_cls_id(const struct cgroups *cgroups, const char *path, uint64_t *id);

/* Whether net_cls has the cgroup. 0, -ENOENT or what else stat() gave. */
int cgroup_has_net_cls(const struct cgroups *cgroups, const char *path);

#endif
