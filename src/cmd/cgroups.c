// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/cgroups.h"

#include <stdlib.h>
#include <string.h>

struct owner {
	const struct session *s;
	const struct tree_cgroup *cgroup;
	enum cgroup_owner is;
	uint32_t before;
};

static int ask_link(void *arg, const char *link)
{
	struct owner *o = arg;
	uint32_t before;

	if (!state_owns_cgroup(o->s->state, link, o->cgroup, &before))
		return 0;
	o->before = before;
	if (o->is != CGROUP_KEPT)
		o->is = o->s->scope.covers(o->s->scope.arg, link) ? CGROUP_OURS : CGROUP_KEPT;
	return 0;
}

enum cgroup_owner cgroups_owner(void *arg, const struct tree_cgroup *cgroup, uint32_t *before)
{
	const struct session *s = arg;
	struct owner o = { .s = s, .cgroup = cgroup, .is = CGROUP_FOREIGN };

	state_each(s->state, ask_link, &o);
	*before = o.before;
	return o.is;
}

/* What is to be put back one day. Of a classid of weir's in another namespace nobody knows whether it
 * still holds then. */
static uint32_t before_of(struct session *s, const struct tree_cgroup *present)
{
	uint32_t before;

	if (cgroups_owner(s, present, &before) != CGROUP_FOREIGN)
		return before;
	return HANDLE_MAJOR(present->classid) == WEIR_MAJOR ? 0 : present->classid;
}

static int by_path(const void *path, const void *cgroup)
{
	return tree_path_order(path, ((const struct tree_cgroup *)cgroup)->path);
}

/* The first entry of the path, or NULL. */
static const struct tree_cgroup *find(const struct tree *tree, const char *path)
{
	const struct tree_cgroup *c = NULL;

	if (tree->n_cgroups)
		c = bsearch(path, tree->cgroups, tree->n_cgroups, sizeof(*c), by_path);
	while (c && c > tree->cgroups && !strcmp(c[-1].path, path))
		c--;
	return c;
}

int cgroups_remember_intent(struct session *s)
{
	const struct tree_cgroup *w, *end = s->wanted->cgroups + s->wanted->n_cgroups;
	const struct op *op;
	uint32_t before;
	int err = 0;

	for (op = s->ops.first; op && !err; op = op->next) {
		w = op->verb == OP_CGROUP ? find(s->wanted, op->cgroup->path) : NULL;
		if (!w)
			continue;
		before = before_of(s, op->cgroup);
		for (; w < end && !strcmp(w->path, op->cgroup->path) && !err; w++)
			err = state_set_cgroup(s->ctx, s->state, w->link, w->path, w->classid, before);
	}
	return err;
}

static bool is_wanted(void *arg, const char *link, const char *path)
{
	const struct tree *wanted = arg;
	const struct tree_cgroup *w = find(wanted, path), *end = wanted->cgroups + wanted->n_cgroups;

	for (; w && w < end && !strcmp(w->path, path); w++)
		if (!strcmp(w->link, link))
			return true;
	return false;
}

static int forget(void *arg, const char *link)
{
	struct session *s = arg;

	if (s->scope.covers(s->scope.arg, link))
		state_keep_cgroups(s->state, link, is_wanted, s->wanted);
	return 0;
}

/* One that weir set for another link already is this link's too. */
int cgroups_remember(struct session *s)
{
	const struct tree_cgroup *w;
	uint32_t before;
	unsigned int i;
	int err = 0;

	for (i = 0; i < s->wanted->n_cgroups && !err; i++) {
		w = &s->wanted->cgroups[i];
		if (cgroups_owner(s, w, &before) != CGROUP_FOREIGN)
			err = state_set_cgroup(s->ctx, s->state, w->link, w->path, w->classid, before);
	}
	return err ? err : state_each(s->state, forget, s);
}

void cgroups_keep_touched(struct tree *tree, const struct ops *ops)
{
	const struct op *op;
	unsigned int i, n = 0;

	for (i = 0; i < tree->n_cgroups; i++) {
		for (op = ops->first; op; op = op->next)
			if (op->verb == OP_CGROUP && !strcmp(op->cgroup->path, tree->cgroups[i].path))
				break;
		if (op)
			tree->cgroups[n++] = tree->cgroups[i];
	}
	tree->n_cgroups = n;
}
