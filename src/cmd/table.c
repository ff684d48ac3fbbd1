// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands: a new one is one extern and one row here. */
#include "cmd/command.h"

#include <string.h>

int cmd_check(struct ctx *ctx, const struct args *args);
int cmd_plan(struct ctx *ctx, const struct args *args);
int cmd_apply(struct ctx *ctx, const struct args *args);
int cmd_confirm(struct ctx *ctx, const struct args *args);
int cmd_down(struct ctx *ctx, const struct args *args);
int cmd_show(struct ctx *ctx, const struct args *args);
int cmd_backends(struct ctx *ctx, const struct args *args);
int cmd_xdp(struct ctx *ctx, const struct args *args);
int cmd_limit(struct ctx *ctx, const struct args *args);
int cmd_run(struct ctx *ctx, const struct args *args);
int cmd_limits(struct ctx *ctx, const struct args *args);
int cmd_unlimit(struct ctx *ctx, const struct args *args);

enum { ALWAYS = OPTION_HELP, NETNS = OPTION_HELP | OPTION_NETNS };

/* What a limit can be said to be. */
enum { LIMIT = OPTION_UPLOAD | OPTION_DOWNLOAD | OPTION_BURST | OPTION_BLOCK | OPTION_ONLY |
	       OPTION_BACKEND | OPTION_NO_CHILDREN };

const struct command commands[] = {
	{ "check", "read and validate; no privilege needed", OPERANDS_FILE, ALWAYS | OPTION_JSON,
	  cmd_check },
	{ "plan", "what would change; status 0: nothing, 2: changes, 1: error", OPERANDS_FILE,
	  NETNS | OPTION_JSON | OPTION_LINK | OPTION_TC | OPTION_TAKE_OVER, cmd_plan },
	{ "apply", "change it", OPERANDS_FILE,
	  NETNS | OPTION_JSON | OPTION_LINK | OPTION_TAKE_OVER | OPTION_CONFIRM, cmd_apply },
	{ "confirm", "keep what `apply --confirm` did", OPERANDS_NONE, NETNS, cmd_confirm },
	{ "down", "take away what weir made, and nothing else", OPERANDS_LINKS,
	  NETNS | OPTION_JSON | OPTION_LINK, cmd_down },
	{ "show", "the tree, its rates, counters and drops", OPERANDS_LINKS,
	  NETNS | OPTION_JSON | OPTION_LINK | OPTION_INTERVAL | OPTION_RULES, cmd_show },
	{ "xdp", "stamps of classids at XDP: attach, detach or status of a link", OPERANDS_XDP,
	  NETNS | OPTION_JSON | OPTION_MODE | OPTION_DRY_RUN, cmd_xdp },
	{ "limit", "limit a cgroup, a user or processes, without a file", OPERANDS_SUBJECT,
	  NETNS | LIMIT | OPTION_EACH, cmd_limit },
	{ "run", "run a command under a limit, until it ends", OPERANDS_COMMAND, NETNS | LIMIT, cmd_run },
	{ "limits", "the limits on this host, what passed, and whether they hold", OPERANDS_NONE,
	  NETNS | OPTION_JSON | OPTION_WATCH | OPTION_INTERVAL, cmd_limits },
	{ "unlimit", "remove limits, whoever set them", OPERANDS_SUBJECT, NETNS | OPTION_ALL,
	  cmd_unlimit },
	{ "backends", "what this kernel offers, and why not", OPERANDS_NONE, NETNS | OPTION_JSON,
	  cmd_backends },
	{ NULL, NULL, 0, 0, NULL }
};

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
