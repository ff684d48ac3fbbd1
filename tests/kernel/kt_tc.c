// SPDX-License-Identifier: GPL-2.0-or-later
/* tc, started once a test: starting a program takes an emulated processor longer than most of tests. */
#include "kt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* No command of tc: what it says of it ends the answer to the one before. */
#define END "end-of-answer"

static FILE *questions, *answers;
static pid_t asked_by;

/* In the network namespace of the test. */
static void start(void)
{
	int in[2], out[2];
	pid_t pid;

	MUST(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execlp("tc", "tc", "-d", "-force", "-batch", "-", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	questions = fdopen(in[1], "w");
	answers = fdopen(out[0], "r");
	MUST(questions && answers);
	asked_by = getpid();
}

/* What tc printed, to the line about END and the one after it; arena memory of the test. */
static char *answer(bool *fine)
{
	char *line = NULL, *text = NULL, *all;
	size_t size = 0, len;
	FILE *f = open_memstream(&text, &len);

	MUST(f);
	*fine = true;
	while (getline(&line, &size, answers) > 0 && !strstr(line, END)) {
		*fine = *fine && strncmp(line, "Command failed", 14);
		fputs(line, f);
	}
	MUST(getline(&line, &size, answers) > 0);
	free(line);
	fclose(f);
	all = kt_kept_text(text);
	free(text);
	return all;
}

char *kt_tc(const char *fmt, ...)
{
	char *command, *text;
	bool fine;
	va_list ap;

	if (asked_by != getpid())
		start();
	va_start(ap, fmt);
	if (vasprintf(&command, fmt, ap) < 0)
		abort();
	va_end(ap);
	fprintf(questions, "%s\n" END "\n", command);
	fflush(questions);
	text = answer(&fine);
	if (!fine) {
		kt_fail(__FILE__, __LINE__, "tc %s\n%s", command, text);
		kt_stop(__FILE__, __LINE__, "the command failed");
	}
	free(command);
	return text;
}
