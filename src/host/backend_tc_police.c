// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Downloads policed by tc: at clsact's ingress of the interfaces with a default route, a filter a limit,
 * whose program matches what sockets under the limit are sent, IPv4 and IPv6, and whose action drops what is
 * above the rate. Where several limits hold for a packet, it passes when all of them let it.
 *
 * For a few limits: each looks at each packet that comes. What is dropped is sent again; it is the
 * last choice, for kernels that have nothing better.
 */
#include "host/backend.h"

#include <errno.h>
#include <string.h>

#include "host/limit_rules.h"
#include "host/limit_tc.h"
#include "kernel/netlink.h"

/* Two of the largest packets: GRO makes them of what comes in. */
enum { BURST_MIN = 2 * 65536 };

static const struct ruleset_hook where = {
	.what = "limits: police", .ingress = true, .ethernet = true, .filter = true,
};

/* ---- filters ---- */

/* Which limit's it is by its minor, 0: none's. */
static uint32_t minor_of(const struct obj *f)
{
	uint32_t n = f->prio;

	if (f->parent != HANDLE_INGRESS || !f->kind || strcmp(f->kind_name, "bpf"))
		return 0;
	n -= n > LIMIT_PRIO_POLICE_HOST ? LIMIT_PRIO_POLICE_HOST : LIMIT_PRIO_POLICE;
	return n <= LIMIT_POLICE_LIMITS ? n : 0;
}

static const struct obj *find_filter(const struct tree_link *link, uint32_t minor)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (minor_of(f) == minor)
			return f;
	return NULL;
}

static int police_link(struct limit_htb *h, const struct tree_link *link, const struct limit_report *r)
{
	const struct limit_wish_side *side = &r->side[LIMIT_INGRESS].wish;
	uint64_t burst = (uint64_t)((double)side->rate_bit / 8e9 * (double)side->burst_ns);
	uint32_t minor = HANDLE_MINOR(side->priority);
	const struct obj *old = find_filter(link, minor);
	struct program *program;
	bool made = false;
	int err = limit_rules_program(h, &where, r, &program);

	if (!err)
		err = limit_rules_clsact(h, link, &made);
	if (err)
		return err;
	return limit_rules_police(h, link, (uint16_t)(old ? old->prio : minor + (made ? LIMIT_PRIO_POLICE_HOST :
						      LIMIT_PRIO_POLICE)),
				  program, side->rate_bit, burst < BURST_MIN ? BURST_MIN : burst);
}

static int police(struct limit_htb *h, const struct routes *routes, const struct limit_report *r)
{
	const struct tree_link *link;
	unsigned int i;
	int err = 0;

	for (i = 0; i < routes->n && !err; i++) {
		link = tree_link_find(h->present, routes->dev[i]);
		err = link ? police_link(h, link, r) :
		      fail(h->ctx, ENODEV, "%s: the interface has disappeared", routes->dev[i]);
	}
	return err ? err : limit_htb_apply(h);
}

/* ---- taking away ---- */

static bool is_used(const struct limit_htb *h, uint32_t minor)
{
	size_t i;

	for (i = 0; i < h->list.n; i++)
		if (h->list.reports[i].side[LIMIT_INGRESS].wish.priority == HANDLE(h->major, minor))
			return true;
	return false;
}

static int sweep_link(struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *f;
	bool host = false;
	int err = 0;

	for (f = link->objs[OBJ_FILTER]; f && !err; f = f->next) {
		if (!minor_of(f) || is_used(h, minor_of(f)))
			continue;
		host |= f->prio > LIMIT_PRIO_POLICE_HOST;
		err = limit_htb_op(h, link, OP_DEL, f, NULL);
	}
	return err || !host ? err : limit_rules_no_clsact(h, link);
}

static int sweep(struct limit_htb *h)
{
	const struct tree_link *link;
	int err = 0;

	for (link = h->present->links; link && !err; link = link->next)
		err = sweep_link(h, link);
	return err;
}

/* ---- the backend ---- */

/* What it is to be, as it will be read back. */
static int make_report(struct limit_htb *h, const struct limit_wish *classed)
{
	struct limit_key key;
	struct limit_report *r;
	int level, err = limit_resolve(h->ctx, classed->subject, classed->name, &key, &level);

	if (err)
		return err;
	r = (struct limit_report *)limit_list_find(&h->list, key);
	if (!r)
		r = limit_list_add(&h->list);
	if (!r)
		return oom(h->ctx);
	r->subject = classed->subject;
	r->key = key;
	r->name = classed->name;
	r->side[LIMIT_INGRESS].wish = classed->side[LIMIT_INGRESS];
	if (!r->side[LIMIT_INGRESS].wish.burst_ns)
		r->side[LIMIT_INGRESS].wish.burst_ns = LIMIT_BURST_NS;
	return (int)(r - h->list.reports);
}

static int set(struct limit_htb *h, const struct routes *routes, const struct limit_wish *classed)
{
	int err, i;

	if (HANDLE_MINOR(classed->side[LIMIT_INGRESS].priority) > LIMIT_POLICE_LIMITS)
		return fail(h->ctx, ENOSPC, "backend %s: more than %d limits", h->backend->name,
			    LIMIT_POLICE_LIMITS);
	i = make_report(h, classed);
	err = i < 0 ? i : police(h, routes, &h->list.reports[i]);
	return err ? err : limit_tc_note(h, classed);
}

static const struct limit_tc tc = {
	.backend = &backend_tc_police, .way = LIMIT_INGRESS, .major = LIMIT_MAJOR_POLICE,
	.check = limit_rules_check, .set = set, .sweep = sweep,
};

static int tc_police_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	return limit_tc_set(ctx, &tc, wishes, n, ways);
}

static int tc_police_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	return limit_tc_remove(ctx, &tc, key, ways);
}

/* What passes is what the programs of `ebpf` count behind it. */
static int tc_police_list(struct ctx *ctx, struct limit_list *list)
{
	return limit_tc_list(ctx, &tc, list);
}

/* ---- availability ---- */

static bool works(struct ctx *ctx, const void *arg, char why[APART_WHY])
{
	struct limit_htb h = { .ctx = ctx, .lock = -1, .wanted = tree_new() };
	int err = h.wanted ? netlink_open(ctx, &h.nl) : oom(ctx);
	struct program *program;
	struct tree_link *lo;

	(void)arg;
	lo = err ? NULL : tree_link_add(h.wanted, "lo");
	if (!err && !lo)
		err = oom(ctx);
	if (!err)
		err = limit_rules_program(&h, &where, NULL, &program);
	if (!err)
		err = limit_htb_op(&h, lo, OP_ADD, NULL, limit_htb_make(&h, OBJ_QDISC, "clsact", HANDLE_CLSACT,
									HANDLE(0xffff, 0)));
	if (!err)
		err = limit_rules_police(&h, lo, LIMIT_PRIO_POLICE + 1, program, 1000000, BURST_MIN);
	if (!err)
		err = limit_htb_apply(&h);
	if (err)
		snprintf(why, APART_WHY, "the kernel cannot police by programs (act_police, cls_bpf): %s",
			 ctx->error ? ctx->error : strerror(-err));
	limit_htb_end(&h);
	return !err;
}

static bool tc_police_available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	return limit_tc_has_routes(ctx, why) && limit_rules_try(ctx, &where, why) &&
	       backend_ebpf.available(ctx, way, why) && limit_tc_try(works, why);
}

const struct backend backend_tc_police = {
	.name = "tc_police", .rank = 1, .ways = LIMIT_WAY_INGRESS, .users = true,
	.available = tc_police_available, .set = tc_police_set, .remove = tc_police_remove,
	.list = tc_police_list,
};
