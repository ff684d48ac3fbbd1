// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/diff.h"

#include <errno.h>
#include <string.h>

#include "bpf/classes.h"
#include "plan/diff_cgroups.h"
#include "plan/diff_xdp.h"
#include "plan/filters.h"
#include "plan/hook_place.h"
#include "plan/lookup.h"

/* One pair of links; either may be NULL. */
struct job {
	struct ctx *ctx;
	const struct diff_scope *scope;
	struct ops *ops;
	const struct tree_link *present;
	struct tree_link *wanted;
	struct lookup in_present, in_wanted;
	bool new_root;			/* everything below the root is to be built */
};

/* What is there is removed by the link that it was found on; all else is of the wanted tree. */
static const struct tree_link *op_link(const struct job *job, enum op_verb verb, const struct obj *obj)
{
	bool removal = verb == OP_LINK_DEL || verb == OP_DEL;

	return removal && !obj && job->present ? job->present : job->wanted;
}

static int add_op(struct job *job, enum op_verb verb, enum op_phase phase, enum op_cost cost,
		  const struct obj *old, const struct obj *obj)
{
	const struct op op = {
		.verb = verb, .phase = phase, .cost = cost, .old = old, .obj = obj,
		.link = op_link(job, verb, obj),
	};

	return op_append(job->ops, &op) ? oom(job->ctx) : 0;
}

static const struct obj *first_obj(const struct tree_link *link, enum obj_type type)
{
	return link ? link->objs[type] : NULL;
}

static bool is_weirs_root(const struct obj *root)
{
	return root && root->handle == HANDLE(WEIR_MAJOR, 0) && !strcmp(root->kind_name, "htb");
}

/* A root that somebody chose; the kernel's own default counts as none. */
static struct obj *chosen_root(const struct lookup *in)
{
	struct obj *root = lookup_qdisc_at(in, HANDLE_ROOT);

	return root && root->handle ? root : NULL;
}

static bool same_kind(const struct obj *a, const struct obj *b)
{
	return !strcmp(a->kind_name, b->kind_name);
}

/* ---- links ---- */

static int diff_link(struct job *job)
{
	const struct tree_link *p = job->present, *w = job->wanted;
	int err = 0;

	if (!w || !w->ours)
		return p && p->ours && !w ?
			add_op(job, OP_LINK_DEL, PHASE_REMOVE, COST_QUEUE, NULL, NULL) : 0;
	if (!p)
		return add_op(job, OP_LINK_ADD, PHASE_LINK, COST_NOTHING, NULL, NULL);
	if (!p->ours)
		return fail(job->ctx, EEXIST, "%s: an interface of this name exists and is not weir's",
			    w->name);
	if (strcmp(p->alias, w->alias))
		err = add_op(job, OP_LINK_ALIAS, PHASE_LINK, COST_NOTHING, NULL, NULL);
	if (!err && !p->up)
		err = add_op(job, OP_LINK_UP, PHASE_LINK, COST_NOTHING, NULL, NULL);
	return err;
}

/* ---- the root qdisc ---- */

static int refuse_root(struct job *job, const struct obj *root)
{
	return fail(job->ctx, EEXIST,
		    "%s: root qdisc %s %x: is not weir's; --take-over replaces it and `weir down` puts it back",
		    job->present->name, root->kind_name, HANDLE_MAJOR(root->handle));
}

static int replace_root(struct job *job, const struct obj *p, const struct obj *w)
{
	int err;

	job->new_root = true;
	/* the kernel takes the same handle for a change of the qdisc that has it */
	if (p->handle != w->handle)
		return add_op(job, OP_REPLACE, PHASE_BUILD, COST_QUEUE, p, w);
	err = add_op(job, OP_DEL, PHASE_BUILD, COST_QUEUE, p, NULL);
	return err ? err : add_op(job, OP_ADD, PHASE_BUILD, COST_NOTHING, NULL, w);
}

/* The kernel does not move a class, and one that filters lead to cannot be removed before they are.
 * It takes two paths with the same hash, one of which was added, to come here. */
static bool class_moves(const struct job *job)
{
	const struct obj *w, *p;

	for (w = first_obj(job->wanted, OBJ_CLASS); w; w = w->next) {
		p = lookup_class(&job->in_present, w->handle);
		if (p && p->parent != w->parent)
			return true;
	}
	return false;
}

static int diff_root(struct job *job)
{
	struct obj *p = chosen_root(&job->in_present), *w = chosen_root(&job->in_wanted);

	if (!w)
		return is_weirs_root(p) && !job->present->ours ?
			add_op(job, OP_DEL, PHASE_REMOVE, COST_QUEUE, p, NULL) : 0;
	if (!p) {
		job->new_root = true;
		return add_op(job, OP_ADD, PHASE_BUILD, COST_NOTHING, NULL, w);
	}
	if (p->handle == w->handle && same_kind(p, w)) {
		if (!is_weirs_root(w) ||
		    (p->opts && opts_hold(w->kind, w->opts, p->opts) && !class_moves(job)))
			return 0;
		return replace_root(job, p, w);
	}
	if (!is_weirs_root(p) && is_weirs_root(w) && !job->scope->take_over)
		return refuse_root(job, p);
	return replace_root(job, p, w);
}

/* ---- classes ---- */

/* Classes that only the qdisc itself makes (bands, queues, flows) cannot be added. */
static bool class_is_made(const struct obj *c)
{
	static const char *const kinds_with_classes[] = { "htb", "hfsc", "drr", "qfq", "cbq" };
	unsigned int i;

	for (i = 0; i < sizeof(kinds_with_classes) / sizeof(kinds_with_classes[0]); i++)
		if (!strcmp(c->kind_name, kinds_with_classes[i]))
			return true;
	return false;
}

/* A class that gets its first child loses the packets that wait in its leaf. */
static enum op_cost cost_of_class(struct job *job, const struct obj *w)
{
	const struct obj *parent = job->new_root ? NULL : lookup_class(&job->in_present, w->parent);

	return parent && lookup_qdisc_at(&job->in_present, parent->handle) ? COST_QUEUE : COST_NOTHING;
}

/* Of a limit: it comes and goes with that, whatever a policy says, and stays as long as the root does. */
static bool is_of_limit(const struct obj *class)
{
	return classes_is_limit(class->handle);
}

static bool class_differs(const struct obj *w, const struct obj *p)
{
	return w->kind && !w->opaque && (!p->opts || !opts_hold(w->kind, w->opts, p->opts));
}

/* An inner class that is to lose all its children. */
static bool leaf_again(const struct job *job, const struct obj *w)
{
	return !job->new_root && lookup_class(&job->in_present, w->handle) &&
	       lookup_child(&job->in_present, w->handle) && !lookup_child(&job->in_wanted, w->handle);
}

static int diff_class(struct job *job, const struct obj *w)
{
	const struct obj *p = job->new_root ? NULL : lookup_class(&job->in_present, w->handle);

	if (!class_is_made(w) || (is_of_limit(w) && !job->new_root))
		return 0;
	if (!p)
		return add_op(job, OP_ADD, PHASE_BUILD, cost_of_class(job, w), NULL, w);
	if (leaf_again(job, w) || !class_differs(w, p))
		return 0;
	return add_op(job, OP_CHANGE, PHASE_BUILD, COST_NOTHING, p, w);
}

/* When its children are gone: what HTB keeps for leaves only, it takes from leaves only
 * (htb_change_class(), net/sched/sch_htb.c, 6.12). */
static int diff_leaf_again(struct job *job, const struct obj *w)
{
	const struct obj *p = lookup_class(&job->in_present, w->handle);

	if (!leaf_again(job, w) || !class_differs(w, p))
		return 0;
	return add_op(job, OP_CHANGE, PHASE_REMOVE, COST_NOTHING, p, w);
}

/* Children before parents: the reverse of the tree's order. */
static int remove_classes(struct job *job, const struct obj *p)
{
	int err;

	if (!p)
		return 0;
	err = remove_classes(job, p->next);
	if (err || is_of_limit(p) || lookup_class(&job->in_wanted, p->handle))
		return err;
	return add_op(job, OP_DEL, PHASE_REMOVE, COST_QUEUE, p, NULL);
}

/* ---- leaf qdiscs ---- */

static bool leaf_holds(const struct obj *w, const struct obj *p)
{
	if (!w->kind || w->opaque || !p->kind)
		return true;	/* of somebody else: the kind is all that can be told */
	return opts_hold(w->kind, w->opts, p->opts);
}

static int diff_leaf(struct job *job, const struct obj *w)
{
	const struct obj *p = job->new_root ? NULL : lookup_qdisc_at(&job->in_present, w->parent);
	bool inner_now = !job->new_root && lookup_child(&job->in_present, w->parent);
	int err;

	if (!w->handle)
		return 0;	/* the kernel's own */
	if (classes_is_limit(w->parent) && !job->new_root)
		return 0;
	/* a class that loses its last child is a leaf again only when that child is gone */
	if (!p || !p->handle)
		return add_op(job, OP_ADD, inner_now ? PHASE_REMOVE : PHASE_BUILD, COST_NOTHING, NULL, w);
	if (same_kind(w, p) && leaf_holds(w, p))
		return 0;
	if (same_kind(w, p) && w->kind && !opts_need_new(w->kind, w->opts, p->opts))
		return add_op(job, OP_CHANGE, PHASE_BUILD,
			      w->kind->flags & KIND_CHANGE_DROPS ? COST_QUEUE : COST_NOTHING, p, w);
	err = add_op(job, OP_DEL, PHASE_BUILD, COST_QUEUE, p, NULL);
	return err ? err : add_op(job, OP_ADD, PHASE_BUILD, COST_NOTHING, NULL, w);
}

static bool is_leaf(const struct obj *qdisc)
{
	return qdisc->parent != HANDLE_ROOT && qdisc->parent != HANDLE_CLSACT;
}

/* A tree of somebody else's may have classful qdiscs in classes: each qdisc, then its classes. */
static int build_foreign(struct job *job)
{
	const struct obj *q, *c;
	int err = 0;

	for (q = first_obj(job->wanted, OBJ_QDISC); q && !err; q = q->next) {
		if (is_leaf(q))
			err = diff_leaf(job, q);
		for (c = first_obj(job->wanted, OBJ_CLASS); c && !err; c = c->next)
			if (q->handle && HANDLE_MAJOR(c->handle) == HANDLE_MAJOR(q->handle))
				err = diff_class(job, c);
	}
	return err;
}

static int diff_below_root(struct job *job)
{
	const struct obj *w = chosen_root(&job->in_wanted);
	int err = 0;

	/* what hangs on a root of somebody else's that stays is not looked at */
	if (!is_weirs_root(w))
		return w && job->new_root ? build_foreign(job) : 0;
	for (w = first_obj(job->wanted, OBJ_CLASS); w && !err; w = w->next)
		err = diff_class(job, w);
	if (!err && !job->new_root)
		err = remove_classes(job, first_obj(job->present, OBJ_CLASS));
	for (w = first_obj(job->wanted, OBJ_CLASS); w && !err; w = w->next)
		err = diff_leaf_again(job, w);
	for (w = first_obj(job->wanted, OBJ_QDISC); w && !err; w = w->next)
		if (is_leaf(w))
			err = diff_leaf(job, w);
	return err;
}

/* ---- filters ---- */

static int add_classify(void *arg, const struct obj *filter)
{
	return add_op(arg, OP_ADD, PHASE_CLASSIFY, COST_NOTHING, NULL, filter);
}

static int remove_classify(void *arg, const struct obj *filter, bool in_the_way)
{
	return add_op(arg, OP_DEL, in_the_way ? PHASE_CLASSIFY : PHASE_UNHOOK, COST_NOTHING, filter, NULL);
}

static int add_hook(void *arg, const struct obj *filter)
{
	return add_op(arg, OP_ADD, PHASE_HOOK, COST_NOTHING, NULL, filter);
}

static int remove_hook(void *arg, const struct obj *filter, bool in_the_way)
{
	return add_op(arg, OP_DEL, in_the_way ? PHASE_HOOK : PHASE_UNHOOK, COST_NOTHING, filter, NULL);
}

/* The program's counters go with it. */
static int change_classifier(void *arg, const struct obj *old, const struct obj *filter)
{
	return add_op(arg, OP_CHANGE, PHASE_HOOK, COST_COUNTERS, old, filter);
}

static int remove_classifier(void *arg, const struct obj *filter)
{
	return add_op(arg, OP_DEL, PHASE_UNHOOK, COST_NOTHING, filter, NULL);
}

static int diff_hook(struct job *job, uint32_t parent)
{
	struct filter_changes police = { add_hook, remove_hook, job };
	struct hook_changes classifier = { add_hook, change_classifier, remove_classifier, job };
	int err = filters_align(job->ctx, &job->ops->arena, job->present, job->wanted, parent,
				WEIR_PRIO_FIRST, WEIR_PRIO_LIMITS - 1, &police);

	return err ? err : hook_place_diff(job->ctx, job->present, job->wanted, parent, &classifier);
}

static int add_foreign_filters(struct job *job)
{
	const struct obj *w;
	int err = 0;

	for (w = first_obj(job->wanted, OBJ_FILTER); w && !err; w = w->next)
		if (w->parent != HANDLE_INGRESS && w->parent != HANDLE_EGRESS)
			err = add_classify(job, w);
	return err;
}

static int diff_filters(struct job *job)
{
	struct filter_changes changes = { add_classify, remove_classify, job };
	struct obj *root = chosen_root(&job->in_wanted);
	int err = 0;

	if (is_weirs_root(root))
		err = filters_align(job->ctx, &job->ops->arena, job->new_root ? NULL : job->present,
				    job->wanted, HANDLE(WEIR_MAJOR, 0), 1, UINT16_MAX, &changes);
	else if (job->new_root)
		err = add_foreign_filters(job);
	if (!err)
		err = diff_hook(job, HANDLE_INGRESS);
	if (!err)
		err = diff_hook(job, HANDLE_EGRESS);
	return err;
}

/* ---- clsact ---- */

static bool is_hook_parent(uint32_t parent)
{
	return parent == HANDLE_INGRESS || parent == HANDLE_EGRESS;
}

static bool hooks_shared(const struct tree_link *present)
{
	const struct obj *f;

	for (f = first_obj(present, OBJ_FILTER); f; f = f->next)
		if (is_hook_parent(f->parent) && !tree_obj_is_weirs(present, f))
			return true;
	return false;
}

static bool needs_egress_hook(const struct tree_link *wanted)
{
	const struct obj *f;

	for (f = first_obj(wanted, OBJ_FILTER); f; f = f->next)
		if (f->parent == HANDLE_EGRESS)
			return true;
	return false;
}

/* To add or remove it empties all queues of the device (see wants_hooks(), plan/compile.c): those that
 * were chosen and stay. */
static enum op_cost cost_of_clsact(const struct job *job)
{
	const struct obj *root = chosen_root(&job->in_present);
	bool stays = root && !job->new_root && (!is_weirs_root(root) || chosen_root(&job->in_wanted));

	return stays ? COST_QUEUE : COST_NOTHING;
}

static int diff_clsact(struct job *job)
{
	struct obj *p = lookup_qdisc_at(&job->in_present, HANDLE_CLSACT);
	struct obj *w = lookup_qdisc_at(&job->in_wanted, HANDLE_CLSACT);

	if (w && !p)
		return add_op(job, OP_ADD, PHASE_BUILD, cost_of_clsact(job), NULL, w);
	if (w && p && !same_kind(w, p) && needs_egress_hook(job->wanted))
		return fail(job->ctx, EEXIST,
			    "%s: qdisc %s is in the place of clsact and is not weir's; egress rules need clsact",
			    job->present->name, p->kind_name);
	if (w || !p || strcmp(p->kind_name, "clsact") || hooks_shared(job->present) ||
	    !job->scope->made_clsact || !job->scope->made_clsact(job->scope->arg, job->present->name))
		return 0;
	return add_op(job, OP_DEL, PHASE_REMOVE, cost_of_clsact(job), p, NULL);
}

/* ---- trees ---- */

static int diff_one(struct ctx *ctx, const struct diff_scope *scope, struct ops *ops,
		    const struct tree_link *present, struct tree_link *wanted)
{
	struct job job = {
		.ctx = ctx, .scope = scope, .ops = ops, .present = present, .wanted = wanted,
	};
	int err = lookup_init(&job.in_present, &ops->arena, present);

	if (!err)
		err = lookup_init(&job.in_wanted, &ops->arena, wanted);
	err = err ? oom(ctx) : diff_link(&job);
	/* an IFB goes with everything that is on it */
	if (err || (present && present->ours && !wanted))
		return err;
	if (!err)
		err = diff_root(&job);
	if (!err)
		err = diff_below_root(&job);
	if (!err)
		err = diff_clsact(&job);
	if (!err)
		err = diff_filters(&job);
	if (!err)
		err = diff_xdp(ctx, ops, present, wanted);
	return err;
}

static bool covered(const struct diff_scope *scope, const struct tree_link *link)
{
	if (link->ours && !*link->alias)
		return true;	/* left over half made: of no use to anybody */
	return !scope->covers || scope->covers(scope->arg, tree_policy_link(link));
}

int plan_diff(struct ctx *ctx, const struct tree *present, struct tree *wanted,
	      const struct diff_scope *scope, struct ops *ops)
{
	struct tree_link *w;
	const struct tree_link *p;
	int err = 0;

	memset(ops, 0, sizeof(*ops));
	for (w = wanted->links; w && !err; w = w->next) {
		p = tree_link_find(present, w->name);
		if (p || w->ours)	/* an interface that is gone takes its tree along */
			err = diff_one(ctx, scope, ops, p, w);
	}
	for (p = present->links; p && !err; p = p->next)
		if (!tree_link_find(wanted, p->name) && covered(scope, p))
			err = diff_one(ctx, scope, ops, p, NULL);
	if (!err)
		err = diff_cgroups(ctx, scope, ops, present, wanted);
	if (err)
		arena_free(&ops->arena);
	return err;
}
