// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/net_cls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/compile.h"
#include "plan/htb_tree.h"

/* A match of such a cgroup. */
struct use {
	struct match *match;
	const struct link *link;
	const struct class *class;	/* NULL: a police rule */
	uint32_t classid;		/* of the class; 0: a police rule */
	bool egress;			/* of an egress tree */
};

/* A cgroup that some match names. */
struct key {
	const char *path;
	uint32_t classid;
	const struct use *fixed;	/* what its classid has to be for; NULL: nothing */
	const struct use *first;
};

struct net_cls {
	struct use *uses;		/* in file order */
	struct key *keys;		/* by tree_path_order() */
	uint32_t *classids;		/* of the keys, in their order */
	unsigned int n_uses, n_keys;
};

enum { MINORS = 1 << 16 };

struct job {
	struct ctx *ctx;
	struct arena *arena;
	const struct policy *policy;
	const struct tree *present;
	struct net_cls *all;
	bool bpf;
	struct key *owner[MINORS];	/* of classid WEIR_MAJOR:index */
	struct key *second[MINORS];	/* another one that has it too */
	bool forbidden[MINORS];		/* it would lead to a class that has nothing to do with it */
};

/* ---- who uses which cgroup ---- */

static bool is_use(const struct match *m)
{
	return m->set & MATCH_CGROUP && !m->cgroup_id;
}

static unsigned int count_uses(const struct match *m)
{
	unsigned int n = 0;

	for (; m; m = m->next)
		n += is_use(m);
	return n;
}

static unsigned int count_in_classes(const struct class *c)
{
	unsigned int n = 0;

	if (!c)
		return 0;
	n = count_uses(c->matches);
	for (c = c->children; c; c = c->next)
		n += count_in_classes(c);
	return n;
}

static unsigned int count_in_link(const struct link *link)
{
	unsigned int n = count_in_classes(link->egress) + count_in_classes(link->ingress);
	const struct police *p;

	for (p = link->polices; p; p = p->next)
		n += count_uses(p->matches);
	return n;
}

bool net_cls_needed(const struct policy *policy)
{
	const struct link *link;

	for (link = policy->links; link; link = link->next)
		if (count_in_link(link))
			return true;
	return false;
}

static void add_uses(struct job *job, const struct use *like, struct match *m)
{
	for (; m; m = m->next)
		if (is_use(m)) {
			job->all->uses[job->all->n_uses] = *like;
			job->all->uses[job->all->n_uses++].match = m;
		}
}

/* In the order in which the rules are tried: an inner class's matches lead to its default. */
static int collect_tree(struct job *job, const struct link *link, const struct class *root)
{
	struct use like = { .link = link, .egress = root == link->egress };
	struct placed_class *placed;
	unsigned int n, i;
	int err;

	if (!count_in_classes(root))
		return 0;
	err = htb_place(job->ctx, job->arena, root, &placed, &n);
	for (i = 0; i < n && !err; i++) {
		if (!placed[i].leaf)
			continue;
		like.class = placed[i].class->is_default ? placed[i].class->parent : placed[i].class;
		like.classid = placed[i].classid;
		add_uses(job, &like, like.class->matches);
	}
	return err;
}

static int collect(struct job *job)
{
	const struct link *link;
	struct police *p;
	int err = 0;

	for (link = job->policy->links; link && !err; link = link->next) {
		struct use like = { .link = link };

		err = collect_tree(job, link, link->egress);
		if (!err)
			err = collect_tree(job, link, link->ingress);
		for (p = link->polices; p && !err; p = p->next)
			add_uses(job, &like, p->matches);
	}
	return err;
}

static int by_path(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = tree_path_order(x->path, y->path);

	return order ? order : x->first < y->first ? -1 : x->first > y->first;
}

static void make_keys(struct net_cls *all)
{
	unsigned int i, n = 0;

	for (i = 0; i < all->n_uses; i++) {
		all->keys[i].path = all->uses[i].match->cgroup;
		all->keys[i].first = &all->uses[i];
	}
	qsort(all->keys, all->n_uses, sizeof(*all->keys), by_path);
	for (i = 0; i < all->n_uses; i++)
		if (!n || strcmp(all->keys[n - 1].path, all->keys[i].path))
			all->keys[n++] = all->keys[i];
	all->n_keys = n;
}

static int key_of_path(const void *path, const void *key)
{
	return tree_path_order(path, ((const struct key *)key)->path);
}

static struct key *find_key(const struct net_cls *all, const char *path)
{
	return bsearch(path, all->keys, all->n_keys, sizeof(*all->keys), key_of_path);
}

/* ---- links that use the kernel's filter ---- */

static bool by_kernel(const struct job *job, const struct link *link)
{
	return link->classifier == CLASSIFIER_KERNEL ||
	       (link->classifier == CLASSIFIER_AUTO && !job->bpf);
}

/* The rule of the link's egress that takes the cgroup's packets, or NULL. */
static const struct use *use_of(const struct net_cls *all, const struct link *link, const char *path)
{
	unsigned int i;

	for (i = 0; i < all->n_uses; i++)
		if (all->uses[i].link == link && all->uses[i].egress &&
		    tree_path_within(path, all->uses[i].match->cgroup))
			return &all->uses[i];
	return NULL;
}

static const char *class_text(const struct use *u)
{
	return u->class && u->class->path ? u->class->path : "";
}

static int fix_key(struct job *job, struct key *k, const struct use *u)
{
	const struct loc *loc = &u->match->loc;

	if (!k->fixed) {
		k->fixed = u;
		k->classid = u->classid;
		if (!job->owner[HANDLE_MINOR(k->classid)])
			job->owner[HANDLE_MINOR(k->classid)] = k;
		else
			job->second[HANDLE_MINOR(k->classid)] = k;
	}
	if (k->classid == u->classid)
		return 0;
	return fail(job->ctx, EOPNOTSUPP, "%s: class %s: %s:%u: cgroup '%s' has one classid, which is that of "
		    "class %s of %s; the kernel's own filters cannot tell it apart here", u->link->name,
		    class_text(u), loc->file, loc->line, k->path, class_text(k->fixed), k->fixed->link->name);
}

static int fix_link(struct job *job, const struct link *link)
{
	struct net_cls *all = job->all;
	struct placed_class *placed;
	const struct use *u;
	unsigned int n, i;
	int err;

	err = htb_place(job->ctx, job->arena, link->egress, &placed, &n);
	for (i = 0; i < n && !err; i++)
		job->forbidden[HANDLE_MINOR(placed[i].classid)] = true;
	for (i = 0; i < all->n_keys && !err; i++) {
		u = use_of(all, link, all->keys[i].path);
		err = u ? fix_key(job, &all->keys[i], u) : 0;
	}
	return err;
}

/* A classid that is fixed for one link leads to whatever class has it on another. */
static int check_strays(struct job *job, const struct link *link)
{
	struct placed_class *placed;
	const struct key *k;
	unsigned int n, i;
	int err = htb_place(job->ctx, job->arena, link->egress, &placed, &n);

	for (i = 0; i < n && !err; i++) {
		k = job->owner[HANDLE_MINOR(placed[i].classid)];
		if (k && !use_of(job->all, link, k->path))
			err = fail(job->ctx, EOPNOTSUPP, "%s: cgroup '%s' has the classid of class %s of %s, and "
				   "the kernel's own filters would take it for class %s here: match it here too, "
				   "or name one of the classes otherwise", link->name, k->path,
				   class_text(k->fixed), k->fixed->link->name, placed[i].class->path);
	}
	return err;
}

static int each_kernel_link(struct job *job, int (*what)(struct job *job, const struct link *link))
{
	const struct link *link;
	int err = 0;

	for (link = job->policy->links; link && !err; link = link->next)
		if (by_kernel(job, link) && count_in_classes(link->egress))
			err = what(job, link);
	return err;
}

/* Two cgroups that lead to one class by the kernel's filter have one classid; nothing else tells them
 * apart then. */
static int check_shared(struct job *job)
{
	const struct key *k, *other;
	const struct use *u;
	unsigned int i;

	for (i = 0; i < job->all->n_uses; i++) {
		u = &job->all->uses[i];
		k = find_key(job->all, u->match->cgroup);
		other = job->second[HANDLE_MINOR(k->classid)];
		if (by_kernel(job, u->link) || !other)
			continue;
		if (other == k)
			other = job->owner[HANDLE_MINOR(k->classid)];
		return fail(job->ctx, EOPNOTSUPP, "%s: %s:%u: cgroups '%s' and '%s' cannot be told apart: the "
			    "kernel's own filters, which %s uses, lead both to one class, by one classid",
			    u->link->name, u->match->loc.file, u->match->loc.line, k->path,
			    other->path, k->fixed->link->name);
	}
	return 0;
}

/* ---- the others ---- */

static bool take(struct job *job, struct key *k, uint32_t classid)
{
	uint32_t minor = HANDLE_MINOR(classid);

	if (HANDLE_MAJOR(classid) != WEIR_MAJOR || minor < WEIR_MINOR_FIRST || minor > WEIR_MINOR_LAST ||
	    job->owner[minor] || job->forbidden[minor])
		return false;
	k->classid = classid;
	job->owner[minor] = k;
	return true;
}

static int cgroup_of_path(const void *path, const void *cgroup)
{
	return tree_path_order(path, ((const struct tree_cgroup *)cgroup)->path);
}

static uint32_t present_classid(const struct tree *present, const char *path)
{
	const struct tree_cgroup *c = NULL;

	if (present->n_cgroups)
		c = bsearch(path, present->cgroups, present->n_cgroups, sizeof(*c), cgroup_of_path);
	return c ? c->classid : 0;
}

static int take_any(struct job *job, struct key *k)
{
	uint32_t minor;

	for (minor = WEIR_MINOR_FIRST; minor <= WEIR_MINOR_LAST; minor++)
		if (take(job, k, HANDLE(WEIR_MAJOR, minor)))
			return 0;
	return fail(job->ctx, ENOSPC, "cgroup '%s': all classids that are weir's are taken", k->path);
}

/* Those that have one keep it; of the others those that can have that of their class get it. */
static int choose(struct job *job)
{
	struct net_cls *all = job->all;
	unsigned int i;
	int err = 0;

	for (i = 0; i < all->n_keys; i++)
		if (!all->keys[i].fixed)
			take(job, &all->keys[i], present_classid(job->present, all->keys[i].path));
	for (i = 0; i < all->n_keys && !err; i++)
		if (!all->keys[i].classid && !take(job, &all->keys[i], all->keys[i].first->classid))
			err = take_any(job, &all->keys[i]);
	return err;
}

static void fill_matches(struct net_cls *all)
{
	unsigned int i, n, at;
	struct match *m;

	for (i = 0; i < all->n_keys; i++)
		all->classids[i] = all->keys[i].classid;
	for (i = 0; i < all->n_uses; i++) {
		m = all->uses[i].match;
		at = (unsigned int)(find_key(all, m->cgroup) - all->keys);
		for (n = 1; at + n < all->n_keys && tree_path_within(all->keys[at + n].path, m->cgroup);)
			n++;
		m->net_cls = all->classids[at];
		m->net_cls_inner = &all->classids[at + 1];
		m->n_net_cls_inner = n - 1;
	}
}

static int assign(struct job *job)
{
	int err = collect(job);

	if (err)
		return err;
	make_keys(job->all);
	err = each_kernel_link(job, fix_link);
	if (!err)
		err = each_kernel_link(job, check_strays);
	if (!err)
		err = choose(job);
	if (!err)
		err = check_shared(job);
	if (!err)
		fill_matches(job->all);
	return err;
}

int net_cls_assign(struct ctx *ctx, struct policy *policy, const struct tree *present, bool bpf,
		   const struct net_cls **net_cls)
{
	struct arena *arena = &policy->arena;
	struct job *job;
	unsigned int n = 0;
	const struct link *link;
	int err;

	*net_cls = NULL;
	for (link = policy->links; link; link = link->next)
		n += count_in_link(link);
	if (!n)
		return 0;
	job = calloc(1, sizeof(*job));
	if (!job)
		return oom(ctx);
	*job = (struct job){
		.ctx = ctx, .arena = arena, .policy = policy, .present = present, .bpf = bpf,
		.all = arena_alloc(arena, sizeof(*job->all)),
	};
	if (job->all) {
		job->all->uses = arena_alloc(arena, n * sizeof(struct use));
		job->all->keys = arena_alloc(arena, n * sizeof(struct key));
		job->all->classids = arena_alloc(arena, n * sizeof(uint32_t));
	}
	err = job->all && job->all->uses && job->all->keys && job->all->classids ? assign(job) : oom(ctx);
	*net_cls = job->all;
	free(job);
	return err;
}

/* ---- what is wanted ---- */

/* The innermost cgroup around path that a match names; there is one. */
static const struct key *key_around(const struct net_cls *all, const char *path)
{
	unsigned int lo = 0, hi = all->n_keys, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (tree_path_order(all->keys[mid].path, path) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	while (lo && !tree_path_within(path, all->keys[lo].path))
		lo--;
	return &all->keys[lo];
}

static int want_cgroup(const struct net_cls *all, const char *const *only, unsigned int n_only,
			const struct tree_cgroup *c, struct tree *wanted)
{
	const struct link *last = NULL;
	struct tree_cgroup *w;
	unsigned int i;

	for (i = 0; i < all->n_uses; i++) {
		const struct use *u = &all->uses[i];

		if (u->link == last || !tree_path_within(c->path, u->match->cgroup) ||
		    !plan_is_named(u->link->name, only, n_only))
			continue;
		last = u->link;
		w = &wanted->cgroups[wanted->n_cgroups++];
		w->dir = arena_strdup(&wanted->arena, c->dir);
		w->link = arena_strdup(&wanted->arena, u->link->name);
		if (!w->dir || !w->link)
			return -ENOMEM;
		w->path = w->dir + (c->path - c->dir);
		w->classid = key_around(all, c->path)->classid;
	}
	return 0;
}

static unsigned int count_links(const struct net_cls *all)
{
	const struct link *last = NULL;
	unsigned int n = 0, i;

	for (i = 0; i < all->n_uses; last = all->uses[i++].link)
		n += all->uses[i].link != last;
	return n;
}

int net_cls_want(struct ctx *ctx, const struct net_cls *net_cls, const char *const *only,
		 unsigned int n_only, const struct tree *present, struct tree *wanted)
{
	unsigned int i, n;

	if (!net_cls || !present->n_cgroups)
		return 0;
	n = present->n_cgroups * count_links(net_cls);
	wanted->cgroups = arena_alloc(&wanted->arena, n * sizeof(*wanted->cgroups));
	if (!wanted->cgroups)
		return oom(ctx);
	for (i = 0; i < present->n_cgroups; i++)
		if (want_cgroup(net_cls, only, n_only, &present->cgroups[i], wanted))
			return oom(ctx);
	return 0;
}
