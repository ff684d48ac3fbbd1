// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cgroups.h"
#include "cmd/file_limits.h"
#include "cmd/guard.h"
#include "host/resolve.h"
#include "kernel/dump.h"
#include "kernel/net_cls.h"
#include "kernel/netns.h"
#include "plan/classifier.h"
#include "plan/compile.h"
#include "plan/net_cls.h"

enum { LOCK_WAIT_MS = 10000 };

static int start(struct ctx *ctx, const struct args *args, struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->ctx = ctx;
	s->args = args;
	s->lock = -1;
	return cgroups_find(ctx, &s->cgroups);
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
	int err = start(ctx, args, s);

	return err ? err : open_kernel(s, lock);
}

void session_close(struct session *s)
{
	limit_ops_free(&s->limits);
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

/* gone: what is not there any more does not hinder. */
static int resolve(struct session *s, struct ctx *ctx, struct policy *policy, bool gone)
{
	const struct resolve how = {
		.cgroups = &s->cgroups, .only = s->args->links, .gone = gone,
		.n_only = gone ? 0 : s->args->n_links,
	};

	return host_resolve(ctx, &how, policy);
}

static int read_policy(struct session *s)
{
	const struct link *link;
	unsigned int i;
	int err = conf_read(s->ctx, s->args->file, &s->policy);

	if (err)
		return err;
	for (i = 0; i < s->args->n_links; i++) {
		for (link = s->policy->links; link; link = link->next)
			if (!strcmp(link->name, s->args->links[i]))
				break;
		if (!link)
			return fail(s->ctx, ENOENT, "--link %s: %s has no such link", s->args->links[i],
				    s->args->file);
	}
	return resolve(s, s->ctx, s->policy, false);
}

int session_open_file(struct ctx *ctx, const struct args *args, bool lock, struct session *s)
{
	int err = start(ctx, args, s);

	if (!err)
		err = read_policy(s);
	return err ? err : open_kernel(s, lock);
}

/* Classids are read where the policy or what is remembered has to do with them. */
int session_read(struct session *s, struct ctx *ctx, struct tree **tree)
{
	bool net_cls = *s->cgroups.net_cls && (state_has_cgroups(s->state) ||
					       (s->policy && net_cls_needed(s->policy)));
	int err = kernel_dump(ctx, s->nl, NULL, NULL, tree);

	return err || !net_cls ? err : net_cls_read(ctx, s->cgroups.net_cls, *tree);
}

int session_dump(struct session *s)
{
	tree_free(s->present);
	s->present = NULL;
	return session_read(s, s->ctx, &s->present);
}

static bool has_bpf(const struct probe *probe)
{
	const struct classifier *bpf = classifier_find("bpf");
	char why[200];

	return bpf && !bpf->is_there(probe, why, sizeof(why));
}

/* tc(8) has no words for what a program holds: its commands are those of the kernel's own filters. */
static void avoid_bpf(struct session *s)
{
	struct link *link;

	snprintf(s->probe.no_bpf, sizeof(s->probe.no_bpf), "tc(8) has no words for it");
	for (link = s->policy->links; link; link = link->next)
		if (link->classifier == CLASSIFIER_BPF)
			link->classifier = CLASSIFIER_AUTO;
}

static int probe(struct session *s, struct ctx *ctx)
{
	const struct link *link;

	for (link = s->policy->links; link; link = link->next)
		if (link->ingress && named(s->args, link->name))
			return kernel_probe_with_ifb(ctx, &s->probe);
	return kernel_probe(ctx, &s->probe);
}

int session_compile(struct session *s, struct ctx *ctx, const char *const *only, unsigned int n_only)
{
	static const struct policy nothing;
	const struct net_cls *net_cls = NULL;
	int err = 0;

	if (s->policy && s->policy->links) {
		if (!s->probe.done)
			err = probe(s, ctx);
		if (s->args->tc)
			avoid_bpf(s);
		if (!err)
			err = net_cls_assign(ctx, s->policy, s->present, has_bpf(&s->probe), &net_cls);
	}
	if (!err)
		err = plan_compile(ctx, s->policy ? s->policy : &nothing, s->present, &s->probe, only,
				   s->policy ? n_only : 0, &s->wanted);
	return err ? err : net_cls_want(ctx, net_cls, only, n_only, s->present, s->wanted);
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

/* Whether what was applied to the link last has a program of weir's at XDP. */
static bool remembers_xdp(const struct policy *applied, const char *name)
{
	const struct link *link;

	for (link = applied ? applied->links : NULL; link; link = link->next)
		if (!strcmp(link->name, name))
			return link->xdp != XDP_OFF;
	return false;
}

/* A program at XDP that may be weir's or not: it stays, which is what was wanted only of another's. */
static int check_unknown_xdp(struct session *s, const struct policy *applied, const struct tree_link *link)
{
	const struct tree_link *w = tree_link_find(s->wanted, link->name);
	bool remembered = remembers_xdp(applied, link->name), wanted = w && w->xdp;

	if (wanted && remembered)
		return 0;
	if (remembered || (s->args->action && !strcmp(s->args->action, "detach")))
		return fail(s->ctx, EPERM, "%s: whether program id %u at XDP is weir's, to take it away, takes "
			    "CAP_SYS_ADMIN to tell", link->name, link->xdp->prog_id);
	warn(s->ctx, "%s: program id %u at XDP stays: whose it is takes CAP_SYS_ADMIN to tell", link->name,
	     link->xdp->prog_id);
	return 0;
}

static int check_xdp(struct session *s)
{
	const struct tree_link *link;
	struct policy *applied = NULL;
	bool have_read = false;
	int err = 0;

	for (link = s->present->links; link && !err; link = link->next) {
		if (!link->xdp || link->xdp->known || !named(s->args, link->name))
			continue;
		if (!have_read)
			err = session_applied_policy(s, &applied);
		have_read = true;
		if (!err)
			err = check_unknown_xdp(s, applied, link);
	}
	policy_free(applied);
	return err;
}

int session_plan(struct session *s)
{
	int err = session_dump(s);

	if (!err && file_limits_sweep(s))
		err = session_dump(s);
	if (!err)
		err = session_compile(s, s->ctx, s->args->links, s->args->n_links);
	if (!err)
		err = state_each(s->state, restore_link, s);
	s->scope = (struct diff_scope){
		.covers = scope_covers, .made_clsact = scope_made_clsact,
		.cgroup_owner = cgroups_owner, .arg = s, .take_over = s->args->take_over,
	};
	if (!err)
		err = plan_diff(s->ctx, s->present, s->wanted, &s->scope, &s->ops);
	if (!err)
		err = check_xdp(s);
	return err ? err : file_limits_plan(s, s->ctx);
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
	file_limits_print(s, t.f);
	if (fclose(t.f)) {
		free(text);
		return oom(s->ctx);
	}
	/* its warnings were given when it was applied */
	ctx_init(&quiet);
	quiet.messages = fopen("/dev/null", "w");
	if (len && quiet.messages)
		err = conf_parse(&quiet, "applied", text, len, policy);
	if (quiet.messages)
		fclose(quiet.messages);
	quiet.messages = s->ctx->messages;
	if (*policy)
		err = resolve(s, &quiet, *policy, true);
	if (err)
		warn(s->ctx, "what was applied last cannot be read back: %s", quiet.error);
	ctx_fini(&quiet);
	free(text);
	return 0;
}

int session_check_names(struct session *s)
{
	unsigned int i;

	for (i = 0; i < s->args->n_links; i++)
		if (!tree_link_find(s->present, s->args->links[i]) &&
		    !state_policy(s->state, s->args->links[i]))
			return fail(s->ctx, ENODEV, "%s: no such interface", s->args->links[i]);
	return 0;
}
