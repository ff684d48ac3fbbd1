// SPDX-License-Identifier: GPL-2.0-or-later
/* weir plan: the operations that apply would carry out, or the tc commands of a fresh link. */
#include "cmd/session.h"
#include "view/plan.h"
#include "view/tc.h"

int cmd_plan(struct ctx *ctx, const struct args *args);

int cmd_plan(struct ctx *ctx, const struct args *args)
{
	struct session s;
	int err = session_open_file(ctx, args, false, &s);

	if (!err)
		err = session_plan(&s);
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
