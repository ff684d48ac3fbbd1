// SPDX-License-Identifier: GPL-2.0-or-later
/* weir down: the difference to an empty policy. */
#include <errno.h>

#include "cmd/session.h"
#include "cmd/transaction.h"
#include "view/plan.h"

int cmd_down(struct ctx *ctx, const struct args *args);

int cmd_down(struct ctx *ctx, const struct args *args)
{
	struct session s;
	int err = session_open(ctx, args, true, &s);

	if (!err)
		err = session_plan(&s);
	if (!err)
		err = session_check_names(&s);
	if (!err)
		err = transaction_run(&s);
	if (!err)
		err = view_applied(ctx, stdout, &s.ops, &s.limits, netlink_mutations(s.nl), args->json);
	session_close(&s);
	return err ? err : EXIT_DONE;
}
