// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uploads queued by tc: an HTB of the backend's own at the root of each interface with a default route,
 * a class a limit. The programs of the backend `ebpf` put the class into the packets' priority, where
 * HTB looks first (htb_classify(), net/sched/sch_htb.c, 6.1); what is under no limit is passed on
 * unshaped. Cgroups of v1 are known to the HTB by their net_cls.classid instead (limit_net_cls.h).
 *
 * Traffic by other interfaces is not limited, and by several each has the whole rate.
 */
#include "host/backend.h"

#include <errno.h>

#include "host/limit_class.h"
#include "host/limit_htb.h"
#include "host/limit_net_cls.h"
#include "host/routes.h"

/* Takes away what no limit needs. */
static int sweep(struct limit_htb *h)
{
	int err = limit_htb_read(h);

	if (!err)
		err = limit_htb_sweep(h);
	return err ? err : limit_htb_apply(h);
}

/* After a fault, which is the one to tell. */
static void sweep_quietly(struct limit_htb *h)
{
	struct ctx *ctx = h->ctx, quiet;

	ctx_init(&quiet);
	h->ctx = &quiet;
	if (sweep(h))
		warn(ctx, "putting back: %s", quiet.error ? quiet.error : "failed");
	h->ctx = ctx;
	ctx_fini(&quiet);
}

static int make_classes(struct limit_htb *h, const struct routes *routes, const struct limit_wish_side *side)
{
	struct tree_link *link;
	unsigned int i;
	int err = 0;

	for (i = 0; i < routes->n && !err; i++) {
		link = tree_link_find(h->present, routes->dev[i]);
		if (!link)
			return fail(h->ctx, ENODEV, "%s: the interface has disappeared", routes->dev[i]);
		err = limit_htb_make_class(h, link, side->priority, side->rate_bit);
	}
	return err ? err : limit_htb_apply(h);
}

static int set_one(struct limit_htb *h, const struct routes *routes, const struct limit_wish *wish)
{
	bool v1 = wish->subject == LIMIT_NET_CLS;
	struct limit_wish classed;
	int err = limit_htb_read(h);

	if (!err)
		err = limit_htb_wish(h, wish, &classed);
	if (err)
		return err;
	err = make_classes(h, routes, &classed.side[LIMIT_EGRESS]);
	if (!err && v1)
		err = limit_net_cls_filters(h, routes);
	if (!err)
		err = v1 ? limit_net_cls_write(h, &classed) :
			   backend_ebpf.set(h->ctx, &classed, 1, LIMIT_WAY_EGRESS);
	if (err)
		sweep_quietly(h);
	return err;
}

static int begin(struct ctx *ctx, struct limit_htb *h)
{
	return limit_htb_begin(ctx, &backend_tc_htb, LIMIT_EGRESS, LIMIT_MAJOR_EGRESS, h);
}

static int tc_htb_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	struct routes routes;
	struct limit_htb h;
	size_t i;
	int err = begin(ctx, &h);

	if (!err)
		err = routes_default(ctx, &routes);
	for (i = 0; i < n && !err; i++)
		if (ways & LIMIT_WAY_EGRESS && wishes[i].side[LIMIT_EGRESS].set)
			err = set_one(&h, &routes, &wishes[i]);
	limit_htb_end(&h);
	return err;
}

static int tc_htb_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	struct limit_htb h;
	int removed = -ENOENT, err;

	if (!(ways & LIMIT_WAY_EGRESS))
		return -ENOENT;
	err = begin(ctx, &h);
	if (!err) {
		removed = limit_htb_forget(&h, key);
		err = removed && removed != -ENOENT ? removed : sweep(&h);
	}
	limit_htb_end(&h);
	return err ? err : removed;
}

static int tc_htb_list(struct ctx *ctx, struct limit_list *list)
{
	return limit_htb_list(ctx, &backend_tc_htb, LIMIT_EGRESS, LIMIT_MAJOR_EGRESS, list);
}

static bool tc_htb_available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	struct routes routes;

	*why = 0;
	if (routes_default(ctx, &routes)) {
		snprintf(why, BACKEND_WHY, "%s", ctx->error);
		ctx_clear(ctx);
		return false;
	}
	return limit_htb_can_tell(ctx, way, why);
}

const struct backend backend_tc_htb = {
	.name = "tc_htb", .rank = 2, .ways = LIMIT_WAY_EGRESS, .users = true, .processes = true,
	.net_cls = true,
	.available = tc_htb_available, .set = tc_htb_set, .remove = tc_htb_remove, .list = tc_htb_list,
};
