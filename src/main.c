// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the command, runs it, prints the one error that it may end with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "kernel/netns.h"
#include "lib/near.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

static int unknown_command(struct ctx *ctx, const char *name)
{
	const char *words[32], *near;
	size_t n;

	for (n = 0; commands[n].name && n < 32; n++)
		words[n] = commands[n].name;
	near = near_word(name, words, n);
	if (near)
		fail(ctx, EINVAL, "unknown command '%s'; did you mean '%s'?", name, near);
	else
		fail(ctx, EINVAL, "unknown command '%s'; see 'weir --help'", name);
	ctx_print(ctx, -EINVAL);
	return EXIT_USAGE;
}

static int run(struct ctx *ctx, const struct command *command, const char *netns, int argc,
	       char **argv)
{
	struct args args = { .netns = netns };
	int status = args_parse(ctx, command, argc, argv, &args);

	if (status) {
		ctx_print(ctx, status);
		/* for plan, 2 says that changes are pending */
		return strcmp(command->name, "plan") ? EXIT_USAGE : EXIT_FAILED;
	}
	if (args.help)
		command_help(stdout, command);
	else if (args.netns)
		status = netns_enter(ctx, args.netns);
	if (!status && !args.help)
		status = command->run(ctx, &args);
	if (status >= 0 && (fflush(stdout) || ferror(stdout)))
		status = fail(ctx, EIO, "standard output could not be written");
	if (status >= 0)
		return status;
	ctx_print(ctx, status);
	return EXIT_FAILED;
}

static int flushed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_DONE;
	fputs("weir: standard output could not be written\n", stderr);
	return EXIT_FAILED;
}

/* -n NETNS may also stand in front of the command, as in ip(8). Steps over it. */
static const char *leading_netns(int argc, char **argv, int *i)
{
	const char *word = argv[*i];

	if (!strncmp(word, "--netns=", 8)) {
		(*i)++;
		return word + 8;
	}
	if (!strncmp(word, "-n", 2) && word[2]) {
		(*i)++;
		return word + 2;
	}
	if ((strcmp(word, "-n") && strcmp(word, "--netns")) || *i + 1 >= argc)
		return NULL;
	*i += 2;
	return argv[*i - 1];
}

/* A lock or a socket that got the number of a closed standard stream would be written to. What
 * stands in for the stream cannot be written, so that its absence stays an error. */
static bool reserve_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct command *command;
	const char *netns;
	struct ctx ctx;
	int status, i = 1;

	if (!reserve_streams())
		return EXIT_FAILED;
	netns = argc > 1 ? leading_netns(argc, argv, &i) : NULL;
	if (i >= argc) {
		program_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") || !strcmp(argv[i], "help")) {
		program_help(stdout);
		return flushed();
	}
	if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V")) {
		puts("weir " PACKAGE_VERSION);
		return flushed();
	}
	command = command_find(argv[i]);
	ctx_init(&ctx);
	status = command ? run(&ctx, command, netns, argc - i - 1, argv + i + 1) :
			   unknown_command(&ctx, argv[i]);
	ctx_fini(&ctx);
	return status;
}
