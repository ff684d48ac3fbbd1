// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weir xdp: `xdp` of a link, changed without its file, and how it is doing.
 *
 * To attach is to apply what was applied to the link last with `xdp` in it: one way leads to the kernel,
 * and what the link has stays what is remembered.
 */
#include <errno.h>
#include <string.h>

#include "cmd/hand_limits.h"
#include "cmd/session.h"
#include "cmd/transaction.h"
#include "kernel/apply.h"
#include "lib/near.h"
#include "view/plan.h"
#include "view/xdp.h"

int cmd_xdp(struct ctx *ctx, const struct args *args);

static const struct tree_link *find_link(struct session *s)
{
	const struct tree_link *link = tree_link_find(s->present, s->args->links[0]);

	if (!link)
		fail(s->ctx, ENODEV, "%s: no such interface", s->args->links[0]);
	return link;
}

/* ---- attach, detach ---- */

static enum xdp_choice choice_of(const struct args *args)
{
	if (!strcmp(args->action, "detach"))
		return XDP_OFF;
	if (!args->mode)
		return XDP_AUTO;
	return !strcmp(args->mode, "native") ? XDP_NATIVE : XDP_GENERIC;
}

static struct link *applied_link(struct session *s)
{
	struct link *link;

	for (link = s->policy ? s->policy->links : NULL; link; link = link->next)
		if (!strcmp(link->name, s->args->links[0]))
			break;
	return link;
}

static int check_link(struct session *s, const struct link *link)
{
	const char *name = s->args->links[0];

	if (!link)
		return fail(s->ctx, ENOENT, "%s: weir does not shape it, or does not remember what was applied; "
			    "say 'xdp on' in its link block and apply that", name);
	if (!link->ingress)
		return fail(s->ctx, EINVAL, "%s: XDP is for what comes in, and its ingress is not shaped", name);
	if (link->classifier == CLASSIFIER_KERNEL)
		return fail(s->ctx, EINVAL, "%s: XDP needs the bpf classifier, and 'classifier kernel' was applied",
			    name);
	return 0;
}

static int carry_out(struct session *s, int (*run)(struct session *s))
{
	int err;

	if (s->args->dry_run)
		return s->args->json ? view_plan_json(s->ctx, stdout, s->wanted, &s->ops, NULL) :
				       view_plan(s->ctx, stdout, s->wanted, &s->ops, NULL, s->args->color);
	err = run(s);
	return err ? err : view_applied(s->ctx, stdout, &s->ops, NULL, netlink_mutations(s->nl),
					s->args->json);
}

/* What was applied is forgotten: then only the program itself can be taken away. */
static int run_ops(struct session *s)
{
	return kernel_apply(s->ctx, s->nl, &s->ops);
}

static int detach_forgotten(struct session *s)
{
	const struct tree_link *link;
	int err = session_dump(s);

	link = err ? NULL : find_link(s);
	if (!link)
		return err ? err : -ENODEV;
	if (link->xdp) {
		const struct op op = {
			.verb = OP_XDP, .phase = PHASE_UNHOOK, .cost = COST_COUNTERS, .link = link,
			.xdp_old = link->xdp, .xdp_was = link,
		};

		if (!link->xdp->known)
			return fail(s->ctx, EPERM, "%s: whose program id %u at XDP is takes CAP_SYS_ADMIN to "
				    "tell", link->name, link->xdp->prog_id);
		if (!link->xdp->ours)
			return fail(s->ctx, EEXIST, "%s: the program %s (id %u) at XDP is not weir's",
				    link->name, link->xdp->name, link->xdp->prog_id);
		if (op_append(&s->ops, &op))
			return oom(s->ctx);
	}
	return carry_out(s, run_ops);
}

static int change(struct ctx *ctx, const struct args *args)
{
	enum xdp_choice choice = choice_of(args);
	struct link *link = NULL;
	struct session s;
	int err = session_open(ctx, args, !args->dry_run, &s);

	if (!err)
		err = session_applied_policy(&s, &s.policy);
	if (!err)
		link = applied_link(&s);
	if (!err && !link && choice == XDP_OFF) {
		err = detach_forgotten(&s);
	} else if (!err) {
		if (choice != XDP_OFF)
			err = check_link(&s, link);
		if (!err) {
			link->xdp = choice;
			err = session_plan(&s);
		}
		if (!err)
			err = carry_out(&s, transaction_run);
	}
	session_close(&s);
	return err ? err : EXIT_DONE;
}

/* ---- status ---- */

static int status(struct ctx *ctx, const struct args *args)
{
	const struct tree_link *link = NULL;
	struct session s;
	int err = session_open(ctx, args, false, &s);

	if (!err)
		err = session_dump(&s);
	if (!err) {
		link = find_link(&s);
		err = !link ? -ENODEV : view_xdp(ctx, stdout, link, args->json);
	}
	session_close(&s);
	return err ? err : EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(struct ctx *ctx, const struct args *args);
} actions[] = {
	{ "attach", change }, { "detach", change }, { "status", status },
};

int cmd_xdp(struct ctx *ctx, const struct args *args)
{
	static const char *const words[] = { "attach", "detach", "status" };
	bool attach = args->action && !strcmp(args->action, "attach");
	const char *near;
	size_t i;

	if (args->n_links != 1)
		return usage_error("xdp", "it needs 'attach', 'detach' or 'status', and a link; see 'weir xdp --help'");
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(actions[i].name, args->action))
			break;
	if (i < sizeof(actions) / sizeof(actions[0])) {
		if (args->mode && !attach)
			return usage_error("xdp", "--mode is for 'xdp attach'");
		if (args->dry_run && actions[i].run == status)
			return usage_error("xdp", "--dry-run is for 'xdp attach' and 'xdp detach'");
		return actions[i].run(ctx, args);
	}
	near = near_word(args->action, words, sizeof(words) / sizeof(words[0]));
	if (near)
		return usage_error("xdp", "unknown word '%s'; did you mean '%s'?", args->action, near);
	return usage_error("xdp", "unknown word '%s'; it needs 'attach', 'detach' or 'status'", args->action);
}
