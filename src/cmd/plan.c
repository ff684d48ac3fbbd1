// SPDX-License-Identifier: GPL-2.0-or-later
/* weir plan: the operations that apply would carry out, or the tc commands of a fresh link. */
#include <errno.h>

#include "cmd/session.h"
#include "view/plan.h"
#include "view/tc.h"

int cmd_plan(struct ctx *ctx, const struct args *args);

/* Commands are for a fresh link: what this one has does not matter, nor what a change would take. A
 * difference would give filters other prios than those, beside what is there. */
static int plan_fresh(struct session *s)
{
	int err = session_dump(s);

	return err ? err : session_compile(s, s->ctx, s->args->links, s->args->n_links);
}

int cmd_plan(struct ctx *ctx, const struct args *args)
{
	struct session s;
	int err;

	if (args->tc && args->json)
		return fail(ctx, EINVAL, "plan: --tc and --json exclude each other");
	err = session_open_file(ctx, args, false, &s);
	if (!err)
		err = args->tc ? plan_fresh(&s) : session_plan(&s);
	if (!err && args->tc)
		view_tc(stdout, s.wanted);
	else if (!err)
		err = args->json ? view_plan_json(ctx, stdout, s.wanted, &s.ops, &s.limits) :
				   view_plan(ctx, stdout, s.wanted, &s.ops, &s.limits, args->color);
	if (!err)
		err = s.ops.count + s.limits.count > 0 && !args->tc ? EXIT_PENDING : EXIT_DONE;
	session_close(&s);
	return err;
}
