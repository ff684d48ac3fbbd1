// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/model.h"

#include <string.h>

#include "qdisc/filter.h"

void model_free(struct show_model *model)
{
	arena_free(&model->arena);
}

/* ---- police rules ---- */

static const struct action *police_of(const struct obj *filter)
{
	const struct action *a;

	for (a = filter->actions; a; a = a->next)
		if (!strcmp(a->kind->name, "police"))
			return a;
	return NULL;
}

static bool is_police(const struct obj *f)
{
	return (f->parent == HANDLE_INGRESS || f->parent == HANDLE_EGRESS) &&
	       f->prio >= WEIR_PRIO_FIRST && f->prio < WEIR_PRIO && police_of(f);
}

static uint64_t index_of(const struct action *police)
{
	return opts_get(police->opts, POLICE_INDEX, 0);
}

static bool same_bucket(const struct obj *f, bool ingress, const struct action *action)
{
	return is_police(f) && (f->parent == HANDLE_INGRESS) == ingress &&
	       index_of(police_of(f)) == index_of(action);
}

static const struct obj *earlier_police(const struct tree_link *earlier, bool ingress,
					const struct action *action)
{
	const struct obj *f;

	for (f = earlier ? earlier->objs[OBJ_FILTER] : NULL; f; f = f->next)
		if (same_bucket(f, ingress, action))
			return f;
	return NULL;
}

/* Egress first, in the order of prios: as weir tries them. */
static bool comes_after(const struct show_police *p, bool ingress, uint16_t prio)
{
	return p->ingress != ingress ? p->ingress : p->prio > prio;
}

static void insert_police(struct show_link *link, struct show_police *p)
{
	struct show_police **at = &link->polices;

	while (*at && !comes_after(*at, p->ingress, p->prio))
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

/* The filters of a rule share its bucket, and all tell the bucket's counters. */
static int add_police(struct ctx *ctx, const struct show *show, struct show_model *model,
		      struct show_link *link, const struct tree_link *earlier, const struct obj *f)
{
	struct show_police *p;

	for (p = link->polices; p; p = p->next)
		if (same_bucket(f, p->ingress, p->action)) {
			p->filters++;
			return 0;
		}
	p = arena_alloc(&model->arena, sizeof(*p));
	if (!p)
		return oom(ctx);
	p->ingress = f->parent == HANDLE_INGRESS;
	p->prio = f->prio;
	p->filters = 1;
	p->action = police_of(f);
	p->stats = model_stats(f, earlier_police(earlier, p->ingress, p->action),
			       show->interval_ns);
	p->exceed_packets = p->stats.overlimits;
	if (p->stats.packets > p->exceed_packets)
		p->conform_packets = p->stats.packets - p->exceed_packets;
	insert_police(link, p);
	return 0;
}

static int build_polices(struct ctx *ctx, const struct show *show, struct show_model *model,
			 const struct tree_link *dev, struct show_link *link)
{
	const struct tree_link *earlier = model_same_link(show->earlier, dev);
	const struct obj *f;
	int err = 0;

	for (f = dev->objs[OBJ_FILTER]; f && !err; f = f->next)
		if (is_police(f))
			err = add_police(ctx, show, model, link, earlier, f);
	return err;
}

/* ---- links ---- */

static struct show_link *find_or_add(struct show_model *model, const char *name)
{
	struct show_link *link;

	for (link = model->links; link; link = link->next)
		if (!strcmp(link->name, name))
			return link;
	link = arena_alloc(&model->arena, sizeof(*link));
	if (!link)
		return NULL;
	link->name = name;
	if (model->last)
		model->last->next = link;
	else
		model->links = link;
	model->last = link;
	return link;
}

static bool is_covered(const struct show *show, const struct tree_link *dev)
{
	return !show->covers || show->covers(show->arg, tree_policy_link(dev));
}

bool view_is_shaped(const struct tree_link *dev)
{
	const struct obj *obj;
	int type;

	for (type = 0; type < OBJ_TYPES; type++)
		for (obj = dev->objs[type]; obj; obj = obj->next)
			if (tree_obj_is_weirs(dev, obj))
				return true;
	return dev->ours;
}

static bool runs_program(const struct tree_link *dev)
{
	const struct obj *f;

	for (f = dev->objs[OBJ_FILTER]; f; f = f->next)
		if (tree_in_hook_place(f) && tree_hook_is_weirs(f) && !strcmp(f->kind_name, "bpf"))
			return true;
	return false;
}

static void set_classifier(const struct show *show, struct show_link *link,
			   const struct tree_link *dev, bool has_tree)
{
	const struct tree_link *wanted = model_same_link(show->wanted, dev);

	if (runs_program(dev))
		link->classifier = "bpf";
	else if (has_tree && !link->classifier)
		link->classifier = "kernel";
	if (wanted && wanted->why_classifier)
		link->why_classifier = wanted->why_classifier;
}

/* A link is shown when weir shapes it, when it was applied to, and when it is named. */
static int build_link(struct ctx *ctx, const struct show *show, struct show_model *model,
		      const struct tree_link *dev)
{
	bool shaped = view_is_shaped(dev);
	struct show_link *link;
	int err;

	if (!is_covered(show, dev) ||
	    (!shaped && !show->covers && !model_same_link(show->wanted, dev)))
		return 0;
	link = find_or_add(model, tree_policy_link(dev));
	if (!link)
		return oom(ctx);
	link->shaped |= shaped;
	err = model_tree(ctx, show, model, dev, dev->ours ? &link->ingress : &link->egress);
	set_classifier(show, link, dev, link->egress || link->ingress);
	return err ? err : build_polices(ctx, show, model, dev, link);
}

int model_build(struct ctx *ctx, const struct show *show, struct show_model *model)
{
	const struct tree_link *dev;
	const struct show_link *link;
	int err = 0;

	memset(model, 0, sizeof(*model));
	model->interval_ns = show->earlier ? show->interval_ns : 0;
	for (dev = show->now->links; dev && !err; dev = dev->next)
		err = build_link(ctx, show, model, dev);
	for (link = model->links; link; link = link->next)
		model->shaped += link->shaped;
	return err ? err : model_drift(ctx, show, model);
}
