// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_settle.h"

#include <errno.h>
#include <string.h>

#include "bpf/classes.h"
#include "host/limit_class.h"
#include "host/limit_links.h"
#include "host/limit_rules.h"
#include "kernel/netns.h"
#include "qdisc/htb.h"

enum {
	FRAME_BYTES = 1514,
	QUANTUM_MAX_BYTES = 200000,	/* sch_htb.c, 6.12 */
	QUANTUM_DIVISOR = 10,
	SHARE = 20,			/* of a link: what is all limits' own */
	ONE_MIN_BIT = 8000,
};

/* ---- reading ---- */

int limit_settle_begin(struct ctx *ctx, struct limit_settle *s)
{
	memset(s, 0, sizeof(*s));
	s->netns = netns_cookie();
	/* the direction is not looked at: what is done here is done for both */
	return limit_htb_begin(ctx, &backend_bpf_htb, LIMIT_EGRESS, CLASSES_MAJOR, &s->h);
}

void limit_settle_end(struct limit_settle *s)
{
	limit_places_free(&s->places);
	limit_htb_end(&s->h);
}

static uint32_t place_flags(enum limit_way way)
{
	return LIMIT_PLACE_READY | (way == LIMIT_INGRESS ? LIMIT_PLACE_INGRESS : 0);
}

static bool is_way(const struct limit_placed *p, enum limit_way way)
{
	return !(p->flags & LIMIT_PLACE_INGRESS) == (way != LIMIT_INGRESS);
}

static bool is_placed(const struct limit_places *places, uint32_t classid, enum limit_way way,
		      uint64_t netns)
{
	size_t i;

	for (i = 0; i < places->n; i++)
		if (places->placed[i].place.classid == classid && is_way(&places->placed[i], way) &&
		    (!netns || places->placed[i].place.netns == netns))
			return true;
	return false;
}

static bool is_added(const struct limit_settle *s, uint32_t classid, enum limit_way way)
{
	size_t i;

	for (i = 0; i < s->n_added; i++)
		if (s->added[i].classid == classid && s->added[i].way == way)
			return true;
	return false;
}

static bool is_leaving(const struct limit_settle *s, const struct limit_report *r, enum limit_way way)
{
	return s->leaving_ways & 1u << way &&
	       (!s->leaving || (s->leaving->kind == r->key.kind && s->leaving->id == r->key.id));
}

/* The class that a limit has in this namespace, in a direction; 0: none. */
static uint32_t class_of(const struct limit_settle *s, const struct limit_report *r, enum limit_way way)
{
	uint32_t classid = r->side[way].wish.set ? r->side[way].wish.priority : 0;

	return classid && !is_leaving(s, r, way) && (is_added(s, classid, way) || is_placed(&s->places, classid, way, s->netns)) ?
		classid : 0;
}

/* ---- classes ---- */

/* All limits together have no more than a share of the link for their own, so that they do not take what
 * its classes are promised; the number is rounded up, so that it seldom changes. */
static uint64_t own_rate(uint64_t link_bit, unsigned int n, uint64_t rate_bit)
{
	unsigned int shares = 1;
	uint64_t own;

	while (shares < n)
		shares *= 2;
	own = link_bit / SHARE / shares;
	if (own < ONE_MIN_BIT)
		own = ONE_MIN_BIT;
	return own < rate_bit ? own : rate_bit;
}

static uint64_t quantum_of(uint64_t rate_bit)
{
	uint64_t quantum = rate_bit / 8 / QUANTUM_DIVISOR;

	return quantum < FRAME_BYTES ? FRAME_BYTES : quantum > QUANTUM_MAX_BYTES ? QUANTUM_MAX_BYTES :
		quantum;
}

static uint64_t opt_of(const struct tree_link *dev, uint32_t minor, unsigned int row)
{
	const struct obj *class = tree_class(dev, HANDLE(CLASSES_MAJOR, minor));

	return class && class->opts && opts_has(class->opts, row) ? class->opts->v[row].u : 0;
}

static int put_class(struct limit_settle *s, const struct tree_link *dev, unsigned int n, uint32_t classid,
		     uint64_t rate_bit)
{
	const struct limit_htb_class class = {
		.parent = HANDLE(CLASSES_MAJOR, WEIR_MINOR_ROOT), .classid = classid,
		.rate_bit = own_rate(opt_of(dev, WEIR_MINOR_ROOT, HTB_RATE), n, rate_bit),
		.ceil_bit = rate_bit, .prio = opt_of(dev, WEIR_MINOR_DEFAULT, HTB_PRIO),
		.quantum_bytes = quantum_of(rate_bit), .queue = HANDLE(HANDLE_MINOR(classid), 0),
	};

	return limit_htb_put_class(&s->h, dev, &class);
}

/* The interface that has the HTB of this one's link, where limits can have classes in it. */
static bool qualifies(const struct limit_settle *s, const struct tree_link *dev)
{
	const struct tree_link *link = tree_link_find(s->h.present, tree_policy_link(dev));
	char why[BACKEND_WHY];

	return link && limit_link_htb(s->h.present, link, limit_link_way(dev), why) == dev;
}

static int put_classes(struct limit_settle *s, const struct tree_link *dev, struct limit_places *wanted)
{
	const struct limit_report *r = s->h.list.reports, *end = r + s->h.list.n;
	enum limit_way way = limit_link_way(dev);
	struct limit_placed placed = {
		.place = { .netns = s->netns, .ifindex = (uint32_t)dev->ifindex },
		.flags = place_flags(way),
	};
	unsigned int n = 0;
	int err = 0;

	if (!qualifies(s, dev))
		return 0;
	for (; r < end; r++)
		n += class_of(s, r, way) != 0;
	for (r = s->h.list.reports; r < end && !err; r++) {
		placed.place.classid = class_of(s, r, way);
		if (!placed.place.classid)
			continue;
		err = put_class(s, dev, n, placed.place.classid, r->side[way].wish.rate_bit);
		if (!err)
			err = limit_places_add(s->h.ctx, wanted, &placed);
	}
	return err;
}

static int sweep_classes(struct limit_settle *s, const struct tree_link *dev,
			 const struct limit_places *wanted)
{
	struct limit_place place = { .netns = s->netns, .ifindex = (uint32_t)dev->ifindex };
	const struct obj *class;
	int err = 0;

	for (class = dev->objs[OBJ_CLASS]; class && !err; class = class->next) {
		place.classid = class->handle;
		if (classes_is_limit(class->handle) && !limit_places_find(wanted, &place))
			err = limit_htb_op(&s->h, dev, OP_DEL, class, NULL);
	}
	return err;
}

/* ---- filters ---- */

/* The rules are of all limits that have a class here at ingress. */
static int make_program(struct limit_settle *s, struct program **program)
{
	static const struct ruleset_hook hook = {
		.what = "limits: ingress", .ingress = true, .ethernet = true, .limits = true,
	};
	struct limit_report *all = s->h.list.reports, *r;
	size_t i;
	int err;

	r = arena_memdup(&s->h.wanted->arena, all, s->h.list.n * sizeof(*r));
	if (!r)
		return oom(s->h.ctx);
	for (i = 0; i < s->h.list.n; i++)
		r[i].side[LIMIT_INGRESS].wish.priority = class_of(s, &r[i], LIMIT_INGRESS);
	s->h.list.reports = r;
	err = limit_rules_program(&s->h, &hook, 0, program);
	s->h.list.reports = all;
	return err;
}

static bool has_places(const struct limit_settle *s, const struct limit_places *wanted,
		       const struct tree_link *dev)
{
	size_t i;

	for (i = 0; dev && i < wanted->n; i++)
		if (wanted->placed[i].place.netns == s->netns &&
		    wanted->placed[i].place.ifindex == (uint32_t)dev->ifindex)
			return true;
	return false;
}

static int settle_filters(struct limit_settle *s, const struct limit_places *wanted)
{
	struct program *program = NULL;
	const struct tree_link *link;
	const struct obj *there;
	char ifb[TREE_NAME];
	int err = 0;

	for (link = s->h.present->links; link && !err; link = link->next) {
		there = limit_rules_find(link, WEIR_PRIO_LIMITS);
		tree_ifb_name(link->name, ifb);
		if (has_places(s, wanted, tree_link_find(s->h.present, ifb))) {
			err = program ? 0 : make_program(s, &program);
			if (!err)
				err = limit_rules_filter(&s->h, link, WEIR_PRIO_LIMITS, program, ifb);
		} else if (there) {
			err = limit_htb_op(&s->h, link, OP_DEL, there, NULL);
		}
	}
	return err;
}

/* ---- limits without a place ---- */

static int to_bucket(struct ctx *ctx, const struct limit_report *r, enum limit_way way)
{
	int err = limit_class_to_bucket(ctx, &r->key, way);

	if (!err)
		warn(ctx, "%s %s: no link that weir shapes is left to queue its %s: backend ebpf",
		     limit_subjects[r->subject], r->name, way == LIMIT_INGRESS ? "downloads" : "uploads");
	return err == -ENOENT ? 0 : err;	/* it has ended meanwhile */
}

static const struct limit_report *limit_of(const struct limit_settle *s, const struct limit_placed *p,
					   enum limit_way way)
{
	const struct limit_report *r, *end = s->h.list.reports + s->h.list.n;

	for (r = s->h.list.reports; r < end; r++)
		if (r->side[way].wish.priority == p->place.classid)
			return r;
	return NULL;
}

/* Places that stay: those of other namespaces, of limits that there are, and the ones that are wanted. What
 * changes is the bucket there, until the class is changed or taken away. */
static int stay(struct limit_settle *s, struct limit_places *wanted)
{
	const struct limit_report *r;
	struct limit_placed placed;
	enum limit_way way;
	size_t i;
	int err = 0;

	for (i = 0; i < s->places.n && !err; i++) {
		placed = s->places.placed[i];
		way = placed.flags & LIMIT_PLACE_INGRESS ? LIMIT_INGRESS : LIMIT_EGRESS;
		r = placed.place.netns == s->netns ? NULL : limit_of(s, &placed, way);
		if (!r)
			continue;
		if (is_leaving(s, r, way) || is_added(s, placed.place.classid, way))
			placed.flags &= ~(uint32_t)LIMIT_PLACE_READY;
		err = limit_places_add(s->h.ctx, wanted, &placed);
	}
	limit_places_sort(wanted);
	return err;
}

static int settle_orphans(struct limit_settle *s, const struct limit_places *wanted)
{
	const struct limit_report *r = s->h.list.reports, *end = r + s->h.list.n;
	uint32_t classid;
	int err = 0, way;

	for (; r < end && !err; r++)
		for (way = 0; way < LIMIT_WAYS && !err; way++) {
			classid = r->side[way].wish.set ? r->side[way].wish.priority : 0;
			if (classid && !is_leaving(s, r, (enum limit_way)way) &&
			    !is_placed(wanted, classid, (enum limit_way)way, 0))
				err = to_bucket(s->h.ctx, r, (enum limit_way)way);
		}
	return err;
}

/* ---- all ---- */

/* Adds before it removes: classes, what leads to them, and then the other way round. */
static int plan(struct limit_settle *s, struct limit_places *wanted)
{
	const struct tree_link *dev;
	int err = 0;

	for (dev = s->h.present->links; dev && !err; dev = dev->next)
		if (limit_link_is_htb(dev))
			err = put_classes(s, dev, wanted);
	if (!err)
		err = stay(s, wanted);
	if (!err)
		err = settle_filters(s, wanted);
	for (dev = s->h.present->links; dev && !err; dev = dev->next)
		if (limit_link_is_htb(dev))
			err = sweep_classes(s, dev, wanted);
	return err;
}

int limit_settle_run(struct limit_settle *s)
{
	struct limit_places wanted = { .n = 0 };
	int err = limit_htb_read(&s->h);

	limit_places_free(&s->places);
	if (!err)
		err = limit_places_read(s->h.ctx, &s->places);
	if (!err)
		err = plan(s, &wanted);
	if (!err)
		err = limit_places_remove(s->h.ctx, &s->places, &wanted);
	if (!err)
		err = limit_htb_apply(&s->h);
	if (!err)
		err = limit_places_write(s->h.ctx, &s->places, &wanted);
	if (!err && s->orphans)
		err = settle_orphans(s, &wanted);
	limit_places_free(&wanted);
	return err;
}

/* ---- around changes of links ---- */

static bool has_stray(const struct tree_link *link, const struct limit_places *places, uint64_t netns)
{
	struct limit_place place = { .netns = netns, .ifindex = (uint32_t)link->ifindex };
	const struct obj *class;

	for (class = link->objs[OBJ_CLASS]; class; class = class->next) {
		place.classid = class->handle;
		if (classes_is_limit(class->handle) && !limit_places_find(places, &place))
			return true;
	}
	return false;
}

bool limits_have_strays(const struct tree *present, const struct limit_places *places)
{
	uint64_t netns = netns_cookie();
	const struct tree_link *link;
	bool ingress = false;
	size_t i;

	for (i = 0; i < places->n; i++)
		ingress |= places->placed[i].place.netns == netns && is_way(&places->placed[i], LIMIT_INGRESS);
	for (link = present->links; link; link = link->next)
		if ((!ingress && limit_rules_find(link, WEIR_PRIO_LIMITS)) || has_stray(link, places, netns))
			return true;
	return false;
}

bool limits_have_classes(const struct tree *present)
{
	struct limit_places places;
	struct ctx quiet;
	bool any;

	ctx_init(&quiet);
	any = limit_places_read(&quiet, &places) || places.n;	/* the fault is told by whoever goes on */
	ctx_fini(&quiet);
	any = any || limits_have_strays(present, &places);
	limit_places_free(&places);
	return any;
}

int limits_settle(struct ctx *ctx, const struct tree *present)
{
	struct limit_settle s;
	int err;

	if (!limits_have_classes(present))
		return 0;
	err = limit_settle_begin(ctx, &s);
	s.orphans = true;
	if (!err)
		err = limit_settle_run(&s);
	limit_settle_end(&s);
	return err;
}

/* Whether the operation takes the interface's HTB away, be it for another one. */
static bool takes_htb(const struct op *op)
{
	return op->verb == OP_LINK_DEL ||
	       ((op->verb == OP_DEL || op->verb == OP_REPLACE) && op->old && op->old->type == OBJ_QDISC &&
		op->old->parent == HANDLE_ROOT);
}

/* What the filter hands to an IFB that is gone, the kernel drops. */
static int leave_one(struct limit_settle *s, const struct tree_link *dev, struct limit_places *after)
{
	const struct tree_link *link = tree_link_find(s->h.present, tree_policy_link(dev));
	const struct obj *filter = link && dev->ours ? limit_rules_find(link, WEIR_PRIO_LIMITS) : NULL;
	size_t i;

	for (i = 0; i < after->n; i++)
		if (after->placed[i].place.netns == s->netns &&
		    after->placed[i].place.ifindex == (uint32_t)dev->ifindex)
			after->placed[i].flags &= ~(uint32_t)LIMIT_PLACE_READY;
	return filter ? limit_htb_op(&s->h, link, OP_DEL, filter, NULL) : 0;
}

static int leave(struct limit_settle *s, const struct ops *ops)
{
	struct limit_places after = { .n = 0 };
	const struct tree_link *dev;
	const struct op *op;
	int err = limit_places_read(s->h.ctx, &s->places);
	size_t i;

	for (i = 0; i < s->places.n && !err; i++)
		err = limit_places_add(s->h.ctx, &after, &s->places.placed[i]);
	for (op = ops->first; op && !err; op = op->next) {
		dev = takes_htb(op) ? tree_link_find(s->h.present, op->link->name) : NULL;
		if (dev)
			err = leave_one(s, dev, &after);
	}
	if (!err)
		err = limit_places_write(s->h.ctx, &s->places, &after);
	limit_places_free(&after);
	return err ? err : limit_htb_apply(&s->h);
}

int limits_leave(struct ctx *ctx, const struct tree *present, const struct ops *ops)
{
	struct limit_settle s;
	const struct op *op;
	int err;

	for (op = ops->first; op && !takes_htb(op); op = op->next)
		;
	if (!op || !limits_have_classes(present))
		return 0;
	err = limit_settle_begin(ctx, &s);
	if (!err)
		err = leave(&s, ops);
	limit_settle_end(&s);
	return err;
}
