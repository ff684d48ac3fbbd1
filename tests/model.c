// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/compile.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void world_start(struct world *w, const char *link)
{
	struct tree_link *l;

	memset(w, 0, sizeof(*w));
	ctx_init(&w->ctx);
	w->ctx.messages = open_memstream(&w->warnings, &w->warnings_len);
	w->tree = tree_new();
	l = tree_link_add(w->tree, link);
	l->ifindex = 2;
	l->mtu_bytes = 1500;
	l->arphrd = 1;
	l->up = true;
	w->made_clsact = true;
}

void world_stop(struct world *w)
{
	fclose(w->ctx.messages);
	free(w->warnings);
	ctx_fini(&w->ctx);
	tree_free(w->tree);
}

void world_remove(struct tree_link *link, struct obj *gone)
{
	struct obj **at = &link->objs[gone->type], *last = NULL;

	while (*at) {
		if (*at == gone) {
			*at = gone->next;
			continue;
		}
		last = *at;
		at = &last->next;
	}
	link->last[gone->type] = last;
}

static struct obj *find(const struct tree_link *link, enum obj_type type, uint32_t handle, uint32_t parent)
{
	struct obj *obj;

	for (obj = link->objs[type]; obj; obj = obj->next)
		if ((!handle || obj->handle == handle) && (!parent || obj->parent == parent))
			return obj;
	return NULL;
}

static uint32_t filter_classid(const struct obj *filter)
{
	return filter->kind && !strcmp(filter->kind_name, "u32") ?
		(uint32_t)opts_get(filter->opts, U32_CLASSID, 0) : 0;
}

static bool filters_lead_to(const struct tree_link *link, uint32_t classid)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (filter_classid(f) == classid)
			return true;
	return false;
}

static void drop_root(struct tree_link *link)
{
	struct obj *obj, *next;
	int type;

	for (type = 0; type < OBJ_TYPES; type++)
		for (obj = link->objs[type]; obj; obj = next) {
			next = obj->next;
			if (obj->parent != HANDLE_CLSACT && obj->parent != HANDLE_INGRESS &&
			    obj->parent != HANDLE_EGRESS)
				world_remove(link, obj);
		}
}

static struct action *copy_actions(struct world *w, const struct action *list)
{
	struct action *copy;

	if (!list)
		return NULL;
	copy = arena_memdup(&w->tree->arena, list, sizeof(*list));
	copy->opts = opts_dup(&w->tree->arena, list->kind, list->opts);
	copy->next = copy_actions(w, list->next);
	return copy;
}

static struct obj *insert(struct world *w, struct tree_link *link, const struct obj *src)
{
	struct obj *obj = tree_obj_add(w->tree, link, src->type), *next = obj->next;

	*obj = *src;
	obj->next = next;
	if (src->opts)
		obj->opts = opts_dup(&w->tree->arena, src->kind, src->opts);
	if (obj->opts) {	/* all is dumped, filled or not */
		obj->opts->set |= obj->opts->filled;
		obj->opts->filled = 0;
	}
	obj->actions = copy_actions(w, src->actions);
	obj->name = NULL;
	return obj;
}

static void add_class(struct world *w, struct tree_link *link, const struct obj *obj)
{
	struct obj *leaf = find(link, OBJ_QDISC, 0, obj->parent);

	assert_null(find(link, OBJ_CLASS, obj->handle, 0));
	assert_true(!HANDLE_MINOR(obj->parent) ? find(link, OBJ_QDISC, obj->parent, 0) != NULL :
						 find(link, OBJ_CLASS, obj->parent, 0) != NULL);
	if (leaf && HANDLE_MINOR(obj->parent))
		world_remove(link, leaf);
	insert(w, link, obj);
}

static void add_qdisc(struct world *w, struct tree_link *link, const struct obj *obj)
{
	assert_null(find(link, OBJ_QDISC, 0, obj->parent));
	assert_null(find(link, OBJ_QDISC, obj->handle, 0));
	if (obj->parent != HANDLE_ROOT && obj->parent != HANDLE_CLSACT) {
		assert_non_null(find(link, OBJ_CLASS, obj->parent, 0));
		assert_null(find(link, OBJ_CLASS, 0, obj->parent));	/* a leaf */
	}
	insert(w, link, obj);
}

static void add_filter(struct world *w, struct tree_link *link, const struct obj *obj)
{
	uint32_t on = obj->parent == HANDLE_INGRESS || obj->parent == HANDLE_EGRESS ?
		HANDLE(0xffff, 0) : obj->parent;
	struct obj *f;

	assert_in_range(obj->prio, 1, 0xffff);
	assert_non_null(find(link, OBJ_QDISC, on, 0));
	if (filter_classid(obj))
		assert_non_null(find(link, OBJ_CLASS, filter_classid(obj), 0));
	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		assert_false(f->parent == obj->parent && f->prio == obj->prio && f->handle == obj->handle);
	if (obj->actions && !strcmp(obj->actions->kind->name, "mirred"))
		assert_non_null(tree_link_find(w->tree, obj->actions->opts->v[MIRRED_DEV].name));
	insert(w, link, obj);
}

/* What the kernel takes of a class's change: prio and quantum only of a leaf (sch_htb.c). */
static void change(struct tree_link *link, const struct obj *obj)
{
	struct obj *there = find(link, obj->type, obj->handle, obj->parent);
	bool inner = obj->type == OBJ_CLASS && find(link, OBJ_CLASS, 0, obj->handle);
	unsigned int r;

	if (obj->type == OBJ_QDISC)	/* has the handle that it had */
		there = find(link, OBJ_QDISC, 0, obj->parent);
	while (there && obj->type == OBJ_FILTER && there->prio != obj->prio)
		there = there->next;
	assert_non_null(there);
	assert_string_equal(there->kind_name, obj->kind_name);
	for (r = 0; r < obj->kind->n_opts; r++)
		if (opts_has(obj->opts, r) &&
		    !(obj->type == OBJ_CLASS && inner && (r == HTB_PRIO || r == HTB_QUANTUM))) {
			there->opts->v[r] = obj->opts->v[r];
			there->opts->set |= UINT64_C(1) << r;
		}
}

static void del(struct tree_link *link, const struct obj *old)
{
	struct obj *there = find(link, old->type, old->handle, old->parent), *next;
	struct obj *leaf = find(link, OBJ_QDISC, 0, old->handle);

	assert_non_null(there);
	if (old->type == OBJ_QDISC && old->parent == HANDLE_ROOT) {
		drop_root(link);
		return;
	}
	if (old->type == OBJ_CLASS) {
		assert_null(find(link, OBJ_CLASS, 0, old->handle));
		assert_false(filters_lead_to(link, old->handle));
		if (leaf)
			world_remove(link, leaf);
	}
	if (old->type != OBJ_FILTER) {
		world_remove(link, there);
		return;
	}
	for (there = link->objs[OBJ_FILTER]; there; there = next) {	/* the whole priority */
		next = there->next;
		if (there->parent == old->parent && there->prio == old->prio)
			world_remove(link, there);
	}
}

static void link_op(struct world *w, const struct op *op)
{
	struct tree_link *link = tree_link_find(w->tree, op->link->name), **at;

	if (op->verb == OP_LINK_ADD) {
		assert_null(link);
		link = tree_link_add(w->tree, op->link->name);
		link->ifindex = 100;
		link->kind = "ifb";
		link->ours = link->up = true;
	}
	assert_non_null(link);
	if (op->verb == OP_LINK_ADD || op->verb == OP_LINK_ALIAS)
		link->alias = arena_strdup(&w->tree->arena, op->link->alias);
	if (op->verb == OP_LINK_UP)
		link->up = true;
	if (op->verb != OP_LINK_DEL)
		return;
	for (at = &w->tree->links; *at != link; at = &(*at)->next)
		;
	*at = link->next;
	for (w->tree->last = w->tree->links; w->tree->last->next; w->tree->last = w->tree->last->next)
		;
}

static void carry_out(struct world *w, const struct op *op)
{
	struct tree_link *link;

	if (op->verb <= OP_LINK_DEL) {
		link_op(w, op);
		return;
	}
	link = tree_link_find(w->tree, op->link->name);
	assert_non_null(link);
	if (op->verb == OP_DEL)
		del(link, op->old);
	else if (op->verb == OP_CHANGE)
		change(link, op->obj);
	if (op->verb == OP_REPLACE) {
		assert_int_equal(op->obj->parent, HANDLE_ROOT);
		assert_int_not_equal(op->old->handle, op->obj->handle);
		drop_root(link);
	}
	if (op->verb != OP_ADD && op->verb != OP_REPLACE)
		return;
	if (op->obj->type == OBJ_CLASS)
		add_class(w, link, op->obj);
	else if (op->obj->type == OBJ_QDISC)
		add_qdisc(w, link, op->obj);
	else
		add_filter(w, link, op->obj);
}

static bool made_clsact(void *arg, const char *link)
{
	(void)link;
	return ((struct world *)arg)->made_clsact;
}

int world_plan(struct world *w, struct tree *wanted, struct ops *ops)
{
	const struct diff_scope scope = {
		.made_clsact = made_clsact, .arg = w, .take_over = w->take_over,
	};

	return plan_diff(&w->ctx, w->tree, wanted, &scope, ops);
}

unsigned int world_reach(struct world *w, struct tree *wanted)
{
	enum op_phase phase = 0;
	const struct op *op;
	unsigned int count;
	struct ops ops;

	assert_int_equal(world_plan(w, wanted, &ops), 0);
	for (op = ops.first; op; op = op->next) {
		assert_true(op->phase >= phase);
		phase = op->phase;
		carry_out(w, op);
	}
	count = ops.count;
	arena_free(&ops.arena);
	assert_int_equal(world_plan(w, wanted, &ops), 0);
	assert_int_equal(ops.count, 0);
	arena_free(&ops.arena);
	return count;
}

struct tree *world_compile(struct world *w, const char *text)
{
	struct probe probe = { .done = true, .features = UINT32_MAX };
	struct policy *policy = NULL;
	struct tree *wanted = NULL;
	unsigned int i;

	for (i = 0; kinds[i]; i++)	/* one kind of filter, so that the model has one to know */
		if (strcmp(kinds[i]->name, "flower") && strcmp(kinds[i]->name, "matchall"))
			probe.have |= UINT64_C(1) << i;
	if (!w->bpf)
		snprintf(probe.no_bpf, sizeof(probe.no_bpf), "the model has none");
	if (conf_parse(&w->ctx, "t", text, strlen(text), &policy))
		fail_msg("%s\n%s", w->ctx.error, text);
	if (plan_compile(&w->ctx, policy, w->tree, &probe, NULL, 0, &wanted))
		fail_msg("%s\n%s", w->ctx.error, text);
	policy_free(policy);
	return wanted;
}

unsigned int world_go(struct world *w, const char *text)
{
	struct tree *wanted = world_compile(w, text);
	unsigned int count = world_reach(w, wanted);

	tree_free(wanted);
	return count;
}

bool world_is_bare(const struct world *w)
{
	const struct tree_link *l = w->tree->links;

	return !l->next && !l->objs[OBJ_QDISC] && !l->objs[OBJ_CLASS] && !l->objs[OBJ_FILTER];
}
