// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_net_cls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/cgroup.h"
#include "kernel/bpf.h"
#include "kernel/net_cls.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

enum {
	MINOR_LAST = 0xfff0,
	ALL_PROTOCOLS = 0x0003,		/* ETH_P_ALL */
	ROUNDS = 16,			/* of looking for cgroups that were made meanwhile */
};

/* ---- the hierarchy ---- */

/* tree_free() in any case; without the hierarchy it is empty. */
static int look(struct ctx *ctx, struct tree **out)
{
	struct cgroups *where = malloc(sizeof(*where));
	struct tree *tree = tree_new();
	int err = where && tree ? cgroups_find(ctx, where) : oom(ctx);

	if (!err && *where->net_cls)
		err = net_cls_read(ctx, where->net_cls, tree);
	free(where);
	*out = tree;
	return err;
}

static bool is_limit(uint32_t classid)
{
	return HANDLE_MAJOR(classid) == LIMIT_MAJOR_EGRESS;
}

/* The cgroup around another one, which is before it: NULL is the root. */
static const struct tree_cgroup *around(const struct tree *tree, const struct tree_cgroup *c)
{
	const struct tree_cgroup *p = c;

	while (p-- > tree->cgroups)
		if (tree_path_within(c->path, p->path))
			return p;
	return NULL;
}

static uint32_t classid_around(const struct tree *tree, const struct tree_cgroup *c)
{
	const struct tree_cgroup *p = around(tree, c);

	return p ? p->classid : 0;
}

static bool has_limit(const struct tree *tree, const struct tree_cgroup *c)
{
	return is_limit(c->classid) && classid_around(tree, c) != c->classid;
}

static struct tree_cgroup *find(const struct tree *tree, const char *path)
{
	unsigned int i;

	path += strspn(path, "/");
	for (i = 0; i < tree->n_cgroups; i++)
		if (!strcmp(tree->cgroups[i].path, path))
			return &tree->cgroups[i];
	return NULL;
}

static const struct tree_cgroup *end_of(const struct tree *tree)
{
	return tree->cgroups + tree->n_cgroups;
}

bool limit_net_cls_any(struct ctx *ctx)
{
	const struct tree_cgroup *c;
	struct tree *tree;
	struct ctx quiet;
	bool any = false;

	(void)ctx;
	ctx_init(&quiet);
	if (!look(&quiet, &tree))
		for (c = tree->cgroups; c < end_of(tree) && !any; c++)
			any = is_limit(c->classid);
	tree_free(tree);
	ctx_fini(&quiet);
	return any;
}

/* ---- classes ---- */

/* A class of either direction's HTB by its minor, wherever it is; major 0: either. */
static const struct obj *class_of(const struct limit_htb *h, uint32_t major, uint32_t minor)
{
	static const uint32_t majors[] = { LIMIT_MAJOR_EGRESS, LIMIT_MAJOR_INGRESS };
	const struct tree_link *link;
	const struct obj *class;
	unsigned int i;

	for (link = h->present->links; link; link = link->next)
		for (i = 0; i < 2; i++) {
			class = major && majors[i] != major ? NULL : tree_class(link, HANDLE(majors[i], minor));
			if (class)
				return class;
		}
	return NULL;
}

static int add_report(struct limit_htb *h, const struct tree_cgroup *c, const struct obj *class,
		      struct limit_list *list)
{
	struct limit_key key = { .kind = LIMIT_KIND_NET_CLS };
	struct limit_report *r;
	struct stat st;

	if (stat(c->dir, &st))
		return 0;	/* it has gone */
	key.id = st.st_ino;
	r = (struct limit_report *)limit_list_find(list, key);
	if (!r)
		r = limit_list_add(list);
	if (!r)
		return oom(h->ctx);
	r->subject = LIMIT_NET_CLS;
	r->key = key;
	r->name = arena_strdup(&list->arena, c->path);
	r->side[h->way] = (struct limit_report_side){
		.wish = {
			.set = true, .rate_bit = opts_get(class->opts, HTB_RATE, 0), .burst_ns = LIMIT_BURST_NS,
			.priority = class->handle,
		},
		.backend = h->backend, .counted = true,
	};
	return r->name ? 0 : oom(h->ctx);
}

int limit_net_cls_add(struct limit_htb *h, struct limit_list *list)
{
	const struct tree_cgroup *c;
	const struct obj *class;
	struct tree *tree;
	int err = look(h->ctx, &tree);

	for (c = err ? NULL : tree->cgroups; c && c < end_of(tree) && !err; c++) {
		class = has_limit(tree, c) ? class_of(h, h->major, HANDLE_MINOR(c->classid)) : NULL;
		if (class && class->opts)
			err = add_report(h, c, class, list);
	}
	tree_free(tree);
	return err;
}

/* ---- setting ---- */

static bool is_free(const struct limit_htb *h, const struct tree *tree, uint32_t minor)
{
	const struct tree_cgroup *c;
	size_t i;

	for (c = tree->cgroups; c < end_of(tree); c++)
		if (c->classid == HANDLE(LIMIT_MAJOR_EGRESS, minor))
			return false;
	for (i = 0; i < h->list.n; i++)
		if (HANDLE_MINOR(h->list.reports[i].side[h->way].wish.priority) == minor)
			return false;
	return !class_of(h, 0, minor);
}

static uint32_t choose_minor(const struct limit_htb *h, const struct tree *tree,
			     const struct tree_cgroup *c)
{
	uint32_t minor;

	if (has_limit(tree, c))
		return HANDLE_MINOR(c->classid);
	for (minor = 1; minor <= MINOR_LAST; minor++)
		if (is_free(h, tree, minor))
			return minor;
	return 0;
}

static int check_classids(struct limit_htb *h, const struct tree *tree, const struct tree_cgroup *c)
{
	const struct tree_cgroup *in;

	for (in = c; in < end_of(tree) && tree_path_within(in->path, c->path); in++)
		if (in->classid && !is_limit(in->classid))
			return fail(h->ctx, EEXIST, "backend %s: cgroup %s has the net_cls.classid %x:%x, which is %s",
				    h->backend->name, in->path, HANDLE_MAJOR(in->classid),
				    HANDLE_MINOR(in->classid), HANDLE_MAJOR(in->classid) == WEIR_MAJOR ?
				    "that of a match in what weir has applied" : "not weir's");
	return 0;
}

static int check_wish(struct limit_htb *h, const struct limit_wish *wish)
{
	const struct limit_wish_side *side = &wish->side[h->way];

	if (wish->only != LIMIT_ALL)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: on a cgroup of net_cls it limits all traffic, not a "
			    "part of it", h->backend->name);
	if (side->burst_ns && side->burst_ns != LIMIT_BURST_NS)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: a class for a cgroup of net_cls has no burst to choose",
			    h->backend->name);
	return 0;
}

int limit_net_cls_wish(struct limit_htb *h, struct limit_wish *classed)
{
	struct limit_wish_side *side = &classed->side[h->way];
	const struct tree_cgroup *c;
	struct tree *tree;
	uint32_t minor = 0;
	int err = check_wish(h, classed);

	if (err)
		return err;
	err = look(h->ctx, &tree);
	c = err ? NULL : find(tree, classed->name);
	if (!err && !c)
		err = fail(h->ctx, ENOENT, "backend %s: cgroup '%s' cannot be limited: it is not there, or it is "
			   "the root of net_cls", h->backend->name, classed->name);
	if (!err)
		err = check_classids(h, tree, c);
	if (!err)
		minor = choose_minor(h, tree, c);
	if (!err && !minor)
		err = fail(h->ctx, ENOSPC, "backend %s: there are too many limits", h->backend->name);
	side->priority = HANDLE(h->major, minor);
	tree_free(tree);
	return err;
}

/* Those in it that are to follow it do: they have no classid, or the one that it had (*was, -1 the first
 * time). Returns how many were written, or -errno. */
static int write_round(struct ctx *ctx, const char *path, uint32_t classid, int64_t *was)
{
	const struct tree_cgroup *c, *in;
	struct tree *tree;
	int err = look(ctx, &tree), n = 0;

	c = err ? NULL : find(tree, path);
	if (c && *was < 0)
		*was = c->classid;
	for (in = c; in && in < end_of(tree) && tree_path_within(in->path, c->path);)
		in++;
	while (c && in-- > c && !err) {
		if (in->classid == classid || (in->classid && in->classid != *was))
			continue;
		err = net_cls_write(ctx, in, classid);
		n++;
	}
	tree_free(tree);
	return err ? err : n;
}

int limit_net_cls_write(struct limit_htb *h, const struct limit_wish *classed)
{
	uint32_t classid = HANDLE(LIMIT_MAJOR_EGRESS, HANDLE_MINOR(classed->side[h->way].priority));
	int64_t was = -1;
	int n = 1, i;

	for (i = 0; n > 0 && i < ROUNDS; i++)
		n = write_round(h->ctx, classed->name, classid, &was);
	return n < 0 ? n : 0;
}

/* ---- removing ---- */

/* Gives a cgroup's classid back, outermost first: to it and those in it, what those around them have. */
static int take_back(struct limit_htb *h, const struct tree *tree, struct tree_cgroup *c)
{
	uint32_t outer = classid_around(tree, c), was = c->classid;
	struct tree_cgroup *in;
	int err = 0;

	if (!is_limit(outer))
		outer = 0;
	for (in = c; in < end_of(tree) && tree_path_within(in->path, c->path) && !err; in++) {
		if (in->classid != was)
			continue;
		err = net_cls_write(h->ctx, in, outer);
		in->classid = outer;
	}
	return err;
}

static uint64_t inode(const struct tree_cgroup *c)
{
	struct stat st;

	return stat(c->dir, &st) ? 0 : st.st_ino;
}

static int remove_classes(struct limit_htb *h, uint32_t minor)
{
	const struct tree_link *link;
	const struct obj *class;
	int err = 0;

	for (link = h->present->links; link && !err; link = link->next) {
		class = limit_htb_is_on(h, link) ? tree_class(link, HANDLE(h->major, minor)) : NULL;
		if (class)
			err = limit_htb_op(h, link, OP_DEL, class, NULL);
	}
	return err;
}

/* The classid stays as long as the other direction has a class. */
static int remove_one(struct limit_htb *h, const struct tree *tree, struct tree_cgroup *c)
{
	uint32_t other = h->major == LIMIT_MAJOR_EGRESS ? LIMIT_MAJOR_INGRESS : LIMIT_MAJOR_EGRESS;
	uint32_t minor = HANDLE_MINOR(c->classid);
	int err = class_of(h, other, minor) ? 0 : take_back(h, tree, c);

	return err ? err : remove_classes(h, minor);
}

int limit_net_cls_remove(struct limit_htb *h, const struct limit_key *key)
{
	struct tree_cgroup *c;
	bool any = false, wanted, classed;
	struct tree *tree;
	int err;

	if (key && key->kind != LIMIT_KIND_NET_CLS)
		return -ENOENT;
	err = look(h->ctx, &tree);
	/* those inside first: what they had is what the outer ones are looked for by */
	for (c = err ? NULL : tree->cgroups + tree->n_cgroups; c && c-- > tree->cgroups && !err;) {
		wanted = has_limit(tree, c) && (!key || inode(c) == key->id);
		classed = wanted && class_of(h, h->major, HANDLE_MINOR(c->classid));
		any |= classed;
		if (wanted && (classed || !key))
			err = remove_one(h, tree, c);
	}
	tree_free(tree);
	if (!err)
		err = limit_htb_apply(h);
	return err ? err : any ? 0 : -ENOENT;
}

/* ---- the filter ---- */

static const struct obj *filter_there(const struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE(h->major, 0))
			return f;
	return NULL;
}

static struct obj *make_bpf(struct limit_htb *h)
{
	struct program *program = arena_alloc(&h->wanted->arena, sizeof(*program));
	struct obj *filter = limit_htb_make(h, OBJ_FILTER, "bpf", HANDLE(h->major, 0), 1);

	if (!program || !filter)
		return NULL;
	program->source = "net_cls";
	program->no_kernel_types = true;
	snprintf(program->name, sizeof(program->name), PROGRAM_MARK "net_cls:%016" PRIx64,
		 program_source_hash("net_cls"));
	filter->program = program;
	opts_put(filter->opts, BPF_DIRECT, 0);
	return bpf_set_name(filter->opts, program->name) ? NULL : filter;
}

static int add_filter(struct limit_htb *h, const struct tree_link *link, struct obj *filter)
{
	int err;

	if (!filter)
		return oom(h->ctx);
	filter->prio = 1;
	filter->protocol = ALL_PROTOCOLS;
	filter->name = "limits";
	err = limit_htb_op(h, link, OP_ADD, NULL, filter);
	return err ? err : limit_htb_apply(h);
}

/* BPF, or cls_cgroup where that cannot be had. Of two faults the first is told. */
static int filter_link(struct limit_htb *h, const char *dev)
{
	const struct tree_link *link = tree_link_find(h->present, dev);
	struct ctx *ctx = h->ctx, quiet;
	int err;

	if (!link || filter_there(h, link))
		return 0;
	err = add_filter(h, link, make_bpf(h));
	if (!err)
		return 0;
	ctx_init(&quiet);
	h->ctx = &quiet;
	if (!limit_htb_read(h)) {
		link = tree_link_find(h->present, dev);
		if (link && !add_filter(h, link, limit_htb_make(h, OBJ_FILTER, "cgroup", HANDLE(h->major, 0), 1)))
			err = 0;
	}
	h->ctx = ctx;
	ctx_fini(&quiet);
	if (!err)
		ctx_clear(ctx);
	return err;
}

int limit_net_cls_filters(struct limit_htb *h, const struct routes *routes)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < routes->n && !err; i++) {
		err = limit_htb_read(h);
		if (!err)
			err = filter_link(h, routes->dev[i]);
	}
	return err;
}

/* ---- availability ---- */

bool limit_net_cls_try(struct ctx *ctx, char why[BACKEND_WHY])
{
	struct cgroups *where = malloc(sizeof(*where));
	bool there = where && !cgroups_find(ctx, where) && *where->net_cls;

	ctx_clear(ctx);
	free(where);
	if (!there)
		snprintf(why, BACKEND_WHY, "neither cgroup v2 nor net_cls of cgroup v1 is mounted");
	return there;
}
