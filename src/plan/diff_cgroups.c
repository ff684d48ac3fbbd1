// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/diff_cgroups.h"

#include <errno.h>
#include <string.h>

struct job {
	struct ctx *ctx;
	const struct diff_scope *scope;
	struct ops *ops;
	const struct tree *wanted;
};

static enum cgroup_owner owner_of(const struct job *job, const struct tree_cgroup *p, uint32_t *before)
{
	*before = 0;
	return job->scope->cgroup_owner ? job->scope->cgroup_owner(job->scope->arg, p, before) :
					  CGROUP_FOREIGN;
}

static const struct tree_link *link_of(const struct job *job, const struct tree_cgroup *w)
{
	const struct tree_link *link = w && w->link ? tree_link_find(job->wanted, w->link) : NULL;

	return link ? link : &op_no_link;
}

static int set(struct job *job, const struct tree_cgroup *p, const struct tree_cgroup *w,
	       uint32_t classid)
{
	const struct op op = {
		.verb = OP_CGROUP, .phase = w ? PHASE_CLASSIFY : PHASE_UNHOOK, .cost = COST_NOTHING,
		.link = link_of(job, w), .cgroup = p, .classid = classid,
	};

	return op_append(job->ops, &op) ? oom(job->ctx) : 0;
}

static int refuse(struct job *job, const struct tree_cgroup *p, const struct tree_cgroup *w)
{
	return fail(job->ctx, EEXIST, "%s: cgroup %s: its net_cls.classid, %x:%x, is %s; --take-over "
		    "replaces it and `weir down` puts it back", w->link ? w->link : "?", p->path,
		    HANDLE_MAJOR(p->classid), HANDLE_MINOR(p->classid),
		    HANDLE_MAJOR(p->classid) == WEIR_MAJOR ? "that of weir in another network namespace" :
							    "not weir's");
}

static int diff_wanted(struct job *job, const struct tree_cgroup *p, const struct tree_cgroup *w)
{
	uint32_t before;

	if (p->classid == w->classid)
		return 0;
	if (p->classid && !job->scope->take_over && owner_of(job, p, &before) == CGROUP_FOREIGN)
		return refuse(job, p, w);
	return set(job, p, w, w->classid);
}

static int diff_unwanted(struct job *job, const struct tree_cgroup *p)
{
	uint32_t before;

	if (!p->classid || owner_of(job, p, &before) != CGROUP_OURS)
		return 0;
	return set(job, p, NULL, before);
}

int diff_cgroups(struct ctx *ctx, const struct diff_scope *scope, struct ops *ops,
		 const struct tree *present, const struct tree *wanted)
{
	struct job job = { ctx, scope, ops, wanted };
	const struct tree_cgroup *w = wanted->cgroups, *end = w + wanted->n_cgroups, *p;
	unsigned int i;
	int order, err = 0;

	for (i = 0; i < present->n_cgroups && !err; i++) {
		p = &present->cgroups[i];
		for (order = -1; w < end && (order = tree_path_order(w->path, p->path)) < 0;)
			w++;	/* gone, with its classid; or the same one for another link */
		err = w < end && !order ? diff_wanted(&job, p, w) : diff_unwanted(&job, p);
	}
	return err;
}
