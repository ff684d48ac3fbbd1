// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP under limits of a process: what a listening socket accepts is the process's as well. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>

#include "host/backend.h"
#include "tests/bpf/limit_lab.h"
#include "tests/kernel/kt.h"

enum { RATE_BIT = 4000000, SECONDS = 2 };

/* Listens on ::1, tells the port, and sends all that it can to who connects. */
static _Noreturn void serve(int tell)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0), client;
	static const char buf[65536];
	socklen_t len = sizeof(own);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bind(fd, (void *)&own, len) || listen(fd, 1) || getsockname(fd, (void *)&own, &len) ||
	    write(tell, &own, sizeof(own)) != sizeof(own))
		abort();
	client = accept(fd, NULL, NULL);
	for (;;)
		send(client, buf, sizeof(buf), MSG_NOSIGNAL);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bytes a second, after half a second for the burst. */
static double receive(const struct sockaddr_in6 *to)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	double begin, counted_from = 0, bytes = 0;
	static char buf[65536];
	ssize_t n;

	MUST(!connect(fd, (const void *)to, sizeof(*to)));
	for (begin = now(); now() < begin + 0.5 + SECONDS;) {
		n = recv(fd, buf, sizeof(buf), 0);
		MUST(n > 0);
		if (now() < begin + 0.5)
			continue;
		if (!counted_from)
			counted_from = now();
		bytes += (double)n;
	}
	close(fd);
	return bytes / (now() - counted_from);
}

static void accepted_sockets(void)
{
	struct limit_wish wish = {
		.subject = LIMIT_PID, .side[LIMIT_EGRESS] = { .set = true, .rate_bit = RATE_BIT },
	};
	struct sockaddr_in6 to;
	double rate;
	char pid[16];
	int fds[2];
	pid_t child;

	lab_begin();
	MUST(!pipe(fds));
	child = fork();
	if (!child)
		serve(fds[1]);
	MUST(read(fds[0], &to, sizeof(to)) == sizeof(to));
	snprintf(pid, sizeof(pid), "%d", child);
	wish.name = pid;
	MUST(!backend_ebpf.set(&kt_ctx, &wish, 1, LIMIT_WAY_EGRESS));
	lab_remember();
	rate = receive(&to) * 8;
	/* packets of 64 KiB, of which a dropped one takes TCP's timer: how near the rate comes is for
	 * benchmarks to tell */
	if (rate < 0.1 * RATE_BIT || rate > 1.2 * RATE_BIT)
		kt_fail(__FILE__, __LINE__, "%.0f bit/s", rate);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	MUST(!backend_ebpf.list(&kt_ctx, &(struct limit_list){ .n = 0 }));	/* tidies up */
	lab_nothing_left();
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = { { "accepted sockets", accepted_sockets } };

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
