/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - a subcommand is one file in src/cmd/ and one row in src/cmd/table.c; dispatch, --help
 * and the check of the man page all walk that table.
 */
#ifndef WEIR_CMD_COMMAND_H
#define WEIR_CMD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ctx.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PENDING = 2 };

enum { MAX_LINKS = 64 };

#define DEFAULT_FILE "/etc/weir/weir.conf"

/* What the command line said, checked. */
struct args {
	const char *netns;
	const char *links[MAX_LINKS];	/* --link, or the operands of commands that take links */
	unsigned int n_links;
	const char *file;		/* for commands that take one; DEFAULT_FILE when left out */
	bool json, tc, take_over, help;
	bool color;			/* standard output is a terminal that shows colours */
	uint64_t confirm_s;		/* 0: no confirmation is asked for */
	uint64_t interval_ns;		/* 0: not given */
};

enum option {
	OPTION_NETNS = 1 << 0, OPTION_JSON = 1 << 1, OPTION_LINK = 1 << 2, OPTION_TC = 1 << 3,
	OPTION_TAKE_OVER = 1 << 4, OPTION_CONFIRM = 1 << 5, OPTION_INTERVAL = 1 << 6,
	OPTION_HELP = 1 << 7,
};

enum operands { OPERANDS_NONE, OPERANDS_FILE, OPERANDS_LINKS };

struct command {
	const char *name;
	const char *help;
	enum operands operands;
	uint32_t options;	/* enum option */
	/* An exit status (EXIT_*), or -errno with the fault in ctx. */
	int (*run)(struct ctx *ctx, const struct args *args);
};

/* Ends with a row without a name. */
extern const struct command commands[];
const struct command *command_find(const char *name);

/* Reads what follows the command's name. 0, or -EINVAL with the fault in ctx. */
int args_parse(struct ctx *ctx, const struct command *command, int argc, char **argv,
	       struct args *args);

/* The help of one command, and of the program. */
void command_help(FILE *f, const struct command *command);
void program_help(FILE *f);

#endif
