// SPDX-License-Identifier: GPL-2.0-or-later
/* weir apply: the plan, carried out. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "cmd/guard.h"
#include "cmd/session.h"
#include "cmd/transaction.h"
#include "kernel/netns.h"
#include "view/plan.h"

int cmd_apply(struct ctx *ctx, const struct args *args);

enum { LOCK_WAIT_MS = 30000 };

struct apply {
	struct session s;
	struct state *state_before;
};

static void release_lock(struct session *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

static int put_back(struct ctx *ctx, struct apply *a)
{
	if (transaction_rollback(&a->s, a->s.present, &a->s.ops, a->state_before))
		return fail(ctx, EIO, "not everything could be put back; see `weir show`");
	return 0;
}

/* Whoever cannot read that the change awaits confirmation will not confirm it. */
static int report(struct ctx *ctx, struct apply *a)
{
	struct session *s = &a->s;
	int err = view_applied(ctx, stdout, &s->ops, &s->limits, netlink_mutations(s->nl), s->args->json);

	if (!err && s->args->confirm_s && (fflush(stdout) || ferror(stdout))) {
		err = fail(ctx, EIO, "standard output could not be written; the change was undone");
		put_back(ctx, a);
	}
	return err;
}

/* Not what auto promises at best: to be read where the change is made, too. */
static void warn_fallen_back(struct session *s)
{
	const struct tree_link *link;

	for (link = s->wanted->links; link; link = link->next)
		if (link->classifier && link->why_classifier)
			warn(s->ctx, "%s: classifier %s; bpf cannot be had: %s", link->name, link->classifier,
			     link->why_classifier);
}

static int carry_out(struct ctx *ctx, void *arg)
{
	struct apply *a = arg;
	struct session *s = &a->s;
	int err = session_plan(s);

	if (!err)
		warn_fallen_back(s);
	if (!err && s->args->confirm_s) {
		a->state_before = state_dup(s->state);
		if (!a->state_before)
			err = oom(ctx);
	}
	if (!err)
		err = transaction_run(s);
	if (!err)
		err = report(ctx, a);
	if (!err)
		release_lock(s);
	return err;
}

static int undo(struct ctx *ctx, void *arg)
{
	struct apply *a = arg;
	int err = netns_lock(ctx, LOCK_WAIT_MS, &a->s.lock);

	return err ? err : put_back(ctx, a);
}

static int guarded(struct ctx *ctx, struct apply *a)
{
	uint64_t seconds = a->s.args->confirm_s;
	int err = guard_run(ctx, a->s.netns_inode, seconds, carry_out, undo, a);

	if (!err)
		fprintf(stderr, "weir: applied; undone in %" PRIu64 " s unless `weir confirm` comes\n", seconds);
	return err;
}

int cmd_apply(struct ctx *ctx, const struct args *args)
{
	struct apply a = { 0 };
	int err = session_open_file(ctx, args, true, &a.s);

	if (!err)
		err = args->confirm_s ? guarded(ctx, &a) : carry_out(ctx, &a);
	state_free(a.state_before);
	session_close(&a.s);
	return err ? err : EXIT_DONE;
}
