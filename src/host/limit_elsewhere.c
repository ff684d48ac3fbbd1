// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_elsewhere.h"

#include <string.h>

#include "host/limit_settle.h"
#include "kernel/netns.h"

/* key NULL, ways 0: only sets right. */
struct leave {
	struct ctx *ctx;
	const struct limit_key *key;
	unsigned int ways;
	int err;
};

static int leave_classes(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	struct limit_settle s;
	int err = limit_settle_begin(ctx, &s);

	s.leaving = key;
	s.leaving_ways = ways;
	if (!err)
		err = limit_settle_run(&s);
	limit_settle_end(&s);
	return err;
}

static void leave_there(void *arg)
{
	struct leave *leave = arg;

	leave->err = leave_classes(leave->ctx, leave->key, leave->ways);
}

static void visit(struct ctx *ctx, uint64_t netns, const struct limit_key *key, unsigned int ways)
{
	struct ctx own;
	struct leave leave = { .ctx = &own, .key = key, .ways = ways };

	ctx_init(&own);
	own.messages = ctx->messages;
	if (!netns_visit(netns, leave_there, &leave))
		warn(ctx, "a network namespace that is out of reach, or gone, may still have classes of limits: run "
		     "`weir limits` there");
	else if (leave.err)
		warn(ctx, "another network namespace still has classes of limits: %s; run `weir limits` there",
		     own.error ? own.error : strerror(-leave.err));
	ctx->warnings += own.warnings;
	ctx_fini(&own);
}

void limit_elsewhere_settle(struct ctx *ctx, const struct limit_places *before, const struct limit_key *key,
			    unsigned int ways)
{
	uint64_t here = netns_cookie(), last = here;
	const struct limit_placed *p, *now;
	struct limit_places after;

	if (limit_places_read(ctx, &after))
		ctx_clear(ctx);
	for (p = before->placed; p < before->placed + before->n; p++) {
		now = limit_places_find(&after, &p->place);
		if (p->place.netns == here || p->place.netns == last || (now && now->flags & LIMIT_PLACE_READY))
			continue;
		last = p->place.netns;
		visit(ctx, last, key, ways);
	}
	limit_places_free(&after);
}

int limit_elsewhere_leave(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	struct limit_places before;
	int err = limit_places_read(ctx, &before);

	if (!err)
		err = leave_classes(ctx, key, ways);
	if (!err)
		limit_elsewhere_settle(ctx, &before, key, ways);
	limit_places_free(&before);
	return err;
}
