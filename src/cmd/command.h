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

#include "cmd/limit_args.h"
#include "lib/ctx.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PENDING = 2 };

enum { MAX_LINKS = 64 };

#define DEFAULT_FILE "/etc/weir/weir.conf"

/* What the command line said, checked. */
struct args {
	const char *netns;
	const char *action;		/* of commands that do several things; NULL: left out */
	const char *links[MAX_LINKS];	/* --link, or the operands of commands that take links */
	unsigned int n_links;
	char **words;			/* operands of commands that take others, n_words of them */
	unsigned int n_words;		/* run: NULL is behind the last */
	const char *file;		/* for commands that take one; DEFAULT_FILE when left out */
	bool rules;
	bool json, tc, take_over, help;
	bool color;			/* standard output is a terminal that shows colours */
	uint64_t confirm_s;		/* 0: no confirmation is asked for */
	uint64_t interval_ns;		/* 0: not given */
	const char *mode;		/* of XDP; NULL: not given */
	bool dry_run;
	struct limit_args limit;
};

enum option {
	OPTION_NETNS = 1 << 0, OPTION_JSON = 1 << 1, OPTION_LINK = 1 << 2, OPTION_TC = 1 << 3,
	OPTION_TAKE_OVER = 1 << 4, OPTION_CONFIRM = 1 << 5, OPTION_INTERVAL = 1 << 6,
	OPTION_HELP = 1 << 7, OPTION_UPLOAD = 1 << 8, OPTION_DOWNLOAD = 1 << 9, OPTION_BURST = 1 << 10,
	OPTION_ONLY = 1 << 11, OPTION_BACKEND = 1 << 12, OPTION_NO_CHILDREN = 1 << 13,
	OPTION_BLOCK = 1 << 14, OPTION_EACH = 1 << 15, OPTION_ALL = 1 << 18, OPTION_WATCH = 1 << 19,
	OPTION_RULES = 1 << 20, OPTION_MODE = 1 << 16, OPTION_DRY_RUN = 1 << 17,
};

enum operands { OPERANDS_NONE, OPERANDS_FILE, OPERANDS_LINKS, OPERANDS_XDP, OPERANDS_SUBJECT,
		OPERANDS_COMMAND };

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
