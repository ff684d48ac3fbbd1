// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits queued where weir shapes: each has a class of its own in the HTB of a link, and in that of its
 * IFB. At egress the programs of the backend `ebpf` put the class into the packets' priority, which the
 * link's classifier leaves alone; at ingress a filter in front of the classifier looks up the socket
 * that a packet is for. Traffic by other ways has the bucket, of which those programs see to, too
 * (limit_settle.h).
 */
#include "host/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/classes.h"
#include "host/limit_class.h"
#include "host/limit_elsewhere.h"
#include "host/limit_links.h"
#include "host/limit_rules.h"
#include "host/limit_settle.h"
#include "kernel/dump.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"

enum { CLASSES = CLASSES_LIMIT_LAST - CLASSES_LIMIT_FIRST + 1 };

/* ---- links ---- */

static int read_links(struct ctx *ctx, struct tree **tree)
{
	struct netlink *nl = NULL;
	int err = netlink_open(ctx, &nl);

	*tree = NULL;
	if (!err)
		err = kernel_dump(ctx, nl, NULL, NULL, tree);
	netlink_close(nl);
	return err;
}

/* ---- setting ---- */

/* What one call sets. */
struct job {
	struct limit_settle s;
	struct limit_wish *classed;
	struct limit_settle_new *added;
	size_t n_added;
	struct limit_places before;
	bool taken[CLASSES];
};

static void take(struct job *job, uint32_t classid)
{
	if (classes_is_limit(classid))
		job->taken[classid - CLASSES_LIMIT_FIRST] = true;
}

/* A class may outlive its limit in a namespace that is out of reach. */
static void mark_taken(struct job *job)
{
	const struct limit_list *list = &job->s.h.list;
	size_t i, way;

	for (i = 0; i < list->n; i++)
		for (way = 0; way < LIMIT_WAYS; way++)
			take(job, list->reports[i].side[way].wish.priority);
	for (i = 0; i < job->before.n; i++)
		take(job, job->before.placed[i].place.classid);
}

/* The one that the limit has in either direction, or a new one; 0: there are no more. */
static uint32_t class_for(struct job *job, struct limit_key key)
{
	const struct limit_report *r = limit_list_find(&job->s.h.list, key);
	unsigned int i, way;

	for (way = 0; r && way < LIMIT_WAYS; way++)
		if (classes_is_limit(r->side[way].wish.priority))
			return r->side[way].wish.priority;
	for (i = 0; i < CLASSES; i++)
		if (!job->taken[i]) {
			job->taken[i] = true;
			return CLASSES_LIMIT_FIRST + i;
		}
	return 0;
}

static int check_wish(struct job *job, const struct limit_wish *wish, unsigned int way)
{
	struct ctx *ctx = job->s.h.ctx;
	char why[BACKEND_WHY];

	if (wish->side[way].block)
		return fail(ctx, EOPNOTSUPP, "backend bpf_htb: a class cannot block; the backends ebpf and "
			    "nftables can");
	if (!limit_links_any(job->s.h.present, (enum limit_way)way, why))
		return fail(ctx, EOPNOTSUPP, "backend bpf_htb: %s", why);
	return way == LIMIT_INGRESS ? limit_rules_check(&job->s.h, wish) : 0;
}

static int class_wish(struct job *job, const struct limit_wish *wish, unsigned int ways,
		      struct limit_wish *classed)
{
	struct ctx *ctx = job->s.h.ctx;
	struct limit_key key;
	unsigned int way;
	uint32_t classid;
	int err, level;

	*classed = *wish;
	err = limit_resolve(ctx, wish->subject, wish->name, &key, &level);
	if (err)
		return err;
	classid = class_for(job, key);
	if (!classid)
		return fail(ctx, ENOSPC, "backend bpf_htb: there are more than %d limits", CLASSES);
	for (way = 0; way < LIMIT_WAYS && !err; way++) {
		if (!(ways & 1u << way) || !wish->side[way].set)
			continue;
		err = check_wish(job, wish, way);
		classed->side[way].priority = classid;
		job->added[job->n_added++] = (struct limit_settle_new){ classid, (enum limit_way)way };
	}
	return err;
}

/* Without a class on their way limits are buckets: so there is no moment without. What cannot be
 * set is told after the rest is settled. */
static int set_all(struct job *job, size_t n, unsigned int ways)
{
	int err = backend_ebpf.set(job->s.h.ctx, job->classed, n, ways), e;
	struct ctx *ctx = job->s.h.ctx, quiet;

	job->s.added = job->added;
	job->s.n_added = job->n_added;
	if (!err)
		return limit_settle_run(&job->s);
	ctx_init(&quiet);
	job->s.h.ctx = &quiet;
	e = limit_settle_run(&job->s);
	job->s.h.ctx = ctx;
	if (e)
		warn(ctx, "putting back: %s", quiet.error ? quiet.error : "failed");
	ctx_fini(&quiet);
	return err;
}

static int bpf_htb_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	struct job *job = calloc(1, sizeof(*job));
	size_t i;
	int err;

	if (!job)
		return oom(ctx);
	job->classed = calloc(n + 1, sizeof(*job->classed));
	job->added = calloc(LIMIT_WAYS * n + 1, sizeof(*job->added));
	err = limit_settle_begin(ctx, &job->s);
	if (!err && (!job->classed || !job->added))
		err = oom(ctx);
	if (!err)
		err = limit_places_read(ctx, &job->before);
	if (!err)
		mark_taken(job);
	for (i = 0; i < n && !err; i++)
		err = class_wish(job, &wishes[i], ways, &job->classed[i]);
	if (!err)
		err = set_all(job, n, ways);
	limit_settle_end(&job->s);
	if (!err)
		limit_elsewhere_settle(ctx, &job->before, NULL, 0);
	limit_places_free(&job->before);
	free(job->added);
	free(job->classed);
	free(job);
	return err;
}

/* ---- removing ---- */

/* First the classes: a run that is killed in between leaves a limit, not a class without one. */
static int bpf_htb_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	struct tree *present;
	int err = read_links(ctx, &present);

	if (!err && limits_have_classes(present))
		err = limit_elsewhere_leave(ctx, key, ways);
	tree_free(present);
	return err ? err : limit_class_remove(ctx, key, ways, CLASSES_MAJOR);
}

/* ---- listing ---- */

struct look {
	struct limit_places places;
	struct tree *present;
	struct limit_list list;
};

static void look_free(struct look *look)
{
	limit_list_free(&look->list);
	limit_places_free(&look->places);
	tree_free(look->present);
}

/* The places first: with the last limit they go, whatever became of its class. */
static int look_around(struct ctx *ctx, struct look *look)
{
	int err;

	*look = (struct look){ .list = { .numeric = true } };
	err = limit_places_read(ctx, &look->places);
	if (!err)
		err = read_links(ctx, &look->present);
	return err ? err : limit_class_list(ctx, &look->list, &backend_bpf_htb, CLASSES_MAJOR);
}

static bool is_placed(const struct limit_places *places, uint32_t classid)
{
	size_t i;

	for (i = 0; i < places->n; i++)
		if (places->placed[i].place.classid == classid)
			return true;
	return false;
}

static bool has_limit(const struct limit_list *list, const struct limit_placed *p)
{
	int way = p->flags & LIMIT_PLACE_INGRESS ? LIMIT_INGRESS : LIMIT_EGRESS;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->reports[i].side[way].wish.priority == p->place.classid)
			return true;
	return false;
}

/* What the programs leave to a class that somebody took away nothing would limit. */
static bool has_class(const struct tree *present, const struct limit_placed *p)
{
	const struct tree_link *dev = tree_link_by_index(present, (int)p->place.ifindex);

	return dev && limit_link_is_htb(dev) && tree_class(dev, p->place.classid);
}

/* Whether limits, places and classes differ: a run was killed, a limit has ended by itself, or somebody took
 * a class away. */
static bool is_unsettled(const struct look *look)
{
	uint64_t netns = netns_cookie();
	const struct limit_report_side *side;
	const struct limit_placed *p;
	size_t i, way;

	for (i = 0; i < look->list.n; i++)
		for (way = 0; way < LIMIT_WAYS; way++) {
			side = &look->list.reports[i].side[way];
			if (side->backend == &backend_bpf_htb && !is_placed(&look->places, side->wish.priority))
				return true;
		}
	for (p = look->places.placed; p < look->places.placed + look->places.n; p++)
		if (p->place.netns == netns && (!(p->flags & LIMIT_PLACE_READY) || !has_limit(&look->list, p) ||
						!has_class(look->present, p)))
			return true;
	return limits_have_strays(look->present, &look->places);
}

/* Where it cannot be, this is only told. */
static void settle(struct ctx *ctx)
{
	struct limit_settle s;
	struct ctx own;
	int err;

	ctx_init(&own);
	own.messages = ctx->messages;
	err = limit_settle_begin(&own, &s);
	s.orphans = true;
	if (!err)
		err = limit_settle_run(&s);
	limit_settle_end(&s);
	if (err)
		warn(ctx, "classes of limits: %s", own.error ? own.error : "failed");
	ctx->warnings += own.warnings;
	ctx_fini(&own);
}

/* Whether another namespace has classes of it, which are not seen here. */
static bool is_elsewhere(const struct limit_places *places, uint32_t classid, enum limit_way way)
{
	uint64_t netns = netns_cookie();
	const struct limit_placed *p;

	for (p = places->placed; p < places->placed + places->n; p++)
		if (p->place.classid == classid && p->place.netns != netns &&
		    !(p->flags & LIMIT_PLACE_INGRESS) == (way == LIMIT_EGRESS))
			return true;
	return false;
}

/* What left by the classes; of what had the bucket its share of what the programs counted at egress, where
 * they count before the queue. */
static void count_side(const struct tree *present, enum limit_way way, struct limit_report_side *side)
{
	uint64_t other = side->count.packets - side->count.classed, packets = 0, bytes = 0, drops = 0;
	const struct tree_link *dev;
	const struct obj *class;

	for (dev = present->links; dev; dev = dev->next) {
		class = limit_link_is_htb(dev) && limit_link_way(dev) == way ?
			tree_class(dev, side->wish.priority) : NULL;
		packets += class ? class->stats.packets : 0;
		bytes += class ? class->stats.bytes : 0;
		drops += class ? class->stats.drops : 0;
	}
	side->count.dropped += drops;
	if (way == LIMIT_EGRESS && side->count.classed) {
		bytes += (uint64_t)((unsigned __int128)side->count.bytes * other / side->count.packets);
		side->count.packets = packets + other;
		side->count.bytes = bytes;
	}
}

/* With classes elsewhere what the programs counted is all there is. */
static void count_all(const struct look *look, struct limit_list *list)
{
	struct limit_report_side *side;
	size_t i, way;

	for (i = 0; i < list->n; i++)
		for (way = 0; way < LIMIT_WAYS; way++) {
			side = &list->reports[i].side[way];
			if (side->backend != &backend_bpf_htb)
				continue;
			if (!is_elsewhere(&look->places, side->wish.priority, (enum limit_way)way))
				count_side(look->present, (enum limit_way)way, side);
			side->wish.priority = 0;	/* nobody wished for that */
		}
}

/* What has to be set right first, is. */
static int bpf_htb_list(struct ctx *ctx, struct limit_list *list)
{
	struct look look;
	int err = look_around(ctx, &look);

	if (!err && is_unsettled(&look)) {
		settle(ctx);
		look_free(&look);
		err = look_around(ctx, &look);
	}
	if (!err && look.list.n)
		err = limit_class_list(ctx, list, &backend_bpf_htb, CLASSES_MAJOR);
	if (!err)
		count_all(&look, list);
	look_free(&look);
	return err;
}

/* ---- availability ---- */

/* Unasked only where all that goes to the world goes through the class. */
static bool links_suit(struct ctx *ctx, const struct tree *links, enum limit_way way, bool named,
		       char why[BACKEND_WHY])
{
	struct routes routes;
	struct ctx own;
	bool yes;

	(void)ctx;
	if (named)
		return limit_links_any(links, way, why);
	ctx_init(&own);
	yes = !routes_default(&own, &routes);
	if (!yes)
		snprintf(why, BACKEND_WHY, "%s", own.error);
	ctx_fini(&own);
	return yes && limit_links_uplink(links, &routes, way, why);
}

static bool suits_links(struct ctx *ctx, const struct tree *links, unsigned int ways, bool named,
			char why[BACKEND_WHY])
{
	enum limit_way way = ways & LIMIT_WAY_INGRESS ? LIMIT_INGRESS : LIMIT_EGRESS;
	struct tree *present = NULL;
	bool yes;

	if (!links && read_links(ctx, &present)) {
		snprintf(why, BACKEND_WHY, "%s", ctx->error ? ctx->error : "the links cannot be read");
		ctx_clear(ctx);
		return false;
	}
	yes = links_suit(ctx, links ? links : present, way, named, why);
	tree_free(present);
	if (yes)
		*why = 0;
	return yes && backend_ebpf.available(ctx, ways, why);
}

static bool bpf_htb_available(struct ctx *ctx, unsigned int ways, char why[BACKEND_WHY])
{
	return suits_links(ctx, NULL, ways, true, why);
}

static bool level_is_hidden(const struct limit_wish *wish)
{
	struct limit_key key;
	struct ctx quiet;
	int level, err;

	ctx_init(&quiet);
	err = limit_resolve(&quiet, wish->subject, wish->name, &key, &level);
	ctx_fini(&quiet);
	return !err && level < 0;
}

static const char *why_not(const struct limit_wish *wish, unsigned int ways)
{
	unsigned int way = ways & LIMIT_WAY_INGRESS ? LIMIT_INGRESS : LIMIT_EGRESS;

	if (wish->side[way].block)
		return "a class cannot block";
	if (!(ways & LIMIT_WAY_INGRESS))
		return NULL;
	if (wish->subject == LIMIT_PID)
		return "what comes in shows its socket's cgroup and user, not its process; ebpf limits processes";
	if (wish->only != LIMIT_ALL)
		return "it limits all that comes in, not a part of it";
	return level_is_hidden(wish) ? "at which level a cgroup is cannot be told in this cgroup namespace" : NULL;
}

static bool bpf_htb_suits(struct ctx *ctx, const struct backend_ask *ask, bool named, unsigned int ways,
			  char why[BACKEND_WHY])
{
	const char *no = ask->wish ? why_not(ask->wish, ways) : NULL;

	if (no)
		snprintf(why, BACKEND_WHY, "%s", no);
	return !no && suits_links(ctx, ask->links, ways, named, why);
}

const struct backend backend_bpf_htb = {
	.name = "bpf_htb", .rank = 5, .ways = LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS,
	.users = true, .processes = true, .most = 1000,
	.available = bpf_htb_available, .suits = bpf_htb_suits, .set = bpf_htb_set,
	.remove = bpf_htb_remove, .list = bpf_htb_list,
};
