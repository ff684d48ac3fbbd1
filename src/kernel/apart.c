// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
	bool works;
	char why[APART_WHY];
};

static int set_lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = ioctl(fd, SIOCSIFFLAGS, &request) ? -errno : 0;
	close(fd);
	return err;
}

static _Noreturn void child(bool (*works)(struct ctx *ctx, const void *arg, char why[APART_WHY]),
			    const void *arg, int out, pid_t parent)
{
	struct answer answer = { 0 };
	struct ctx ctx;
	int err = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	ctx_init(&ctx);
	if (unshare(CLONE_NEWNET))
		err = -errno;
	else
		err = set_lo_up();
	if (err == -EPERM)
		snprintf(answer.why, sizeof(answer.why), "it takes CAP_NET_ADMIN and CAP_SYS_ADMIN");
	else if (err)
		snprintf(answer.why, sizeof(answer.why), "no network namespace to try it in: %s",
			 strerror(-err));
	else
		answer.works = works(&ctx, arg, answer.why);
	_exit(write(out, &answer, sizeof(answer)) != sizeof(answer));
}

static bool read_answer(int in, struct answer *answer)
{
	ssize_t len;

	do
		len = read(in, answer, sizeof(*answer));
	while (len < 0 && errno == EINTR);
	return len == sizeof(*answer);
}

bool apart_try(bool (*works)(struct ctx *ctx, const void *arg, char why[APART_WHY]),
	       const void *arg, char why[APART_WHY])
{
	struct answer answer = { 0 };
	pid_t pid, parent = getpid();
	int fds[2];

	*why = 0;
	if (pipe2(fds, O_CLOEXEC)) {
		snprintf(why, APART_WHY, "pipe: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(works, arg, fds[1], parent);
	close(fds[1]);
	if (pid < 0 || !read_answer(fds[0], &answer)) {
		answer.works = false;
		snprintf(answer.why, sizeof(answer.why), "trying it failed");
	}
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	memcpy(why, answer.why, sizeof(answer.why));
	return answer.works;
}
