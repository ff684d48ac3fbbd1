// SPDX-License-Identifier: GPL-2.0-or-later
/* Option rows: parsing and help come from the same table. */
#include "cmd/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/near.h"
#include "lib/units.h"

enum { CONFIRM_MAX_S = 86400 };

struct option_row {
	enum option id;
	const char *word;
	char letter;
	const char *arg;	/* NULL: takes none */
	const char *help;
	int (*set)(struct ctx *ctx, struct args *args, const char *value);
};

static int set_netns(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx;
	args->netns = value;
	return 0;
}

static int set_json(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->json = true;
	return 0;
}

static int add_link(struct ctx *ctx, struct args *args, const char *value)
{
	if (args->n_links == MAX_LINKS)
		return fail(ctx, EINVAL, "more than %d links are named", MAX_LINKS);
	args->links[args->n_links++] = value;
	return 0;
}

static int set_tc(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->tc = true;
	return 0;
}

static int set_take_over(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->take_over = true;
	return 0;
}

static int set_confirm(struct ctx *ctx, struct args *args, const char *value)
{
	if (units_parse_number(value, &args->confirm_s) || !args->confirm_s ||
	    args->confirm_s > CONFIRM_MAX_S)
		return fail(ctx, EINVAL, "--confirm needs seconds, 1 to %d, not '%s'", CONFIRM_MAX_S, value);
	return 0;
}

static int set_interval(struct ctx *ctx, struct args *args, const char *value)
{
	uint64_t ns;

	/* a bare number is seconds here, as in ping and sar */
	if (!units_parse_number(value, &ns) && ns <= 3600)
		ns *= 1000000000u;
	else if (units_parse_time(value, &ns))
		ns = 0;
	if (ns < 10000000u || ns > 3600 * UINT64_C(1000000000))
		return fail(ctx, EINVAL, "--interval needs a time, 10ms to 3600s, not '%s'", value);
	args->interval_ns = ns;
	return 0;
}

static int set_mode(struct ctx *ctx, struct args *args, const char *value)
{
	if (strcmp(value, "native") && strcmp(value, "generic"))
		return fail(ctx, EINVAL, "--mode needs native or generic, not '%s'", value);
	args->mode = value;
	return 0;
}

static int set_dry_run(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->dry_run = true;
	return 0;
}

static int set_rules(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->rules = true;
	return 0;
}

static int set_help(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->help = true;
	return 0;
}

static const struct option_row rows[] = {
	{ OPTION_NETNS, "--netns", 'n', "NETNS", "work in this network namespace", set_netns },
	{ OPTION_LINK, "--link", 'l', "NAME", "only this link; may be repeated", add_link },
	{ OPTION_JSON, "--json", 'j', NULL, "print JSON", set_json },
	{ OPTION_TC, "--tc", 0, NULL, "print the tc commands that would make it on a fresh link", set_tc },
	{ OPTION_TAKE_OVER, "--take-over", 0, NULL,
	  "replace a root qdisc of somebody else's; `down` puts it back", set_take_over },
	{ OPTION_CONFIRM, "--confirm", 0, "SECONDS",
	  "undo it unless `weir confirm` comes in time", set_confirm },
	{ OPTION_INTERVAL, "--interval", 'i', "TIME", "measure rates over this time", set_interval },
	{ OPTION_DOWNLOAD, "--download", 0, "RATE", "limit what is received; or: block", set_download },
	{ OPTION_UPLOAD, "--upload", 0, "RATE", "limit what is sent; or: block", set_upload },
	{ OPTION_BURST, "--burst", 0, "TIME", "so much of the rate may come at once", set_burst },
	{ OPTION_BLOCK, "--block", 0, NULL, "let nothing pass, in both directions", set_block },
	{ OPTION_ONLY, "--only", 0, "WHAT", "only traffic with the `internet`, or only `local`", set_only },
	{ OPTION_BACKEND, "--backend", 0, "NAME", "by this means, see `weir backends`", set_backend },
	{ OPTION_NO_CHILDREN, "--no-children", 0, NULL, "not what the process starts", set_no_children },
	{ OPTION_EACH, "--each", 0, NULL, "a limit for each process instead of one for all", set_each },
	{ OPTION_ALL, "--all", 0, NULL, "every limit", set_all },
	{ OPTION_WATCH, "--watch", 0, NULL, "go on until interrupted", set_watch },
	{ OPTION_MODE, "--mode", 0, "MODE", "native or generic, and nothing else", set_mode },
	{ OPTION_DRY_RUN, "--dry-run", 0, NULL, "say what would be done, and do nothing", set_dry_run },
	{ OPTION_RULES, "--rules", 0, NULL, "what each rule has counted, in the place of the trees", set_rules },
	{ OPTION_HELP, "--help", 'h', NULL, "say this", set_help },
};

enum { ROWS_N = sizeof(rows) / sizeof(rows[0]) };

/* The row that an argument names; *value is what stands behind '=' in it, or NULL. */
static const struct option_row *find_row(const struct command *command, const char *arg,
					 const char **value)
{
	size_t i, len = strcspn(arg, "=");

	*value = arg[len] ? arg + len + 1 : NULL;
	for (i = 0; i < ROWS_N; i++) {
		if (!(command->options & rows[i].id))
			continue;
		if (strlen(rows[i].word) == len && !strncmp(rows[i].word, arg, len))
			return &rows[i];
		if (rows[i].letter && arg[0] == '-' && arg[1] == rows[i].letter) {
			*value = arg[2] ? arg + 2 : NULL;
			return &rows[i];
		}
	}
	return NULL;
}

static int unknown_option(struct ctx *ctx, const struct command *command, const char *arg)
{
	const char *words[ROWS_N], *near;
	size_t i;

	for (i = 0; i < ROWS_N; i++)
		words[i] = command->options & rows[i].id ? rows[i].word : NULL;
	near = near_word(arg, words, ROWS_N);
	return near ? fail(ctx, EINVAL, "%s: unknown option '%s'; did you mean '%s'?", command->name, arg,
			   near) :
		      fail(ctx, EINVAL, "%s: unknown option '%s'; see 'weir %s --help'", command->name, arg,
			   command->name);
}

static int parse_option(struct ctx *ctx, const struct command *command, int argc, char **argv,
			int *i, struct args *args)
{
	const char *value;
	const struct option_row *row = find_row(command, argv[*i], &value);

	if (!row)
		return unknown_option(ctx, command, argv[*i]);
	if (!row->arg && value)
		return fail(ctx, EINVAL, "%s takes no value", row->word);
	if (row->arg && !value) {
		if (*i + 1 >= argc)
			return fail(ctx, EINVAL, "%s needs %s", row->word, row->arg);
		value = argv[++*i];
	}
	return row->set(ctx, args, value);
}

static int parse_operand(struct ctx *ctx, const struct command *command, char *word,
			 struct args *args)
{
	if (command->operands == OPERANDS_SUBJECT) {
		args->words[args->n_words++] = word;
		return 0;
	}
	if (command->operands == OPERANDS_XDP && !args->action) {
		args->action = word;
		return 0;
	}
	if (command->operands == OPERANDS_LINKS || command->operands == OPERANDS_XDP)
		return add_link(ctx, args, word);
	if (command->operands == OPERANDS_NONE)
		return fail(ctx, EINVAL, "%s: '%s' is one word too many", command->name, word);
	if (args->file)
		return fail(ctx, EINVAL, "%s: takes one file, and '%s' is a second", command->name, word);
	args->file = word;
	return 0;
}

int args_parse(struct ctx *ctx, const struct command *command, int argc, char **argv,
	       struct args *args)
{
	bool options = true;
	int i, err = 0;

	args->words = argv;		/* operands are put in front of what is still to be read */
	for (i = 0; i < argc && !err; i++) {
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			err = parse_option(ctx, command, argc, argv, &i, args);
		} else if (command->operands == OPERANDS_COMMAND) {
			args->words = argv + i;
			args->n_words = (unsigned int)(argc - i);
			break;
		} else {
			err = parse_operand(ctx, command, argv[i], args);
		}
	}
	if (!args->file)
		args->file = DEFAULT_FILE;
	args->color = !getenv("NO_COLOR") && isatty(STDOUT_FILENO) && !args->json;
	return err;
}

static const char *const operand_names[] = {
	[OPERANDS_NONE] = "", [OPERANDS_FILE] = " [FILE]", [OPERANDS_LINKS] = " [LINK...]",
	[OPERANDS_XDP] = " attach|detach|status [LINK]",
	[OPERANDS_SUBJECT] = " pid|cgroup|user NAME...", [OPERANDS_COMMAND] = " [--] COMMAND [ARG...]",
};

void command_help(FILE *f, const struct command *command)
{
	char left[40];
	size_t i;

	fprintf(f, "usage: weir %s [OPTION...]%s\n%s\n", command->name,
		operand_names[command->operands], command->help);
	for (i = 0; i < ROWS_N; i++) {
		if (!(command->options & rows[i].id))
			continue;
		snprintf(left, sizeof(left), "%c%c%s%s%s%s", rows[i].letter ? '-' : ' ',
			 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? ", " : "  ",
			 rows[i].word, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
		fprintf(f, "  %-24s %s\n", left, rows[i].help);
	}
	if (command->operands == OPERANDS_FILE)
		fprintf(f, "FILE may be - for standard input; left out, it is %s\n", DEFAULT_FILE);
}

void program_help(FILE *f)
{
	const struct command *c;

	fprintf(f, "usage: weir COMMAND [OPTION...]\nShapes the traffic of links from one file.\n\n");
	for (c = commands; c->name; c++)
		fprintf(f, "  %-9s %s\n", c->name, c->help);
	fprintf(f, "\n'weir COMMAND --help' says more, weir(8) and weir.conf(5) say all.\n");
}
