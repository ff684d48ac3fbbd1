// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/transaction.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cgroups.h"
#include "cmd/file_limits.h"
#include "host/limit_settle.h"
#include "kernel/apply.h"

enum { ROLLBACK_TRIES = 3 };

/* ---- limits in the trees of links ---- */

/* Theirs are not the links' affairs: they hold by other means until the next command. */
static void settle_limits(struct session *s)
{
	struct ctx own;

	ctx_init(&own);
	own.messages = s->ctx->messages;
	if (limits_settle(&own, s->present))
		warn(s->ctx, "classes of limits: %s", own.error ? own.error : "failed");
	s->ctx->warnings += own.warnings;
	ctx_fini(&own);
}

/* ---- rollback ---- */

struct touched {
	const struct ops *ops;
};

static bool touches(void *arg, const char *name)
{
	const struct op *op;

	for (op = ((struct touched *)arg)->ops->first; op; op = op->next)
		if (!strcmp(tree_policy_link(op->link), name))
			return true;
	return false;
}

static bool added_clsact(void *arg, const char *name)
{
	const struct op *op;

	for (op = ((struct touched *)arg)->ops->first; op; op = op->next)
		if (op->verb == OP_ADD && op->obj->parent == HANDLE_CLSACT && !strcmp(op->link->name, name))
			return true;
	return false;
}

/* Leaves out the links that the plan did not touch: what others do there is not ours to undo. */
static void keep_touched(struct tree *tree, struct touched *touched)
{
	struct tree_link **at = &tree->links;

	while (*at) {
		if (touches(touched, tree_policy_link(*at)))
			at = &(*at)->next;
		else
			*at = (*at)->next;
	}
}

/* An interface that was removed comes back with another index. */
static void renumber(struct tree *before, const struct tree *now)
{
	const struct tree_link *there;
	struct tree_link *link;

	for (link = before->links; link; link = link->next) {
		there = tree_link_find(now, link->name);
		link->ifindex = there ? there->ifindex : 0;
	}
}

static void list_leftovers(struct session *s, const struct ops *left)
{
	const struct op *op;
	char text[128];

	for (op = left->first; op; op = op->next)
		warn(s->ctx, "could not be put back: %s", op_object_text(op, text, sizeof(text)));
}

/* One round: dump, diff to before, apply. Returns how many operations were needed, or -errno. */
static int rollback_round(struct session *s, struct ctx *ctx, struct tree *before,
			  const struct diff_scope *scope, bool last)
{
	struct tree *now = NULL;
	struct ops ops = { 0 };
	int err = session_read(s, ctx, &now);

	if (!err) {
		renumber(before, now);
		err = plan_diff(ctx, now, before, scope, &ops);
	}
	if (!err && ops.count && !last)
		err = limits_leave(ctx, now, &ops);
	if (!err && ops.count && !last)
		err = kernel_apply(ctx, s->nl, &ops);
	if (!err && last)
		list_leftovers(s, &ops);
	if (!err)
		err = (int)ops.count;
	arena_free(&ops.arena);
	tree_free(now);
	return err;
}

/* Before the links are: some of what limits have is in the way of those. What takes the links' trees
 * has its turn when they are back. */
static int put_limits_back_early(struct session *s)
{
	struct ctx quiet;
	int err = 0;

	ctx_init(&quiet);
	quiet.messages = fopen("/dev/null", "w");
	if (quiet.messages) {
		err = file_limits_put_back(s, &quiet);
		fclose(quiet.messages);
	} else {
		err = -EIO;
	}
	ctx_fini(&quiet);
	return err;
}

int transaction_rollback(struct session *s, struct tree *before, const struct ops *ops,
			 const struct state *state_before)
{
	struct touched touched = { ops };
	struct diff_scope scope = {
		.covers = touches, .made_clsact = added_clsact, .arg = &touched, .take_over = true,
	};
	int n = -EIO, tries, limits = put_limits_back_early(s);
	struct ctx ctx;

	keep_touched(before, &touched);
	cgroups_keep_touched(before, ops);
	for (tries = 0; tries <= ROLLBACK_TRIES && n; tries++) {
		/* the fault that led here is the one to tell; these are only warned of */
		ctx_init(&ctx);
		n = rollback_round(s, &ctx, before, &scope, tries == ROLLBACK_TRIES);
		if (n < 0)
			warn(s->ctx, "putting back: %s", ctx.error);
		ctx_fini(&ctx);
	}
	if (limits)
		limits = file_limits_put_back(s, s->ctx);
	settle_limits(s);
	if (!n && state_before) {
		state_free(s->state);
		s->state = state_dup(state_before);
		ctx_init(&ctx);
		if (!s->state || state_save(&ctx, s->state))
			warn(s->ctx, "putting back: %s", ctx.error ? ctx.error : "out of memory");
		ctx_fini(&ctx);
	}
	return n ? -EIO : limits;
}

/* ---- what is remembered ---- */

/* The link whose root, of somebody else's, this operation replaces; an IFB goes as a whole. */
static const struct tree_link *taken_over(const struct session *s, const struct op *op)
{
	const struct tree_link *link;

	if ((op->verb != OP_REPLACE && op->verb != OP_ADD) || op->obj->type != OBJ_QDISC ||
	    op->obj->handle != HANDLE(WEIR_MAJOR, 0) || op->link->ours)
		return NULL;
	link = tree_link_find(s->present, op->link->name);
	return link && tree_root_is_foreign(link) ? link : NULL;
}

/* Written before the first change: should the process be killed, what it had begun is known. */
static int remember_intent(struct session *s)
{
	const struct tree_link *aside;
	const struct op *op;
	int err = cgroups_remember_intent(s);

	for (op = s->ops.first; op && !err; op = op->next) {
		if (op->verb == OP_ADD && op->obj->parent == HANDLE_CLSACT)
			err = state_set_made_clsact(s->ctx, s->state, op->link->name, true);
		aside = taken_over(s, op);
		if (!err && aside)
			err = state_put_aside(s->ctx, s->state, op->link->name, aside);
	}
	if (!err)
		err = file_limits_remember_intent(s);
	return err ? err : state_save(s->ctx, s->state);
}

static char *link_text(const struct link *link)
{
	struct link copy = *link;
	const struct policy one = { .links = &copy };

	copy.next = NULL;
	return conf_text(&one);
}

static int remember_links(struct session *s)
{
	const struct link *link;
	char *text;
	int err = 0;

	for (link = s->policy ? s->policy->links : NULL; link && !err; link = link->next) {
		if (!tree_link_find(s->wanted, link->name))
			continue;
		text = link_text(link);
		err = text ? state_set_policy(s->ctx, s->state, link->name, text) : oom(s->ctx);
		free(text);
	}
	return err;
}

static int collect_gone(void *arg, const char *name)
{
	struct session *s = arg;
	const struct tree_link *w = tree_link_find(s->wanted, name), *now;
	const struct obj *root = w ? tree_qdisc_at(w, HANDLE_ROOT) : NULL;
	bool has_policy = false;
	const struct link *link;

	if (!s->scope.covers(s->scope.arg, name))
		return 0;
	for (link = s->policy ? s->policy->links : NULL; link; link = link->next)
		has_policy |= !strcmp(link->name, name);
	if (!has_policy)
		state_set_policy(s->ctx, s->state, name, NULL);
	if (!root || root->handle != HANDLE(WEIR_MAJOR, 0))
		state_put_aside(s->ctx, s->state, name, NULL);
	now = tree_link_find(s->present, name);
	if (!now || !tree_qdisc_at(now, HANDLE_CLSACT))
		state_set_made_clsact(s->ctx, s->state, name, false);
	return 0;
}

/* After success; s->present is the dump that was verified. */
static int remember_result(struct session *s)
{
	int err = remember_links(s);

	if (!err)
		err = cgroups_remember(s);
	if (!err)
		err = file_limits_remember(s);
	if (!err)
		err = state_each(s->state, collect_gone, s);
	state_tidy(s->state);
	return err ? err : state_save(s->ctx, s->state);
}

/* ---- the run ---- */

/* Dumps again: the difference must be empty. The new dump takes the place of *present. */
static int verify(struct session *s, struct tree **now)
{
	struct ops left = { 0 };
	char text[128];
	int err = session_read(s, s->ctx, now);

	if (!err)
		err = plan_diff(s->ctx, *now, s->wanted, &s->scope, &left);
	if (!err && left.count)
		err = fail(s->ctx, EIO, "%s: the kernel took the change, but holds something else",
			   op_object_text(left.first, text, sizeof(text)));
	arena_free(&left.arena);
	return err;
}

static int run(struct session *s, const struct state *state_before)
{
	struct tree *now = NULL, *before = s->present;
	int err = limits_leave(s->ctx, s->present, &s->ops);

	if (!err)
		err = kernel_apply(s->ctx, s->nl, &s->ops);
	if (!err)
		err = verify(s, &now);
	if (!err)
		err = file_limits_apply(s);
	if (!err) {
		settle_limits(s);
		s->present = now;
		err = remember_result(s);
		s->present = before;
	}
	tree_free(now);
	if (err && !transaction_rollback(s, before, &s->ops, state_before))
		fail_add(s->ctx, "; everything is as it was before");
	else if (err)
		fail_add(s->ctx, "; not everything could be put back");
	return err;
}

/* Whether rollback could not attach again what this operation takes away. */
static bool has_no_way_back(const struct op *op)
{
	const struct obj *f = op->old;

	return f && f->type == OBJ_FILTER && !strcmp(f->kind_name, "bpf") && !f->prog_fd &&
	       tree_obj_is_weirs(op->link, f);
}

/* A program of which no descriptor can be had, once replaced, is lost: an error would leave the rules
 * that were given up. To be without any is what `down` is for, error or not. */
static int check_way_back(struct session *s)
{
	const struct op *op;
	char text[128];

	for (op = s->ops.first; op && !has_no_way_back(op); op = op->next)
		;
	if (!op)
		return 0;
	op_object_text(op, text, sizeof(text));
	if (s->policy)
		return fail(s->ctx, EPERM, "%s: could not be put back on an error without CAP_SYS_ADMIN", text);
	warn(s->ctx, "%s: could not be put back on an error without CAP_SYS_ADMIN", text);
	return 0;
}

int transaction_run(struct session *s)
{
	struct state *state_before;
	sigset_t wait, before;
	int err;

	if (!s->ops.count && !s->limits.count) {
		settle_limits(s);
		return remember_result(s);
	}
	err = check_way_back(s);
	if (err)
		return err;
	state_before = state_dup(s->state);
	if (!state_before)
		return oom(s->ctx);
	sigemptyset(&wait);
	sigaddset(&wait, SIGINT);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGHUP);
	sigaddset(&wait, SIGPIPE);
	sigaddset(&wait, SIGQUIT);
	sigaddset(&wait, SIGTSTP);	/* it would stop half-way, with the lock */
	sigprocmask(SIG_BLOCK, &wait, &before);
	err = remember_intent(s);
	if (!err)
		err = run(s, state_before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	state_free(state_before);
	return err;
}
