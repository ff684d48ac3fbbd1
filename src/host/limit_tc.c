// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_tc.h"

#include <errno.h>

#include "host/limit_net_cls.h"
#include "kernel/netlink.h"

static int settle(struct limit_htb *h, const struct limit_tc *tc, const struct routes *routes)
{
	int err;

	if (tc->settle)
		return tc->settle(h, routes);
	err = limit_htb_read(h);
	if (!err)
		err = tc->sweep(h);
	return err ? err : limit_htb_apply(h);
}

/* After a fault, which is the one to tell. */
static void settle_quietly(struct limit_htb *h, const struct limit_tc *tc, const struct routes *routes)
{
	struct ctx *ctx = h->ctx, quiet;

	ctx_init(&quiet);
	h->ctx = &quiet;
	if (settle(h, tc, routes))
		warn(ctx, "putting back: %s", quiet.error ? quiet.error : "failed");
	h->ctx = ctx;
	ctx_fini(&quiet);
}

static int set_one(struct limit_htb *h, const struct limit_tc *tc, const struct routes *routes,
		   const struct limit_wish *wish)
{
	struct limit_wish classed;
	int err = tc->check ? tc->check(h, wish) : 0;

	if (!err)
		err = limit_htb_read(h);
	if (!err)
		err = limit_htb_wish(h, wish, &classed);
	if (err)
		return err;
	err = tc->set(h, routes, &classed);
	if (err)
		settle_quietly(h, tc, routes);
	return err;
}

int limit_tc_set(struct ctx *ctx, const struct limit_tc *tc, const struct limit_wish *wishes, size_t n,
		 unsigned int ways)
{
	struct routes routes;
	struct limit_htb h;
	size_t i;
	int err = limit_htb_begin(ctx, tc->backend, tc->way, tc->major, &h);

	if (!err)
		err = routes_default(ctx, &routes);
	for (i = 0; i < n && !err; i++)
		if (ways & 1u << tc->way && wishes[i].side[tc->way].set)
			err = set_one(&h, tc, &routes, &wishes[i]);
	limit_htb_end(&h);
	return err;
}

int limit_tc_remove(struct ctx *ctx, const struct limit_tc *tc, const struct limit_key *key,
		    unsigned int ways)
{
	const struct routes nowhere = { .n = 0 };
	struct limit_htb h;
	int removed = -ENOENT, err;

	if (!(ways & 1u << tc->way))
		return -ENOENT;
	err = limit_htb_begin(ctx, tc->backend, tc->way, tc->major, &h);
	if (!err) {
		removed = limit_htb_forget(&h, key);
		err = removed && removed != -ENOENT ? removed : settle(&h, tc, &nowhere);
	}
	limit_htb_end(&h);
	return err ? err : removed;
}

/* Without the lock: what somebody else is making now looks like a leftover, too. */
static bool has_leftovers(const struct limit_tc *tc)
{
	struct limit_htb h = {
		.backend = tc->backend, .way = tc->way, .major = tc->major, .lock = -1, .wanted = tree_new(),
	};
	struct ctx quiet;
	bool any;

	ctx_init(&quiet);
	h.ctx = &quiet;
	any = h.wanted && !netlink_open(&quiet, &h.nl) && !limit_htb_read(&h) && !tc->sweep(&h) && h.ops.count;
	limit_htb_end(&h);
	ctx_fini(&quiet);
	return any;
}

static void sweep(struct ctx *ctx, const struct limit_tc *tc)
{
	const struct routes nowhere = { .n = 0 };
	struct limit_htb h;
	struct ctx own;

	ctx_init(&own);
	if (limit_htb_begin(&own, tc->backend, tc->way, tc->major, &h) || settle(&h, tc, &nowhere))
		warn(ctx, "backend %s: what limits have left: %s", tc->backend->name,
		     own.error ? own.error : "failed");
	limit_htb_end(&h);
	ctx_fini(&own);
}

int limit_tc_list(struct ctx *ctx, const struct limit_tc *tc, struct limit_list *list)
{
	if (has_leftovers(tc))
		sweep(ctx, tc);
	return limit_htb_list(ctx, tc->backend, tc->way, tc->major, list);
}

int limit_tc_note(struct limit_htb *h, const struct limit_wish *classed)
{
	return classed->subject == LIMIT_NET_CLS ? limit_net_cls_write(h, classed) :
						   backend_ebpf.set(h->ctx, classed, 1, 1u << h->way);
}

/* ---- availability ---- */

bool limit_tc_has_routes(struct ctx *ctx, char why[BACKEND_WHY])
{
	struct routes routes;

	*why = 0;
	if (!routes_default(ctx, &routes))
		return true;
	snprintf(why, BACKEND_WHY, "%s", ctx->error);
	ctx_clear(ctx);
	return false;
}

bool limit_tc_try(bool (*works)(struct ctx *ctx, const void *arg, char why[APART_WHY]),
		  char why[BACKEND_WHY])
{
	char text[APART_WHY];

	if (apart_try(works, NULL, text))
		return true;
	snprintf(why, BACKEND_WHY, "%s", text);
	return false;
}
