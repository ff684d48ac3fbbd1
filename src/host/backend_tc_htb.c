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

#include "host/limit_net_cls.h"
#include "host/limit_tc.h"

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

static int set(struct limit_htb *h, const struct routes *routes, const struct limit_wish *classed)
{
	int err = make_classes(h, routes, &classed->side[LIMIT_EGRESS]);

	if (!err && classed->subject == LIMIT_NET_CLS)
		err = limit_net_cls_filters(h, routes);
	return err ? err : limit_tc_note(h, classed);
}

static const struct limit_tc tc = {
	.backend = &backend_tc_htb, .way = LIMIT_EGRESS, .major = LIMIT_MAJOR_EGRESS,
	.set = set, .sweep = limit_htb_sweep,
};

static int tc_htb_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	return limit_tc_set(ctx, &tc, wishes, n, ways);
}

static int tc_htb_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	return limit_tc_remove(ctx, &tc, key, ways);
}

static int tc_htb_list(struct ctx *ctx, struct limit_list *list)
{
	return limit_tc_list(ctx, &tc, list);
}

static bool tc_htb_available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	return limit_tc_has_routes(ctx, why) && limit_htb_can_tell(ctx, way, why);
}

const struct backend backend_tc_htb = {
	.name = "tc_htb", .rank = 2, .ways = LIMIT_WAY_EGRESS, .users = true, .processes = true,
	.net_cls = true,
	.available = tc_htb_available, .set = tc_htb_set, .remove = tc_htb_remove, .list = tc_htb_list,
};
