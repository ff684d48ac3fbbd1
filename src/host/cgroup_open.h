/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_open.h - from the id of a cgroup of v2 back to the cgroup.
 */
#ifndef WEIR_HOST_CGROUP_OPEN_H
#define WEIR_HOST_CGROUP_OPEN_H

#include "host/cgroup.h"

/* A descriptor of its folder, for reading; the caller closes it.
 * -ESTALE: it is no more; -EPERM: this takes CAP_DAC_READ_SEARCH; others. */
int cgroup_open_id(const struct cgroups *cgroups, uint64_t id);

/* Its path, as cgroup_id() takes it, into path. 0, -ESTALE as above, -ENAMETOOLONG. */
int cgroup_path(const struct cgroups *cgroups, uint64_t id, char path[CGROUP_DIR]);

#endif
