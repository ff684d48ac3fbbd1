// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/guard.h"
#include "kernel/dump.h"
#include "kernel/netns.h"
#include "plan/compile.h"

enum { LOCK_WAIT_MS = 10000 };

static void start(struct ctx *ctx, const struct args *args, struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->ctx = ctx;
	s->args = args;
	s->lock = -1;
}

static int open_kernel(struct session *s, bool lock)
{
	struct ctx *ctx = s->ctx;
	int err = netns_inode(ctx, &s->netns_inode);

	if (!err && lock)
		err = netns_lock(ctx, LOCK_WAIT_MS, &s->lock);
	if (!err && lock)
		err = guard_refuse_while_pending(ctx, s->netns_inode);
	if (!err)
		err = state_load(ctx, s->netns_inode, &s->state);
	if (!err)
		err = netlink_open(ctx, &s->nl);
	return err;
}

int session_open(struct ctx *ctx, const struct args *args, bool lock, struct session *s)
{
	start(ctx, args, s);
	return open_kernel(s, lock);
}

void session_close(struct session *s)
{
	arena_free(&s->ops.arena);
	tree_free(s->wanted);
	tree_free(s->present);
	policy_free(s->policy);
	state_free(s->state);
	netlink_close(s->nl);
	if (s->lock >= 0)
		close(s->lock);
}

static bool named(const struct args *args, const char *link)
{
	unsigned int i;

	for (i = 0; i < args->n_links; i++)
		if (!strcmp(args->links[i], link))
			return true;
	return !args->n_links;
}

static int read_policy(struct session *s)
{
	const struct limit *limit;
	const struct link *link;
	unsigned int i;
	int err = conf_read(s->ctx, s->args->file, &s->policy);

	if (err)
		return err;
	limit = s->policy->limits;
	if (limit)
		return fail(s->ctx, EOPNOTSUPP, "%s:%u: this version of weir does not carry out 'limit' yet; "
			    "nothing was changed", limit->loc.file, limit->loc.line);
	for (i = 0; i < s->args->n_links; i++) {
		for (link = s->policy->links; link; link = link->next)
			if (!strcmp(link->name, s->args->links[i]))
				break;
		if (!link)
			return fail(s->ctx, ENOENT, "--link %s: %s has no such link", s->args->links[i],
				    s->args->file);
	}
	return 0;
}

int session_open_file(struct ctx *ctx, const struct args *args, bool lock, struct session *s)
{
	int err;

	start(ctx, args, s);
	err = read_policy(s);
	return err ? err : open_kernel(s, lock);
}

int session_dump(struct session *s)
{
	tree_free(s->present);
	s->present = NULL;
	return kernel_dump(s->ctx, s->nl, NULL, NULL, &s->present);
}

static bool scope_covers(void *arg, const char *link)
{
	return named(((struct session *)arg)->args, link);
}

static bool scope_made_clsact(void *arg, const char *link)
{
	return state_made_clsact(((struct session *)arg)->state, link);
}

/* Somebody has put a root qdisc there since weir's own was. */
static bool root_is_foreign(const struct tree *present, const char *name)
{
	const struct tree_link *link = tree_link_find(present, name);

	return link && tree_root_is_foreign(link);
}

/* What --take-over put aside comes back where no root of weir's is wanted any more. */
static int restore_link(void *arg, const char *name)
{
	struct session *s = arg;
	struct tree_link *link;

	if (!state_has_aside(s->state, name) || !named(s->args, name) ||
	    root_is_foreign(s->present, name))
		return 0;
	link = tree_link_find(s->wanted, name);
	if (link && tree_qdisc_at(link, HANDLE_ROOT))
		return 0;
	if (!link)
		link = tree_link_add(s->wanted, name);
	return link ? state_restore(s->ctx, s->state, s->wanted, link) : oom(s->ctx);
}

int session_plan(struct session *s)
{
	static const struct policy nothing;
	const struct policy *policy = s->policy ? s->policy : &nothing;
	int err = session_dump(s);

	if (!err && policy->links)
		err = kernel_probe(s->ctx, &s->probe);
	if (!err)
		err = plan_compile(s->ctx, policy, s->present, &s->probe, s->args->links,
				   s->policy ? s->args->n_links : 0, &s->wanted);
	if (!err)
		err = state_each(s->state, restore_link, s);
	s->scope = (struct diff_scope){
		.covers = scope_covers, .made_clsact = scope_made_clsact, .arg = s,
		.take_over = s->args->take_over,
	};
	if (!err)
		err = plan_diff(s->ctx, s->present, s->wanted, &s->scope, &s->ops);
	return err;
}

/* ---- what was applied ---- */

struct texts {
	const struct session *s;
	FILE *f;
};

static int add_text(void *arg, const char *link)
{
	struct texts *t = arg;
	const char *text = state_policy(t->s->state, link);

	if (text)
		fputs(text, t->f);
	return 0;
}

int session_applied_policy(struct session *s, struct policy **policy)
{
	struct texts t = { .s = s };
	struct ctx quiet;
	char *text = NULL;
	size_t len = 0;
	int err = 0;

	*policy = NULL;
	t.f = open_memstream(&text, &len);
	if (!t.f)
		return oom(s->ctx);
	state_each(s->state, add_text, &t);
	if (fclose(t.f)) {
		free(text);
		return oom(s->ctx);
	}
	/* its warnings were given when it was applied */
	ctx_init(&quiet);
	quiet.messages = fopen("/dev/null", "w");
	if (len && quiet.messages)
		err = conf_parse(&quiet, "applied", text, len, policy);
	if (err)
		warn(s->ctx, "what was applied last cannot be read back: %s", quiet.error);
	if (quiet.messages)
		fclose(quiet.messages);
	ctx_fini(&quiet);
	free(text);
	return 0;
}
