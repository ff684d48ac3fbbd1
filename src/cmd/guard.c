// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "kernel/netns.h"

static void socket_address(uint64_t netns_inode, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%" PRIu64 ".confirm", NETNS_RUN_DIR,
		 netns_inode);
}

/* A connection to the guard that waits, or -errno: -ENOENT when there is none. */
static int reach_guard(uint64_t netns_inode)
{
	struct sockaddr_un addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	socket_address(netns_inode, &addr);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno == ECONNREFUSED ? ENOENT : errno;
	close(fd);
	return -err;
}

int guard_refuse_while_pending(struct ctx *ctx, uint64_t netns_inode)
{
	int fd = reach_guard(netns_inode);

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0)
		close(fd);
	return fail(ctx, EBUSY, "an apply waits for its confirmation: `weir confirm` keeps it, else it is "
		    "undone when its time is up");
}

int guard_confirm(struct ctx *ctx, uint64_t netns_inode)
{
	int fd = reach_guard(netns_inode);
	char answer = 0;
	ssize_t n;

	if (fd == -ENOENT)
		return fail(ctx, ENOENT, "no apply waits for confirmation in this network namespace");
	if (fd < 0)
		return fail(ctx, fd, "the waiting apply cannot be reached: %s", strerror(-fd));
	n = send(fd, "k", 1, MSG_NOSIGNAL) == 1 ? read(fd, &answer, 1) : -1;
	close(fd);
	if (n != 1 || answer != 'k')
		return fail(ctx, EIO, "the waiting apply did not answer: it may be undoing the change");
	return 0;
}

/* ---- the guard itself ---- */

static int listen_for_confirm(struct ctx *ctx, uint64_t netns_inode)
{
	struct sockaddr_un addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(ctx, errno, "confirmation socket: %s", strerror(errno));
	socket_address(netns_inode, &addr);
	unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		int err = fail(ctx, errno, "%s: %s", addr.sun_path, strerror(errno));

		close(fd);
		return err;
	}
	return fd;
}

static void stop_listening(uint64_t netns_inode, int listener)
{
	struct sockaddr_un addr;

	socket_address(netns_inode, &addr);
	unlink(addr.sun_path);
	close(listener);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A connection that said to keep the change, still to be answered, or -1; others (a look whether
 * one waits) just close. */
static int asked_to_keep(int listener)
{
	struct timeval patience = { .tv_sec = 1 };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char word = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (read(fd, &word, 1) == 1 && word == 'k')
		return fd;
	close(fd);
	return -1;
}

/* As asked_to_keep(); -1 also when time is up, or when the guard is told to end (termination). */
static int wait_for_confirm(int listener, int termination, uint64_t seconds)
{
	int64_t deadline = now_ms() + (int64_t)seconds * 1000, left;
	struct pollfd p[] = {
		{ .fd = listener, .events = POLLIN }, { .fd = termination, .events = POLLIN },
	};
	int fd = -1;

	while (fd < 0 && (left = deadline - now_ms()) > 0) {
		if (poll(p, 2, left > 60000 ? 60000 : (int)left) <= 0)
			continue;
		if (p[1].revents)
			break;
		fd = asked_to_keep(listener);
	}
	return fd;
}

/* The death of the terminal must not reach the guard in any form; to be told to end means to undo at
 * once. A descriptor that is readable then, or -1. */
static int hold_signals(void)
{
	sigset_t held;

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGINT);
	sigprocmask(SIG_BLOCK, &held, NULL);
	return signalfd(-1, &held, SFD_CLOEXEC);
}

/* Nothing of the terminal may be held any more: it may hang, or wait for the guard to close it. */
static void leave_terminal(struct ctx *ctx)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fflush(stdout);
	fflush(stderr);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	ctx->messages = stderr;
}

static void stand_guard(struct ctx *ctx, uint64_t netns_inode, uint64_t seconds, int listener,
			int termination, int (*undo)(struct ctx *ctx, void *arg), void *arg)
{
	int fd;

	openlog("weir", LOG_PID, LOG_DAEMON);
	fd = wait_for_confirm(listener, termination, seconds);
	if (fd < 0 && undo(ctx, arg))
		syslog(LOG_ERR, "apply was not confirmed within %" PRIu64 " s, and undoing it failed: %s",
		       seconds, ctx->error ? ctx->error : "unknown error");
	else if (fd < 0)
		syslog(LOG_WARNING, "apply was not confirmed within %" PRIu64 " s and was undone", seconds);
	/* before the answer: what the confirming side does next must not find an apply pending */
	stop_listening(netns_inode, listener);
	if (fd >= 0 && write(fd, "k", 1) != 1)
		syslog(LOG_NOTICE, "confirmed, but the confirming command is gone");
	if (fd >= 0)
		syslog(LOG_INFO, "apply was confirmed");
}

struct report {
	int status;
	bool located;
	uint32_t len;		/* of the fault's text, which follows */
};

static void send_report(int fd, const struct ctx *ctx, int status)
{
	struct report r = {
		status, ctx->located, ctx->error ? (uint32_t)strlen(ctx->error) : 0,
	};

	/* a reader that is gone is the case that the guard is for */
	if (write(fd, &r, sizeof(r)) == (ssize_t)sizeof(r) && r.len &&
	    write(fd, ctx->error, r.len) != (ssize_t)r.len)
		syslog(LOG_NOTICE, "the report of an apply was not read");
	close(fd);
}

static int read_report(struct ctx *ctx, int fd)
{
	struct report r;
	char *text;

	if (read(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
		return fail(ctx, EIO, "the guarding process ended without a report; see `weir show`");
	if (r.status >= 0)
		return r.status;
	text = calloc(1, (size_t)r.len + 1);
	if (!text)
		return oom(ctx);
	if (r.len && read(fd, text, r.len) != (ssize_t)r.len)
		text[0] = 0;
	if (r.located)
		fail_located(ctx, r.status, text);
	else
		fail(ctx, r.status, "%s", r.len ? text : strerror(-r.status));
	free(text);
	return r.status;
}

static void guard_child(struct ctx *ctx, uint64_t netns_inode, uint64_t seconds, int report_fd,
			int (*work)(struct ctx *ctx, void *arg),
			int (*undo)(struct ctx *ctx, void *arg), void *arg)
{
	int termination = hold_signals();
	int listener = listen_for_confirm(ctx, netns_inode);
	int status = listener < 0 ? listener : 0;

	setsid();
	if (!status)
		status = work(ctx, arg);
	if (status && listener >= 0)
		stop_listening(netns_inode, listener);
	fflush(stdout);
	if (!status)
		leave_terminal(ctx);
	send_report(report_fd, ctx, status);
	if (!status)
		stand_guard(ctx, netns_inode, seconds, listener, termination, undo, arg);
}

int guard_run(struct ctx *ctx, uint64_t netns_inode, uint64_t seconds,
	      int (*work)(struct ctx *ctx, void *arg), int (*undo)(struct ctx *ctx, void *arg),
	      void *arg)
{
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return fail(ctx, errno, "pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		status = fail(ctx, errno, "fork: %s", strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return status;
	}
	if (!pid) {
		close(fds[0]);
		guard_child(ctx, netns_inode, seconds, fds[1], work, undo, arg);
		_exit(0);
	}
	close(fds[1]);
	status = read_report(ctx, fds[0]);
	close(fds[0]);
	if (status < 0)
		waitpid(pid, NULL, 0);
	return status;
}
