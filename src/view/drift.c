// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drift: the operations that would lead back to what was applied, told as what differs. Where an
 * object is gone, what hung on it is not told one by one.
 */
#include "view/model.h"

#include <stdlib.h>
#include <string.h>

#include "qdisc/htb.h"

/* An operation that others follow from: on what they hang on (a root qdisc, clsact, an IFB), or the
 * removal of a filter that is in the way of others. */
struct cause {
	struct cause *next;
	const struct op *op;
};

struct job {
	struct ctx *ctx;
	const struct show *show;
	struct show_model *model;
	struct cause *causes;
};

static const char left_over[] = "is left over: nothing that was applied needs it";

/* ---- items ---- */

static struct show_drift *add_item(struct job *job, const char *link, const char *what,
				   const char *object)
{
	struct show_drift *d = arena_alloc(&job->model->arena, sizeof(*d));

	if (!d || !object)
		return NULL;
	d->link = link;
	d->what = what;
	d->object = object;
	d->text = what;
	d->count = 1;
	if (job->model->last_drift)
		job->model->last_drift->next = d;
	else
		job->model->drift = d;
	job->model->last_drift = d;
	return d;
}

static int finish(struct job *job, struct show_drift *d, const struct op *op, const char *text)
{
	if (!d || !text)
		return oom(job->ctx);
	d->is = op->old;
	d->applied = op->obj;
	d->text = text;
	return 0;
}

static const char *class_object(struct job *job, const struct tree_link *link, uint32_t classid)
{
	const struct tree_link *wanted = tree_link_find(job->show->wanted, link->name);
	const struct obj *obj = wanted ? tree_class(wanted, classid) : NULL;
	const char *handle = model_handle(&job->model->arena, classid);

	if (!handle || !obj || !obj->name)
		return handle ? arena_printf(&job->model->arena, "class %s", handle) : NULL;
	if (!*obj->name)
		return arena_printf(&job->model->arena, "the link's class (%s)", handle);
	return arena_printf(&job->model->arena, "class %s (%s)", obj->name, handle);
}

/* "pfifo limit 100" */
static const char *kind_text(struct arena *arena, const struct obj *obj)
{
	char *text = NULL, *copy;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs(obj->kind_name, f);
	if (obj->kind && obj->opts)
		opts_print(f, obj->kind, obj->opts, false);
	copy = fclose(f) ? NULL : arena_strdup(arena, text);
	free(text);
	return copy;
}

/* ---- rows that differ ---- */

static bool row_differs(const struct kind *kind, const struct opts *applied, const struct opts *is,
			unsigned int r, char was[96], char now[96])
{
	if (!opts_has(applied, r) || !opts_has(is, r))
		return false;
	opts_text(&kind->opts[r], &applied->v[r], was, 96);
	opts_text(&kind->opts[r], &is->v[r], now, 96);
	return strcmp(was, now);
}

static const char *changed_rows(struct arena *arena, const struct obj *is,
				const struct obj *applied)
{
	const struct kind *kind = applied->kind;
	const char *text = "";
	char was[96], now[96];
	unsigned int r;

	if (!kind || is->kind != kind || !is->opts || !applied->opts)
		return "is not what was applied";
	for (r = 0; r < kind->n_opts && text; r++)
		if (row_differs(kind, applied->opts, is->opts, r, was, now))
			text = arena_printf(arena, "%s%s%s is %s, applied was %s", text,
					    *text ? "; " : "", kind->opts[r].word, now, was);
	return text && !*text ? "is not what was applied" : text;
}

/* ---- what is gone with all that hung on it ---- */

static bool is_root(const struct obj *obj)
{
	return obj && obj->type == OBJ_QDISC && obj->parent == HANDLE_ROOT;
}

static bool is_clsact(const struct obj *obj)
{
	return obj && obj->type == OBJ_QDISC && obj->parent == HANDLE_CLSACT;
}

static bool on_hook(const struct obj *obj)
{
	return obj->type == OBJ_FILTER &&
	       (obj->parent == HANDLE_INGRESS || obj->parent == HANDLE_EGRESS);
}

static bool is_redirect(const struct obj *filter)
{
	return on_hook(filter) && tree_in_hook_place(filter);
}

static const struct obj *object_of(const struct op *op)
{
	return op->obj ? op->obj : op->old;
}

/* Filters that differ find no prio between those that stay: then all are made anew. */
static bool clears_prio(const struct op *op)
{
	return op->verb == OP_DEL && op->old->type == OBJ_FILTER && op->phase != PHASE_UNHOOK;
}

/* Whether all filters in the place of this one are made anew. */
static bool cleared(const struct job *job, const struct op *op)
{
	const struct cause *c;

	for (c = job->causes; c; c = c->next)
		if (clears_prio(c->op) && c->op->old->parent == object_of(op)->parent &&
		    is_redirect(c->op->old) == is_redirect(object_of(op)) &&
		    !strcmp(c->op->link->name, op->link->name))
			return true;
	return false;
}

static int collect_causes(struct job *job)
{
	const struct op *op;
	struct cause *c;

	for (op = job->show->drift->first; op; op = op->next) {
		if (op->verb != OP_LINK_ADD && !is_root(object_of(op)) && !is_clsact(op->obj) &&
		    !(clears_prio(op) && !cleared(job, op)))
			continue;
		c = arena_alloc(&job->model->arena, sizeof(*c));
		if (!c)
			return oom(job->ctx);
		c->op = op;
		c->next = job->causes;
		job->causes = c;
	}
	return 0;
}

/* Whether another operation tells that what this one hangs on is gone. */
static bool is_implied(const struct job *job, const struct op *op)
{
	const struct obj *obj = object_of(op);
	const struct cause *c;

	for (c = job->causes; c && obj; c = c->next) {
		if (c->op == op || strcmp(c->op->link->name, op->link->name))
			continue;
		if (c->op->verb == OP_LINK_ADD)
			return true;
		if (on_hook(obj) ? is_clsact(c->op->obj) :
				   is_root(object_of(c->op)) && !is_root(obj) && !is_clsact(obj))
			return true;
	}
	return false;
}

/* ---- kinds of operations ---- */

static int tell_link(struct job *job, const struct op *op)
{
	static const struct {
		const char *what, *text;
	} texts[] = {
		[OP_LINK_ADD] = { "missing", "is gone: what is handed to it is dropped" },
		[OP_LINK_UP] = { "changed", "is down: ingress does not get through" },
		[OP_LINK_ALIAS] = { "changed", "does not bear weir's alias any more" },
		[OP_LINK_DEL] = { "added", left_over },
	};

	return finish(job, add_item(job, op->link->name, texts[op->verb].what, "interface"), op,
		      texts[op->verb].text);
}

/* The same qdisc is made anew for other options, and when a class is below another than it was. */
static const char *root_text(struct arena *arena, const struct obj *is, const struct obj *applied)
{
	if (is->handle != applied->handle || is->kind != applied->kind)
		return arena_printf(arena, "has been replaced by %s (%x:), so this direction is not "
				    "shaped", is->kind_name, HANDLE_MAJOR(is->handle));
	if (is->opts && opts_hold(applied->kind, applied->opts, is->opts))
		return "its classes hang together in another way than was applied";
	return changed_rows(arena, is, applied);
}

static int tell_root(struct job *job, const struct op *op, const struct op *then)
{
	const char *text = "is gone, so this direction is not shaped", *what = "missing";
	struct op both = *op;

	if (then)
		both.obj = then->obj;
	if (both.old && both.obj) {
		text = root_text(&job->model->arena, both.old, both.obj);
		what = both.old->handle == both.obj->handle ? "changed" : "replaced";
	} else if (both.old) {
		text = left_over;
		what = "added";
	}
	return finish(job, add_item(job, op->link->name, what, "root qdisc htb"), &both, text);
}

static int tell_class(struct job *job, const struct op *op)
{
	const char *object = class_object(job, op->link, object_of(op)->handle);

	if (op->verb == OP_CHANGE)
		return finish(job, add_item(job, op->link->name, "changed", object), op,
			      changed_rows(&job->model->arena, op->old, op->obj));
	if (op->verb == OP_ADD)
		return finish(job, add_item(job, op->link->name, "missing", object), op,
			      "is missing");
	return finish(job, add_item(job, op->link->name, "added", object), op,
		      "was added by someone else");
}

static bool class_is_there(struct job *job, const struct op *op, uint32_t classid)
{
	const struct tree_link *now = tree_link_find(job->show->now, op->link->name);

	return now && tree_class(now, classid);
}

static int tell_queue(struct job *job, const struct op *op, const struct op *then)
{
	struct arena *arena = &job->model->arena;
	const struct obj *applied = then ? then->obj : op->obj;
	const char *class = class_object(job, op->link, object_of(op)->parent), *is, *was;
	const char *object = class ? arena_printf(arena, "the queue of %s", class) : NULL;
	struct op both = *op;

	if (op->verb == OP_CHANGE)
		return finish(job, add_item(job, op->link->name, "changed", object), op,
			      changed_rows(arena, op->old, op->obj));
	if (!applied)
		return finish(job, add_item(job, op->link->name, "added", object), op,
			      "was added by someone else");
	was = kind_text(arena, applied);
	both.obj = applied;
	if (!op->old) {
		if (!class_is_there(job, op, applied->parent))
			return 0;	/* told already */
		return finish(job, add_item(job, op->link->name, "missing", object), op,
			      was ? arena_printf(arena, "is missing, applied was %s", was) : NULL);
	}
	is = kind_text(arena, op->old);
	return finish(job, add_item(job, op->link->name, "replaced", object), &both,
		      is && was ? arena_printf(arena, "is %s, applied was %s", is, was) : NULL);
}

static int tell_clsact(struct job *job, const struct op *op)
{
	const char *object = arena_printf(&job->model->arena, "qdisc %s", object_of(op)->kind_name);

	if (op->verb != OP_ADD)
		return finish(job, add_item(job, op->link->name, "added", object), op,
			      "was added by someone else");
	return finish(job, add_item(job, op->link->name, "missing", object), op,
		      "is gone: ingress is not shaped, nothing is policed");
}

/* ---- filters ---- */

static const char *filter_object(struct job *job, const struct op *op)
{
	const struct obj *f = object_of(op);
	struct arena *arena = &job->model->arena;
	const char *hook = f->parent == HANDLE_INGRESS ? "ingress" : "egress", *class;

	if (is_redirect(f) && f->parent == HANDLE_EGRESS)
		return "the classifier of egress";
	if (is_redirect(f))
		return "the filter that hands ingress to the IFB";
	if (on_hook(f))
		return arena_printf(arena, "the filters that police %s", hook);
	if (cleared(job, op))
		return "the filters";
	if (!model_filter_class(f))
		return arena_printf(arena, "filters of prio %u", f->prio);
	class = class_object(job, op->link, model_filter_class(f));
	return class ? arena_printf(arena, "the filters of %s", class) : NULL;
}

static const char *filter_text(const struct job *job, const struct show_drift *d)
{
	const struct obj *f = d->is ? d->is : d->applied;
	struct arena *arena = &job->model->arena;

	if (is_redirect(f))
		return !d->applied ? left_over : d->is ? "is not what was applied" :
		       f->parent != HANDLE_EGRESS ? "is missing: ingress is not shaped" :
		       model_kernel_classifies(job->show, d->link) ? "is missing: the kernel's filters classify" :
							 "is missing: all goes to the default class";
	if (!d->applied)
		return d->count == 1 ? "one was added by someone else" :
			arena_printf(arena, "%u were added by someone else", d->count);
	if (d->is)
		return "are not those that were applied";
	return d->count == 1 ? "one is missing" : arena_printf(arena, "%u are missing", d->count);
}

static uint32_t filter_key(const struct job *job, const struct op *op)
{
	const struct obj *f = object_of(op);

	if (cleared(job, op))
		return UINT32_MAX;
	if (on_hook(f))
		return is_redirect(f);
	return model_filter_class(f) ? model_filter_class(f) : f->prio;
}

static struct show_drift *same_filters(struct job *job, const struct op *op)
{
	const struct obj *f = object_of(op);
	struct show_drift *d;

	for (d = job->model->drift; d; d = d->next)
		if (d->key_parent == f->parent && d->key_target == filter_key(job, op) &&
		    !strcmp(d->link, op->link->name))
			return d;
	return NULL;
}

/* All that leads to one class is told in one line. A group of which one filter is another comes as
 * a removal and additions: that is a change. */
static int tell_filter(struct job *job, const struct op *op)
{
	struct show_drift *d = same_filters(job, op);

	if (d) {
		d->count++;
	} else {
		d = add_item(job, op->link->name, "", filter_object(job, op));
		if (!d)
			return oom(job->ctx);
		d->key_parent = object_of(op)->parent;
		d->key_target = filter_key(job, op);
	}
	if (op->old)
		d->is = op->old;
	if (op->obj)
		d->applied = op->obj;
	d->what = d->is && d->applied ? "changed" : d->is ? "added" : "missing";
	d->text = filter_text(job, d);
	return d->text ? 0 : oom(job->ctx);
}

/* ---- all of them ---- */

/* A removed qdisc is followed by the one that comes to its place. */
static const struct op *replacement(const struct op *op)
{
	const struct op *next = op->next;

	if (op->verb != OP_DEL || !next || next->verb != OP_ADD || next->phase != op->phase ||
	    op->old->type != OBJ_QDISC || next->obj->type != OBJ_QDISC ||
	    op->old->parent != next->obj->parent || strcmp(op->link->name, next->link->name))
		return NULL;
	return next;
}

static int tell_cgroup(struct job *job, const struct op *op)
{
	struct arena *arena = &job->model->arena;
	const char *is = model_handle(arena, op->cgroup->classid), *was = model_handle(arena, op->classid);
	const char *object = arena_printf(arena, "cgroup %s", op->cgroup->path);

	return finish(job, add_item(job, op->link->name, "changed", object), op,
		      is && was ? arena_printf(arena, "its net_cls.classid is %s, applied was %s", is, was) :
				  NULL);
}

static int tell_xdp(struct job *job, const struct op *op)
{
	const char *what = !op->xdp_old ? "missing" : op->xdp ? "changed" : "added";
	const char *text = !op->xdp_old ? "is gone: clsact alone classifies" :
			   op->xdp ? "is not what was applied" : left_over;

	return finish(job, add_item(job, op->link->name, what, "the program at XDP"), op, text);
}

static int tell_op(struct job *job, const struct op *op, const struct op *then)
{
	const struct obj *obj = object_of(op);

	if (op->verb == OP_CGROUP)
		return tell_cgroup(job, op);
	if (op->verb == OP_XDP)
		return tell_xdp(job, op);
	if (!obj)
		return tell_link(job, op);
	if (is_root(obj))
		return tell_root(job, op, then);
	if (is_clsact(obj))
		return tell_clsact(job, op);
	if (obj->type == OBJ_CLASS)
		return tell_class(job, op);
	if (obj->type == OBJ_QDISC)
		return tell_queue(job, op, then);
	return tell_filter(job, op);
}

/* An IFB without its link has nothing to be remembered. */
static bool is_unknown(const struct show *show, const struct op *op)
{
	const struct tree_link *link = tree_link_find(show->now, tree_policy_link(op->link));

	return link && !link->ours && !tree_link_find(show->wanted, link->name);
}

/* One line for a link of which nothing is remembered. */
static int tell_unknown(struct job *job, const struct op *op)
{
	const char *link = tree_policy_link(op->link);
	struct show_drift *d;

	for (d = job->model->drift; d; d = d->next)
		if (!strcmp(d->what, "unknown") && !strcmp(d->link, link))
			return 0;
	d = add_item(job, link, "unknown", "the link");
	if (!d)
		return oom(job->ctx);
	d->text = "is shaped, but what was applied to it is not known";
	return 0;
}

int model_drift(struct ctx *ctx, const struct show *show, struct show_model *model)
{
	struct job job = { .ctx = ctx, .show = show, .model = model };
	const struct op *op, *then;
	int err;

	model->drift_known = show->drift && show->wanted;
	if (!model->drift_known)
		return 0;
	err = collect_causes(&job);
	for (op = err ? NULL : show->drift->first; op && !err; op = then ? then->next : op->next) {
		then = replacement(op);
		if (is_unknown(show, op))
			err = tell_unknown(&job, op);
		else if (!is_implied(&job, op))
			err = tell_op(&job, op, then);
	}
	return err;
}
