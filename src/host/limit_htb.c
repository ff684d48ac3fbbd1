// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_htb.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/limit_class.h"
#include "host/limit_net_cls.h"
#include "kernel/apply.h"
#include "kernel/dump.h"
#include "kernel/netns.h"
#include "qdisc/htb.h"

enum {
	MINOR_LAST = 0xfff0,
	LOCK_WAIT_MS = 10000,
	FRAME_BYTES = 1514,
	QUEUE_MS = 200,			/* a queue in packets that is one in time */
	QUEUE_MIN = 32, QUEUE_MAX = 1000,
	DIRECT_QLEN = 1000,
};

/* ---- what is there ---- */

bool limit_htb_is_on(const struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT);

	return root && root->handle == HANDLE(h->major, 0) && !strcmp(root->kind_name, "htb");
}

int limit_htb_read(struct limit_htb *h)
{
	int err;

	tree_free(h->present);
	h->present = NULL;
	limit_list_free(&h->list);
	memset(&h->list, 0, sizeof(h->list));
	arena_free(&h->ops.arena);
	memset(&h->ops, 0, sizeof(h->ops));
	err = limit_class_list(h->ctx, &h->list, h->backend, h->major);
	if (!err)
		err = kernel_dump(h->ctx, h->nl, NULL, NULL, &h->present);
	return err || !h->backend->net_cls ? err : limit_net_cls_add(h, &h->list);
}

/* The lock is the host's, as the limits are: a class is given once. */
int limit_htb_begin(struct ctx *ctx, const struct backend *backend, enum limit_way way, uint32_t major,
		    struct limit_htb *h)
{
	int err;

	*h = (struct limit_htb){
		.ctx = ctx, .backend = backend, .way = way, .major = major, .lock = -1,
		.wanted = tree_new(),
	};
	err = h->wanted ? netns_lock_host(ctx, "limits", LOCK_WAIT_MS, &h->lock) : oom(ctx);
	if (!err)
		err = netlink_open(ctx, &h->nl);
	return err ? err : limit_htb_read(h);
}

void limit_htb_end(struct limit_htb *h)
{
	limit_list_free(&h->list);
	arena_free(&h->ops.arena);
	tree_free(h->present);
	tree_free(h->wanted);
	netlink_close(h->nl);
	if (h->lock >= 0)
		close(h->lock);
}

int limit_htb_apply(struct limit_htb *h)
{
	return h->ops.count ? kernel_apply(h->ctx, h->nl, &h->ops) : 0;
}

static const struct limit_wish_side *side_of(const struct limit_htb *h, const struct limit_report *report)
{
	return &report->side[h->way].wish;
}

static bool is_used(const struct limit_htb *h, uint32_t classid)
{
	size_t i;

	for (i = 0; i < h->list.n; i++)
		if (side_of(h, &h->list.reports[i])->priority == classid)
			return true;
	return false;
}

uint32_t limit_htb_classid(const struct limit_htb *h, struct limit_key key)
{
	const struct limit_report *report = limit_list_find(&h->list, key);
	uint32_t minor;

	if (report && side_of(h, report)->priority)
		return side_of(h, report)->priority;
	for (minor = 1; minor <= MINOR_LAST; minor++)
		if (!is_used(h, HANDLE(h->major, minor)))
			return HANDLE(h->major, minor);
	return 0;
}

/* ---- making ---- */

struct obj *limit_htb_make(struct limit_htb *h, enum obj_type type, const char *kind, uint32_t parent,
			   uint32_t handle)
{
	static const enum kind_type types[] = {
		[OBJ_QDISC] = KIND_QDISC, [OBJ_CLASS] = KIND_CLASS, [OBJ_FILTER] = KIND_FILTER,
	};
	struct obj *obj = arena_alloc(&h->wanted->arena, sizeof(*obj));

	if (!obj)
		return NULL;
	obj->type = type;
	obj->parent = parent;
	obj->handle = handle;
	obj->kind = kind_find(types[type], kind);
	obj->kind_name = kind;
	obj->opts = opts_new(&h->wanted->arena, obj->kind);
	return obj->opts ? obj : NULL;
}

int limit_htb_op(struct limit_htb *h, const struct tree_link *link, enum op_verb verb,
		 const struct obj *old, const struct obj *obj)
{
	const struct op op = {
		.verb = verb, .phase = verb == OP_DEL || verb == OP_LINK_DEL ? PHASE_REMOVE :
		verb == OP_LINK_ADD || verb == OP_LINK_UP ? PHASE_LINK : PHASE_BUILD,
		.link = link, .old = old, .obj = obj,
	};

	if (!obj && (verb == OP_ADD || verb == OP_CHANGE))
		return oom(h->ctx);
	return op_append(&h->ops, &op) ? oom(h->ctx) : 0;
}

static uint64_t burst_of(uint64_t rate_bit)
{
	uint64_t burst = rate_bit / 8 / 1000;

	return burst < 2 * FRAME_BYTES ? 2 * FRAME_BYTES : burst;
}

static struct obj *make_class(struct limit_htb *h, const struct limit_htb_class *c)
{
	struct obj *class = limit_htb_make(h, OBJ_CLASS, "htb", c->parent, c->classid);

	if (!class)
		return NULL;
	opts_put(class->opts, HTB_RATE, c->rate_bit / 8 * 8);
	opts_put(class->opts, HTB_CEIL, c->ceil_bit / 8 * 8);
	opts_put(class->opts, HTB_BURST, burst_of(c->rate_bit));
	opts_put(class->opts, HTB_CBURST, burst_of(c->ceil_bit));
	opts_put(class->opts, HTB_PRIO, c->prio);
	opts_put(class->opts, HTB_QUANTUM, c->quantum_bytes);
	class->kind->canon(class->opts);
	return class;
}

/* Whether it is there as it is to be. */
static bool is_there(const struct obj *wanted, const struct obj *there)
{
	return there && there->kind == wanted->kind && there->handle && there->opts &&
	       opts_hold(wanted->kind, wanted->opts, there->opts);
}

/* The queue of the class, as long in time at every rate. */
static int put_queue(struct limit_htb *h, const struct tree_link *link, const struct limit_htb_class *c)
{
	const struct obj *old = tree_qdisc_at(link, c->classid);
	struct obj *queue = limit_htb_make(h, OBJ_QDISC, "pfifo", c->classid,
					   old && old->handle ? old->handle : c->queue);
	uint64_t packets = c->ceil_bit / 8 * QUEUE_MS / 1000 / FRAME_BYTES;
	int row = queue ? opts_row(queue->kind, "limit") : -1;

	if (row < 0)
		return oom(h->ctx);
	opts_put(queue->opts, (unsigned int)row,
		 packets < QUEUE_MIN ? QUEUE_MIN : packets > QUEUE_MAX ? QUEUE_MAX : packets);
	if (is_there(queue, old))
		return 0;
	return limit_htb_op(h, link, old && old->handle ? OP_CHANGE : OP_ADD, old, queue);
}

int limit_htb_put_class(struct limit_htb *h, const struct tree_link *link,
			const struct limit_htb_class *c)
{
	const struct obj *old = tree_class(link, c->classid);
	struct obj *class = make_class(h, c);
	int err = 0;

	if (!class)
		return oom(h->ctx);
	if (!is_there(class, old))
		err = limit_htb_op(h, link, old ? OP_CHANGE : OP_ADD, old, class);
	return err ? err : put_queue(h, link, c);
}

static int make_root(struct limit_htb *h, struct tree_link *link)
{
	const struct obj *there = tree_qdisc_at(link, HANDLE_ROOT);
	struct obj *root;

	if (limit_htb_is_on(h, link))
		return 0;
	if (!tree_root_is_default(link))
		return fail(h->ctx, EEXIST, "backend %s: %s has a root qdisc already: %s %x:%s",
			    h->backend->name, link->name, there->kind_name, HANDLE_MAJOR(there->handle),
			    tree_root_is_foreign(link) ? "" : ", with which weir shapes the link");
	root = limit_htb_make(h, OBJ_QDISC, "htb", HANDLE_ROOT, HANDLE(h->major, 0));
	if (!root)
		return oom(h->ctx);
	opts_put(root->opts, HTB_DEFAULT, 0);
	opts_put(root->opts, HTB_R2Q, 10);
	opts_put(root->opts, HTB_DIRECT_QLEN, DIRECT_QLEN);
	return limit_htb_op(h, link, OP_ADD, NULL, root);
}

int limit_htb_make_class(struct limit_htb *h, struct tree_link *link, uint32_t classid,
			 uint64_t rate_bit)
{
	const struct limit_htb_class class = {
		.parent = HANDLE(h->major, 0), .classid = classid, .rate_bit = rate_bit,
		.ceil_bit = rate_bit, .quantum_bytes = 2 * FRAME_BYTES,
	};
	int err = make_root(h, link);

	return err ? err : limit_htb_put_class(h, link, &class);
}

/* ---- sweeping ---- */

static int sweep_link(struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *class;
	unsigned int used = 0;
	int err = 0;

	for (class = link->objs[OBJ_CLASS]; class; class = class->next)
		used += is_used(h, class->handle);
	if (!used)
		return limit_htb_op(h, link, OP_DEL, tree_qdisc_at(link, HANDLE_ROOT), NULL);
	for (class = link->objs[OBJ_CLASS]; class && !err; class = class->next)
		if (!is_used(h, class->handle))
			err = limit_htb_op(h, link, OP_DEL, class, NULL);
	return err;
}

int limit_htb_sweep(struct limit_htb *h)
{
	const struct tree_link *link;
	int err = 0;

	for (link = h->present->links; link && !err; link = link->next)
		if (limit_htb_is_on(h, link))
			err = sweep_link(h, link);
	return err;
}

/* ---- for backends ---- */

int limit_htb_wish(struct limit_htb *h, const struct limit_wish *wish, struct limit_wish *classed)
{
	struct limit_wish_side *side = &classed->side[h->way];
	struct limit_key key;
	int err, level;

	*classed = *wish;
	if (side->block)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: a class cannot block; the backends ebpf and "
			    "nftables can", h->backend->name);
	if (wish->subject == LIMIT_NET_CLS)
		return limit_net_cls_wish(h, classed);
	err = limit_resolve(h->ctx, wish->subject, wish->name, &key, &level);
	if (err)
		return err;
	side->priority = limit_htb_classid(h, key);
	if (!side->priority)
		return fail(h->ctx, ENOSPC, "backend %s: there are too many limits", h->backend->name);
	return 0;
}

static void count(const struct limit_htb *h, struct limit_report_side *side)
{
	const struct tree_link *link;
	const struct obj *class;
	bool any = false;

	for (link = h->present->links; link; link = link->next) {
		class = limit_htb_is_on(h, link) ? tree_class(link, side->wish.priority) : NULL;
		if (!class)
			continue;
		if (!any)
			side->count.packets = side->count.bytes = side->count.dropped = 0;
		any = true;
		side->count.packets += class->stats.packets;
		side->count.bytes += class->stats.bytes;
		side->count.dropped += class->stats.drops;
	}
	side->wish.priority = 0;	/* nobody wished for that */
}

static int list_net_cls(struct limit_htb *h, struct limit_list *list)
{
	int err = netlink_open(h->ctx, &h->nl);

	if (!err)
		err = kernel_dump(h->ctx, h->nl, NULL, NULL, &h->present);
	return err ? err : limit_net_cls_add(h, list);
}

int limit_htb_list(struct ctx *ctx, const struct backend *backend, enum limit_way way, uint32_t major,
		   struct limit_list *list)
{
	struct limit_htb h = { .ctx = ctx, .backend = backend, .way = way, .major = major, .lock = -1 };
	int err = limit_class_list(ctx, list, backend, major);
	size_t i;

	if (!err && backend->net_cls && limit_net_cls_any(ctx))
		err = list_net_cls(&h, list);
	for (i = 0; i < list->n && !err; i++) {
		if (list->reports[i].side[way].backend != backend)
			continue;
		if (!h.nl)
			err = netlink_open(ctx, &h.nl);
		if (!err && !h.present)
			err = kernel_dump(ctx, h.nl, NULL, NULL, &h.present);
		if (!err)
			count(&h, &list->reports[i].side[way]);
	}
	limit_htb_end(&h);
	return err;
}

int limit_htb_forget(struct limit_htb *h, const struct limit_key *key)
{
	int v1 = h->backend->net_cls ? limit_net_cls_remove(h, key) : -ENOENT, v2 = -ENOENT;

	if (!v1 || v1 == -ENOENT)
		v2 = limit_class_remove(h->ctx, key, 1u << h->way, h->major);
	return v1 && v1 != -ENOENT ? v1 : v2 == -ENOENT ? v1 : v2;
}

/* ---- availability ---- */

static bool works(struct ctx *ctx, const void *arg, char why[APART_WHY])
{
	struct limit_htb h = {
		.ctx = ctx, .major = LIMIT_MAJOR_EGRESS, .lock = -1, .wanted = tree_new(),
	};
	int err = h.wanted ? netlink_open(ctx, &h.nl) : oom(ctx);
	struct tree_link *lo = NULL;

	(void)arg;
	if (!err)
		err = kernel_dump(ctx, h.nl, NULL, NULL, &h.present);
	if (!err)
		lo = tree_link_find(h.present, "lo");
	if (lo)
		err = limit_htb_make_class(&h, lo, HANDLE(h.major, 1), 1000000);
	if (!err)
		err = limit_htb_apply(&h);
	if (err)
		snprintf(why, APART_WHY, "the kernel has no HTB (sch_htb): %s",
			 ctx->error ? ctx->error : strerror(-err));
	limit_htb_end(&h);
	return !err;
}

bool limit_htb_try(struct ctx *ctx, char why[BACKEND_WHY])
{
	char text[APART_WHY];
	bool yes = apart_try(works, NULL, text);

	(void)ctx;
	snprintf(why, BACKEND_WHY, "%s", text);
	return yes;
}

bool limit_htb_can_tell(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	bool all;

	if (!limit_htb_try(ctx, why))
		return false;
	all = backend_ebpf.available(ctx, way, why);
	if (all)
		*why = 0;
	if (all || !limit_net_cls_try(ctx, why))
		return all;
	snprintf(why, BACKEND_WHY, "for cgroups of net_cls (v1) only");
	return true;
}
