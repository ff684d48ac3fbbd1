// SPDX-License-Identifier: GPL-2.0-or-later
/* weir down: the difference to an empty policy. */
#include <errno.h>

#include "cmd/session.h"
#include "cmd/transaction.h"
#include "view/plan.h"

int cmd_down(struct ctx *ctx, const struct args *args);

/* A name that is neither an interface nor remembered is a mistake of the caller's. */
static int check_names(struct session *s)
{
	unsigned int i;

	for (i = 0; i < s->args->n_links; i++)
		if (!tree_link_find(s->present, s->args->links[i]) &&
		    !state_policy(s->state, s->args->links[i]))
			return fail(s->ctx, ENODEV, "%s: no such interface", s->args->links[i]);
	return 0;
}

int cmd_down(struct ctx *ctx, const struct args *args)
{
	struct session s;
	int err = session_open(ctx, args, true, &s);

	if (!err)
		err = session_plan(&s);
	if (!err)
		err = check_names(&s);
	if (!err)
		err = transaction_run(&s);
	if (!err)
		err = view_applied(ctx, stdout, &s.ops, &s.limits, netlink_mutations(s.nl), args->json);
	session_close(&s);
	return err ? err : EXIT_DONE;
}
