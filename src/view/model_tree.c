// SPDX-License-Identifier: GPL-2.0-or-later
/* One direction of a link: its classes with their names, queues and counters. */
#include "view/model.h"

#include <stdlib.h>
#include <string.h>

#include "qdisc/htb.h"

/* ---- looking up by handle ---- */

/* Trees have thousands of classes: no list is searched for each of them. */
struct index {
	struct entry {
		uint32_t handle, rank;
		void *what;
	} *entry;
	unsigned int n;
};

static int by_handle(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->handle < y->handle ? -1 : x->handle > y->handle;
}

static int by_rank(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank ? 1 : by_handle(a, b);
}

static void *lookup(const struct index *index, uint32_t handle)
{
	struct entry key = { .handle = handle }, *found;

	found = index->n ? bsearch(&key, index->entry, index->n, sizeof(key), by_handle) : NULL;
	return found ? found->what : NULL;
}

/* Classes by classid, qdiscs by what they hang on. */
static uint32_t key_of(const struct obj *obj)
{
	return obj->type == OBJ_CLASS ? obj->handle : obj->parent;
}

/* The link's objects of one type that belong to weir's tree; link may be NULL. */
static int index_objs(struct arena *arena, const struct tree_link *link, enum obj_type type,
		      struct index *index)
{
	struct obj *obj;
	unsigned int n = 0;

	index->n = 0;
	for (obj = link ? link->objs[type] : NULL; obj; obj = obj->next)
		n += HANDLE_MAJOR(key_of(obj)) == WEIR_MAJOR;
	index->entry = arena_alloc(arena, (n + 1) * sizeof(*index->entry));
	if (!index->entry)
		return -1;
	for (obj = link ? link->objs[type] : NULL; obj; obj = obj->next)
		if (HANDLE_MAJOR(key_of(obj)) == WEIR_MAJOR)
			index->entry[index->n++] = (struct entry){ key_of(obj), 0, obj };
	qsort(index->entry, index->n, sizeof(*index->entry), by_handle);
	return 0;
}

/* ---- counters ---- */

/* HTB counts what passes a class; what waits and what is lost is the leaf queue's to tell: HTB does
 * not see what CoDel and the like drop later. */
static void add_queue_stats(struct show_stats *s, const struct show_stats *queue)
{
	s->drops = queue->drops;
	s->new_drops = queue->new_drops;
	s->requeues = queue->requeues;
	s->backlog_bytes = queue->backlog_bytes;
	s->backlog_packets = queue->backlog_packets;
}

static void add_up(struct show_class *c)
{
	struct show_class *child;

	if (!c->children)
		return;
	c->stats.drops = c->stats.requeues = c->stats.new_drops = 0;
	c->stats.backlog_bytes = c->stats.backlog_packets = 0;
	for (child = c->children; child; child = child->next) {
		add_up(child);
		c->stats.drops += child->stats.drops;
		c->stats.new_drops += child->stats.new_drops;
		c->stats.requeues += child->stats.requeues;
		c->stats.backlog_bytes += child->stats.backlog_bytes;
		c->stats.backlog_packets += child->stats.backlog_packets;
	}
}

/* ---- one direction ---- */

struct job {
	struct ctx *ctx;
	const struct show *show;
	struct show_model *model;
	const struct tree_link *now, *earlier, *wanted;	/* one interface; two may be NULL */
	struct index classes;		/* of struct show_class, once they are collected */
	struct index earlier_classes, earlier_queues, wanted_classes;
};

static int name_class(struct job *job, struct show_class *c)
{
	const struct obj *wanted = lookup(&job->wanted_classes, c->obj->handle);
	const char *slash;

	if (wanted && wanted->name) {
		slash = strrchr(wanted->name, '/');
		c->path = wanted->name;
		c->name = slash ? slash + 1 : wanted->name;
	} else {
		c->name = model_handle(&job->model->arena, c->obj->handle);
	}
	return c->name ? 0 : oom(job->ctx);
}

static int fill_class(struct job *job, struct show_class *c, const struct obj *obj)
{
	c->obj = obj;
	c->rate_bit = model_option(obj->kind, obj->opts, HTB_RATE);
	c->ceil_bit = model_option(obj->kind, obj->opts, HTB_CEIL);
	c->stats = model_stats(obj, lookup(&job->earlier_classes, obj->handle),
			       job->show->interval_ns);
	return name_class(job, c);
}

/* The order of the file, the default after it; classes that the policy does not have come last. */
static void rank_classes(struct job *job)
{
	const struct obj *obj;
	struct show_class *c;
	uint32_t rank = 0;
	unsigned int i;

	for (i = 0; i < job->classes.n; i++) {
		c = job->classes.entry[i].what;
		c->rank = UINT32_MAX;
	}
	for (obj = job->wanted ? job->wanted->objs[OBJ_CLASS] : NULL; obj; obj = obj->next) {
		c = lookup(&job->classes, obj->handle);
		if (c)
			c->rank = rank++;
	}
	c = lookup(&job->classes, HANDLE(WEIR_MAJOR, WEIR_MINOR_DEFAULT));
	if (c)
		c->rank = job->wanted ? UINT32_MAX - 1 : UINT32_MAX;
}

/* All classes as a list; job->classes then finds them. */
static int collect_classes(struct job *job)
{
	struct index *index = &job->classes;
	struct show_class *c;
	unsigned int i;
	int err;

	for (i = 0; i < index->n; i++) {
		c = arena_alloc(&job->model->arena, sizeof(*c));
		err = c ? fill_class(job, c, index->entry[i].what) : oom(job->ctx);
		if (err)
			return err;
		index->entry[i].what = c;
	}
	rank_classes(job);
	return 0;
}

/* The same qdisc a moment ago. */
static const struct obj *earlier_queue(const struct job *job, const struct obj *queue)
{
	const struct obj *q = lookup(&job->earlier_queues, queue->parent);

	return q && q->handle == queue->handle ? q : NULL;
}

static void attach_queues(struct job *job)
{
	const struct obj *q;
	struct show_stats stats;
	struct show_class *c;

	for (q = job->now->objs[OBJ_QDISC]; q; q = q->next) {
		c = lookup(&job->classes, q->parent);
		if (!c)
			continue;
		c->queue = q;
		stats = model_stats(q, earlier_queue(job, q), job->show->interval_ns);
		if (q->stats.have)
			add_queue_stats(&c->stats, &stats);
	}
}

static void count_filters(struct job *job)
{
	const struct obj *f;
	struct show_class *c;

	for (f = job->now->objs[OBJ_FILTER]; f; f = f->next) {
		c = f->parent == HANDLE(WEIR_MAJOR, 0) ?
			lookup(&job->classes, model_filter_class(f)) : NULL;
		if (c)
			c->filters++;
	}
}

static void add_child(struct show_class *parent, struct show_class *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->children = child;
	parent->last = child;
}

/* Hangs each class on its parent, in rank order. Classes beside the link's own, which somebody else
 * made, are shown below it too. */
static void hang_classes(struct job *job, struct show_class *root)
{
	struct index sorted = job->classes;
	struct show_class *c, *parent;
	unsigned int i;

	for (i = 0; i < sorted.n; i++) {
		c = sorted.entry[i].what;
		if (c == root)
			continue;
		parent = lookup(&job->classes, c->obj->parent);
		add_child(parent && parent != c ? parent : root, c);
	}
}

static void sort_children(struct job *job, struct show_class *c)
{
	struct show_class *child = c->children;
	struct entry *entry;
	unsigned int n = 0, i;

	for (; child; child = child->next)
		n++;
	entry = arena_alloc(&job->model->arena, (n + 1) * sizeof(*entry));
	if (!entry)
		return;		/* another order, no other content */
	for (child = c->children, i = 0; child; child = child->next, i++)
		entry[i] = (struct entry){ child->obj->handle, child->rank, child };
	qsort(entry, n, sizeof(*entry), by_rank);
	c->children = c->last = NULL;
	for (i = 0; i < n; i++) {
		child = entry[i].what;
		child->next = NULL;
		add_child(c, child);
		sort_children(job, child);
	}
}

static struct show_class *find_root(struct job *job)
{
	struct show_class *root = lookup(&job->classes, HANDLE(WEIR_MAJOR, WEIR_MINOR_ROOT));

	if (!root)
		root = arena_alloc(&job->model->arena, sizeof(*root));
	if (root && !root->path)
		root->path = root->name = "";
	return root;
}

static bool has_weirs_root(const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT);

	return root && root->handle == HANDLE(WEIR_MAJOR, 0) && !strcmp(root->kind_name, "htb");
}

int model_tree(struct ctx *ctx, const struct show *show, struct show_model *model,
	       const struct tree_link *dev, struct show_tree **out)
{
	struct job job = {
		.ctx = ctx, .show = show, .model = model, .now = dev,
		.earlier = model_same_link(show->earlier, dev),
		.wanted = model_same_link(show->wanted, dev),
	};
	struct show_tree *tree;
	int err;

	if (!has_weirs_root(dev))
		return 0;
	tree = arena_alloc(&model->arena, sizeof(*tree));
	if (!tree || index_objs(&model->arena, job.now, OBJ_CLASS, &job.classes) ||
	    index_objs(&model->arena, job.earlier, OBJ_CLASS, &job.earlier_classes) ||
	    index_objs(&model->arena, job.earlier, OBJ_QDISC, &job.earlier_queues) ||
	    index_objs(&model->arena, job.wanted, OBJ_CLASS, &job.wanted_classes))
		return oom(ctx);
	err = collect_classes(&job);
	if (err)
		return err;
	tree->dev = dev;
	tree->root = find_root(&job);
	if (!tree->root)
		return oom(ctx);
	attach_queues(&job);
	count_filters(&job);
	hang_classes(&job, tree->root);
	sort_children(&job, tree->root);
	add_up(tree->root);
	*out = tree;
	return 0;
}
