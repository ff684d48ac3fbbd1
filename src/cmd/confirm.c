// SPDX-License-Identifier: GPL-2.0-or-later
/* weir confirm: keeps what `apply --confirm` did. */
#include "cmd/command.h"
#include "cmd/guard.h"
#include "kernel/netns.h"

int cmd_confirm(struct ctx *ctx, const struct args *args);

int cmd_confirm(struct ctx *ctx, const struct args *args)
{
	uint64_t inode;
	int err = netns_inode(ctx, &inode);

	(void)args;
	if (!err)
		err = guard_confirm(ctx, inode);
	return err ? err : EXIT_DONE;
}
