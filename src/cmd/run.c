// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weir run: a new process under a limit from before its first instruction on, until it ends.
 *
 * The child waits at a pipe until it is limited, then executes. weir stays between: it passes signals
 * on, and takes the limit away when the child has ended. Should weir be killed, the limit ends with the
 * processes that are under it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/hand_limits.h"

int cmd_run(struct ctx *ctx, const struct args *args);

static const char name[] = "run";

/* As shells have it. */
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_BY_SIGNAL = 128 };

struct child {
	pid_t pid;
	int go;			/* written to when it may go on */
	int report;		/* an errno comes when it could not execute, else the end */
	sigset_t passed;	/* signals that are passed on, and SIGCHLD */
	sigset_t before;	/* what was blocked before */
};

/* ---- the child ---- */

static void be_child(const struct child *c, int go, int report, char *const *command)
{
	char word;
	int err;

	if (read(go, &word, 1) != 1)
		_exit(EXIT_FAILED);	/* weir is gone or gave up: nothing may run without its limit */
	close(go);
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	execvp(command[0], command);
	err = errno;
	if (write(report, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(EXIT_FAILED);
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static void block_signals(struct child *c)
{
	static const int passed[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, SIGTSTP,
		SIGPIPE, SIGURG, SIGCHLD,
	};
	size_t i;

	sigemptyset(&c->passed);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(&c->passed, passed[i]);
	sigprocmask(SIG_BLOCK, &c->passed, &c->before);
	signal(SIGCHLD, SIG_DFL);	/* where it was ignored, nobody could be waited for */
}

/* Starts it; it waits. Both pipes close by themselves when it executes. */
static int start(struct ctx *ctx, char *const *command, struct child *c)
{
	int go[2], report[2];

	if (pipe2(go, O_CLOEXEC))
		return fail(ctx, errno, "pipe: %s", strerror(errno));
	if (pipe2(report, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return fail(ctx, errno, "pipe: %s", strerror(errno));
	}
	fflush(NULL);
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		close(report[0]);
		be_child(c, go[0], report[1], command);
	}
	close(go[0]);
	close(report[1]);
	c->go = go[1];
	c->report = report[0];
	if (c->pid > 0)
		return 0;
	close(c->go);
	close(c->report);
	return fail(ctx, errno, "fork: %s", strerror(errno));
}

/* ---- between ---- */

/* What the terminal sends reaches the child as well: it is in the same process group. */
static bool was_sent_by_somebody(const siginfo_t *info)
{
	return info->si_code <= 0;
}

/* The child has stopped: so does weir, for the shell's job control, and both go on together. */
static void stop_too(const struct child *c)
{
	raise(SIGSTOP);
	kill(c->pid, SIGCONT);
}

/* The status of the child when it has ended, as a shell would have it; else -1. */
static int ended(const struct child *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(c->pid, &status, WNOHANG | WUNTRACED)) == c->pid) {
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return EXIT_BY_SIGNAL + WTERMSIG(status);
		if (WIFSTOPPED(status))
			stop_too(c);
	}
	return -1;
}

static int attend(const struct child *c)
{
	siginfo_t info;
	int status, sig;

	while ((status = ended(c)) < 0) {
		sig = sigwaitinfo(&c->passed, &info);
		if (sig > 0 && sig != SIGCHLD && was_sent_by_somebody(&info))
			kill(c->pid, sig);
	}
	return status;
}

/* 0, or the fault of the command's that could not be executed, with its status. */
static int let_go(struct ctx *ctx, const struct child *c, const char *command)
{
	int err = 0;

	if (write(c->go, "g", 1) != 1)
		return 0;	/* it was killed: its status says so */
	if (read(c->report, &err, sizeof(err)) != (ssize_t)sizeof(err))
		return 0;
	return fail(ctx, err, "run: %s: %s", command, strerror(err));
}

/* ---- the limit ---- */

/* By its key: the number may be another's by now. */
static int take_limit_away(struct ctx *ctx, struct limit_key key)
{
	struct ctx quiet;
	int err;

	ctx_init(&quiet);
	err = hand_limit_remove(&quiet, key);
	if (err && err != -ENOENT)
		fail(ctx, err, "run: the limit could not be removed: %s; 'weir unlimit --all' does",
		     quiet.error ? quiet.error : strerror(-err));
	ctx_fini(&quiet);
	return err == -ENOENT ? 0 : err;
}

static int set_limit(struct ctx *ctx, const struct args *args, const struct child *c,
		     struct limit_wish *wish, struct limit_key *key)
{
	struct limit_ops ops;
	struct limit_op op;
	char pid[16];
	int err;

	snprintf(pid, sizeof(pid), "%d", (int)c->pid);
	wish->subject = LIMIT_PID;
	wish->name = pid;
	err = hand_limit_set(ctx, wish, args->limit.backend, &ops, &op);
	*key = op.key;
	limit_ops_free(&ops);
	return err;
}

/* The command's status, or -errno when it did not run. */
static int run(struct ctx *ctx, const struct args *args, struct limit_wish *wish)
{
	struct limit_key key;
	struct child c;
	int status, err;

	block_signals(&c);
	err = start(ctx, args->words, &c);
	if (err)
		return err;
	err = set_limit(ctx, args, &c, wish, &key);
	if (err) {
		close(c.go);
		waitpid(c.pid, NULL, 0);
		close(c.report);
		return err;
	}
	err = let_go(ctx, &c, args->words[0]);
	close(c.go);
	close(c.report);
	status = attend(&c);
	if (err) {
		ctx_print(ctx, err);
		ctx_clear(ctx);
	}
	err = take_limit_away(ctx, key);
	if (err)
		ctx_print(ctx, err);
	return status;
}

int cmd_run(struct ctx *ctx, const struct args *args)
{
	struct limit_wish wish = { .n_also = 0 };
	int status;

	if (!args->n_words)
		return usage_error(name, "needs a command: weir run --download 1mbit -- COMMAND");
	status = hand_wish_read(name, args, &wish);
	return status ? status : run(ctx, args, &wish);
}
