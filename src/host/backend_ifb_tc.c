// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Downloads queued by tc: what comes in by the interfaces with a default route goes through an IFB with
 * an HTB, a class a limit; what is under no limit is passed on unshaped. The BPF classifier at clsact's
 * ingress looks up the socket that a packet is for, and stamps the class by its cgroup or its user.
 *
 * A packet that several limits hold for gets the class of the innermost cgroup, else of the user. Sockets
 * of processes cannot be told there.
 */
#include "host/backend.h"

#include <errno.h>
#include <string.h>

#include "host/limit_net_cls.h"
#include "host/limit_rules.h"
#include "host/limit_tc.h"
#include "kernel/netlink.h"

#define IFB "weir-limits"

/* ---- the program ---- */

static const struct ruleset_hook where = {
	.what = "limits: ingress", .ingress = true, .ethernet = true,
};

static int make_program(struct limit_htb *h, struct program **program)
{
	return limit_rules_program(h, &where, NULL, program);
}

/* ---- hooks ---- */

static const struct obj *find_filter(const struct tree_link *link)
{
	const struct obj *f = limit_rules_find(link, LIMIT_PRIO_IFB);

	return f ? f : limit_rules_find(link, LIMIT_PRIO_IFB_HOST);
}

static int hook_link(struct limit_htb *h, const struct tree_link *link, const struct program *program)
{
	const struct obj *old = find_filter(link);
	bool made = false;
	int err = limit_rules_clsact(h, link, &made);

	return err ? err : limit_rules_filter(h, link, old ? old->prio : made ? LIMIT_PRIO_IFB_HOST : LIMIT_PRIO_IFB,
					      program, IFB);
}

/* Puts the rules of all limits on the interfaces with a default route, and on those that had them. */
static int hook(struct limit_htb *h, const struct routes *routes)
{
	const struct tree_link *link;
	struct program *program;
	unsigned int i;
	int err = make_program(h, &program);
	bool wanted;

	for (link = h->present->links; link && !err; link = link->next) {
		wanted = find_filter(link);
		for (i = 0; i < routes->n; i++)
			wanted |= !strcmp(routes->dev[i], link->name);
		if (wanted)
			err = hook_link(h, link, program);
	}
	return err ? err : limit_htb_apply(h);
}

/* Operations that take everything away. */
static int unhook(struct limit_htb *h)
{
	const struct tree_link *link;
	const struct obj *f;
	int err = 0;

	for (link = h->present->links; link && !err; link = link->next) {
		f = find_filter(link);
		if (f)
			err = limit_htb_op(h, link, OP_DEL, f, NULL);
		if (!err && f && f->prio == LIMIT_PRIO_IFB_HOST)
			err = limit_rules_no_clsact(h, link);
	}
	link = tree_link_find(h->present, IFB);
	return err || !link ? err : limit_htb_op(h, link, OP_LINK_DEL, NULL, NULL);
}

static int sweep(struct limit_htb *h)
{
	return limit_rules_any(h) ? limit_htb_sweep(h) : unhook(h);
}

/* Makes hooks and classes what the limits need. */
static int settle(struct limit_htb *h, const struct routes *routes)
{
	int err = limit_htb_read(h);

	if (!err && limit_rules_any(h)) {
		err = hook(h, routes);
		if (!err)
			err = limit_htb_read(h);
	}
	if (!err)
		err = sweep(h);
	return err ? err : limit_htb_apply(h);
}

/* ---- setting ---- */

static int add_ifb(struct limit_htb *h)
{
	struct tree_link *link = tree_link_add(h->wanted, IFB);
	int err;

	if (!link)
		return oom(h->ctx);
	link->kind = "ifb";
	link->alias = "weir limits";
	err = limit_htb_op(h, link, OP_LINK_ADD, NULL, NULL);
	return err ? err : limit_htb_apply(h);
}

static int make_class(struct limit_htb *h, const struct limit_wish_side *side)
{
	struct tree_link *link;
	int err = 0;

	if (!tree_link_find(h->present, IFB)) {
		err = add_ifb(h);
		if (!err)
			err = limit_htb_read(h);
	}
	if (err)
		return err;
	link = tree_link_find(h->present, IFB);
	if (!link)
		return fail(h->ctx, ENODEV, IFB ": the interface has disappeared");
	err = limit_htb_make_class(h, link, side->priority, side->rate_bit);
	return err ? err : limit_htb_apply(h);
}

static int set(struct limit_htb *h, const struct routes *routes, const struct limit_wish *classed)
{
	int err = make_class(h, &classed->side[LIMIT_INGRESS]);

	if (!err)
		err = limit_tc_note(h, classed);
	return err ? err : settle(h, routes);
}

static const struct limit_tc tc = {
	.backend = &backend_ifb_tc, .way = LIMIT_INGRESS, .major = LIMIT_MAJOR_INGRESS,
	.check = limit_rules_check, .set = set, .sweep = sweep, .settle = settle,
};

static int ifb_tc_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	return limit_tc_set(ctx, &tc, wishes, n, ways);
}

static int ifb_tc_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	return limit_tc_remove(ctx, &tc, key, ways);
}

static int ifb_tc_list(struct ctx *ctx, struct limit_list *list)
{
	return limit_tc_list(ctx, &tc, list);
}

/* ---- availability ---- */

static bool works(struct ctx *ctx, const void *arg, char why[APART_WHY])
{
	struct limit_htb h = { .ctx = ctx, .lock = -1, .wanted = tree_new() };
	int err = h.wanted ? netlink_open(ctx, &h.nl) : oom(ctx);

	(void)arg;
	if (!err)
		err = add_ifb(&h);
	if (err)
		snprintf(why, APART_WHY, "the kernel has no IFB (ifb): %s",
			 ctx->error ? ctx->error : strerror(-err));
	limit_htb_end(&h);
	return !err;
}

static bool ifb_tc_available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	return limit_tc_has_routes(ctx, why) && limit_tc_try(works, why) &&
	       limit_rules_try(ctx, &where, why) && limit_htb_can_tell(ctx, way, why);
}

const struct backend backend_ifb_tc = {
	.name = "ifb_tc", .rank = 2, .ways = LIMIT_WAY_INGRESS, .users = true, .net_cls = true,
	.available = ifb_tc_available, .set = ifb_tc_set, .remove = ifb_tc_remove, .list = ifb_tc_list,
};
